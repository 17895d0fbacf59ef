/** How much a caller may ask of a service at once: limits that refuse at once instead of waiting for ever. */
import { type Answer, type ConformanceCase, defineCase, type MeshUnderTest } from '../../define-case.ts';
import { expectContains, expectEqual } from '../../expect.ts';
import { BEHAVE, header } from '../echoed.ts';
import { everythingTo, REVIEWS } from '../routing/reviews.ts';

const CLUSTER = 'cluster.outbound|9080|v1|reviews.default.svc.cluster.local';
const SLOW = { [BEHAVE]: 'delay=300' };

/** One endpoint, so that the limits of its cluster are all there is. */
export const limited = (pool: string): string => `
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata:
  name: reviews
spec:
  host: reviews
  subsets:
  - name: v1
    labels: { version: v1 }
    trafficPolicy:
      connectionPool: ${pool}
${everythingTo('v1')}`;

const atOnce = (mesh: MeshUnderTest, count: number): Promise<Answer[]> =>
  Promise.all(Array.from({ length: count }, () => mesh.send({ url: REVIEWS, headers: SLOW })));

const statusesOf = (answers: readonly Answer[]): number[] => answers.map(({ status }) => status).sort();

/** Runs `work` and gives by how much statistics of the caller's cluster rose meanwhile. */
const rise = async (mesh: MeshUnderTest, names: readonly string[], work: () => Promise<void>): Promise<number[]> => {
  const read = () => Promise.all(names.map((name) => mesh.stat('productpage-v1', `${CLUSTER}.${name}`)));
  const before = await read();
  await work();
  return (await read()).map((value, index) => value - (before[index] ?? 0));
};

/** RES-BREAK-001 to 005. */
export const limits: readonly ConformanceCase[] = [
  defineCase({
    id: 'RES-BREAK-001',
    claim:
      'maxConnections 1 and http1MaxPendingRequests 1: of three requests at once one is served, one waits, one is refused with 503, UO and x-envoy-overloaded.',
    source: 'seed: Circuit Breaking; Istio ConnectionPoolSettings; Envoy response flag UO',
    profile: 'core',
    apply: limited('{ tcp: { maxConnections: 1 }, http: { http1MaxPendingRequests: 1 } }'),
    killedBy: ['MUT-PENDING-OFF-BY-ONE', 'MUT-PENDING-IGNORED'],
    labs: [],
    async run(mesh) {
      // The one connection is there first, so that waiting for it is not waiting for its opening.
      expectEqual('status of one alone', (await mesh.send({ url: REVIEWS })).status, 200);
      let answers: Answer[] = [];
      const [overflows] = await rise(mesh, ['upstream_rq_pending_overflow'], async () => {
        answers = await atOnce(mesh, 3);
      });
      expectEqual('statuses', statusesOf(answers), [200, 200, 503]);
      expectEqual('upstream_rq_pending_overflow', overflows, 1);
      for (const refused of answers.filter(({ status }) => status === 503)) {
        expectContains('body', refused.body, 'reset reason: overflow');
        expectEqual('x-envoy-overloaded', header(refused, 'x-envoy-overloaded'), 'true');
        expectEqual('flags', (await refused.told()).flags, 'UO');
      }
    },
  }),
  defineCase({
    id: 'RES-BREAK-002',
    claim: 'maxConnections 1 alone refuses nobody: four requests at once are served one after another on one connection.',
    source: 'Istio ConnectionPoolSettings.TCPSettings.maxConnections; Envoy circuit breaking',
    profile: 'core',
    apply: limited('{ tcp: { maxConnections: 1 } }'),
    killedBy: ['MUT-CONNECTIONS-IGNORED'],
    labs: [],
    async run(mesh) {
      let statuses: number[] = [];
      const [connections] = await rise(mesh, ['upstream_cx_total'], async () => {
        statuses = statusesOf(await atOnce(mesh, 4));
      });
      expectEqual('statuses', statuses, [200, 200, 200, 200]);
      expectEqual('connections opened', connections, 1);
    },
  }),
  defineCase({
    id: 'RES-BREAK-003',
    claim:
      'http2MaxRequests counts requests of HTTP/1.1 too, in each proxy for itself: the second at once is refused, one of another caller is not.',
    source: 'Istio HTTPSettings.http2MaxRequests: applies to HTTP/1.1 and HTTP/2; limits are per Envoy',
    profile: 'core',
    apply: limited('{ http: { http2MaxRequests: 1 } }'),
    killedBy: ['MUT-REQUESTS-OFF-BY-ONE', 'MUT-REQUESTS-IGNORED'],
    labs: [],
    async run(mesh) {
      expectEqual('status of one alone', (await mesh.send({ url: REVIEWS })).status, 200);
      const other = mesh.send({ from: 'visitor-v1', url: 'http://reviews.default:9080/', headers: SLOW });
      expectEqual('statuses', statusesOf(await atOnce(mesh, 2)), [200, 503]);
      expectEqual("status of another caller's", (await other).status, 200);
    },
  }),
  defineCase({
    id: 'RES-BREAK-004',
    claim: 'maxRequestsPerConnection 2: six requests one after another take three connections.',
    source: 'Istio HTTPSettings.maxRequestsPerConnection',
    profile: 'core',
    apply: limited('{ http: { maxRequestsPerConnection: 2 } }'),
    killedBy: ['MUT-PER-CONNECTION-OFF-BY-ONE'],
    labs: [],
    async run(mesh) {
      const [connections] = await rise(mesh, ['upstream_cx_total'], async () => {
        for (let i = 0; i < 6; i++) expectEqual('status', (await mesh.send({ url: REVIEWS })).status, 200);
      });
      expectEqual('connections opened', connections, 3);
    },
  }),
  defineCase({
    id: 'RES-BREAK-005',
    claim: 'A limit that is changed holds from the next request on, and one of 0 means no limit.',
    source: 'Istio ConnectionPoolSettings: 0 is the default, not "none allowed"',
    profile: 'core',
    apply: limited('{ http: { http2MaxRequests: 100 } }'),
    killedBy: ['MUT-LIMITS-NOT-UPDATED'],
    labs: [],
    async run(mesh) {
      expectEqual('statuses under 100', statusesOf(await atOnce(mesh, 2)), [200, 200]);
      await mesh.apply(limited('{ http: { http2MaxRequests: 1 } }'));
      expectEqual('statuses under 1', statusesOf(await atOnce(mesh, 2)), [200, 503]);
      await mesh.apply(limited('{ http: { http2MaxRequests: 0, maxRequestsPerConnection: 0 } }'));
      expectEqual('statuses under 0', statusesOf(await atOnce(mesh, 2)), [200, 200]);
    },
  }),
];
