/** What an operator may ask a running proxy, and make it do. */
import { type ConformanceCase, defineCase, type MeshUnderTest } from '../../define-case.ts';
import { expectContains, expectEqual, expectThat } from '../../expect.ts';
import { BEHAVE, header } from '../echoed.ts';
import { REVIEWS } from '../routing/reviews.ts';
import { untilAbove } from '../waiting.ts';

const SOURCE = 'Envoy administration interface';
const CALLER = 'productpage-v1';

const readiness = async (mesh: MeshUnderTest): Promise<readonly [number, string]> => {
  const { status, body } = await mesh.page(CALLER, '/ready');
  return [status, body.trim()];
};

/** ADMIN-READY-001, ADMIN-PAGE-001 to 002, ADMIN-DRAIN-001. */
export const admin: readonly ConformanceCase[] = [
  defineCase({
    id: 'ADMIN-READY-001',
    claim:
      '/ready is 200 LIVE; after /healthcheck/fail it is 503 DRAINING and answers close their connections; /healthcheck/ok takes both back.',
    source: `${SOURCE}: /ready, /healthcheck/fail, /healthcheck/ok`,
    profile: 'core',
    apply: '',
    killedBy: ['MUT-ALWAYS-READY'],
    labs: [],
    async run(mesh) {
      expectEqual('readiness', await readiness(mesh), [200, 'LIVE']);
      expectEqual('status of POST /healthcheck/fail', (await mesh.page(CALLER, '/healthcheck/fail', 'POST')).status, 200);
      try {
        expectEqual('readiness while failing', await readiness(mesh), [503, 'DRAINING']);
        expectEqual('connection field while failing', header(await mesh.send({ url: REVIEWS }), 'connection'), 'close');
      } finally {
        await mesh.page(CALLER, '/healthcheck/ok', 'POST');
      }
      expectEqual('readiness afterwards', await readiness(mesh), [200, 'LIVE']);
      expectEqual('connection field afterwards', header(await mesh.send({ url: REVIEWS }), 'connection'), undefined);
    },
  }),
  defineCase({
    id: 'ADMIN-PAGE-001',
    claim:
      'A page that changes something wants POST: GET is answered 405 and changes nothing; an unknown path is answered 404 with the list of pages.',
    source: SOURCE,
    profile: 'core',
    apply: '',
    killedBy: [],
    labs: [],
    async run(mesh) {
      expectEqual('status of GET /healthcheck/fail', (await mesh.page(CALLER, '/healthcheck/fail')).status, 405);
      expectEqual('readiness afterwards', await readiness(mesh), [200, 'LIVE']);
      const unknown = await mesh.page(CALLER, '/no-such-page');
      expectEqual('status of an unknown path', unknown.status, 404);
      expectContains('its body', unknown.body, '/config_dump');
    },
  }),
  defineCase({
    id: 'ADMIN-PAGE-002',
    claim: '/clusters lists the endpoints of reviews with their health and weight, and /config_dump the acknowledged routes of port 9080.',
    source: `${SOURCE}: /clusters, /config_dump`,
    profile: 'core',
    apply: '',
    killedBy: [],
    labs: [],
    async run(mesh) {
      const { body } = await mesh.page(CALLER, '/clusters');
      for (const name of ['reviews-v1', 'reviews-v2', 'reviews-v3']) {
        const endpoint = `outbound|9080||reviews.default.svc.cluster.local::${mesh.address(name)}:9080`;
        expectContains('/clusters', body, `${endpoint}::health_flags::healthy`);
        expectContains('/clusters', body, `${endpoint}::weight::1`);
      }
      const dump = JSON.stringify(await mesh.admin(CALLER, '/config_dump?resource=dynamic_route_configs'));
      expectThat(
        '/config_dump',
        /"name":\s*"9080"/.test(dump) && dump.includes('reviews.default.svc.cluster.local:9080'),
        'routes 9080 with reviews',
        dump,
      );
    },
  }),
  // It leaves the visitor without inbound listeners for good, so it names nobody else and stands last.
  defineCase({
    id: 'ADMIN-DRAIN-001',
    claim:
      'POST /drain_listeners?inboundonly lets a request under way finish, takes no new connection, and leaves outbound listeners open.',
    source: `${SOURCE}: /drain_listeners`,
    profile: 'core',
    apply: `
apiVersion: v1
kind: Service
metadata:
  name: visitor
  namespace: elsewhere
spec:
  selector: { app: visitor }
  ports: [{ name: http, port: 9080 }]
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata:
  name: visitor
spec:
  host: visitor.elsewhere.svc.cluster.local
  trafficPolicy: { connectionPool: { http: { maxRequestsPerConnection: 1 } } }
`,
    killedBy: ['MUT-DRAIN-DOES-NOTHING'],
    labs: [],
    async run(mesh) {
      const url = 'http://visitor.elsewhere:9080/';
      expectEqual('status before', (await mesh.send({ url })).status, 200);
      const slow = mesh.send({ url, headers: { [BEHAVE]: 'delay=800' } });
      const active = 'http.inbound_0.0.0.0_9080.downstream_rq_active';
      await untilAbove(mesh, 'visitor-v1', active, 0);
      expectEqual('status of the POST', (await mesh.page('visitor-v1', '/drain_listeners?inboundonly', 'POST')).status, 200);
      expectEqual('status of the request under way', (await slow).status, 200);
      const refused = await mesh.send({ url });
      expectEqual('status and flag of a new one', [refused.status, (await refused.told()).flags.includes('UF')], [503, true]);
      const out = await mesh.send({ from: 'visitor-v1', url: 'http://reviews.default:9080/' });
      expectEqual("status of the visitor's own request", out.status, 200);
    },
  }),
];
