/** What happens beside a request: copies of it to somebody else, and what browsers are told of other origins. */
import { type Ask, type ConformanceCase, defineCase } from '../../define-case.ts';
import { expectEqual } from '../../expect.ts';
import { echoOf, header } from '../echoed.ts';
import { expectVersion, REVIEWS, reviewsRules, to } from './reviews.ts';

const V1 = 'cluster.outbound|9080|v1|reviews.default.svc.cluster.local';
const V2 = 'cluster.outbound|9080|v2|reviews.default.svc.cluster.local';

/** TRAF-MIRROR-001 to 002. */
export const mirrors: readonly ConformanceCase[] = [
  defineCase({
    id: 'TRAF-MIRROR-001',
    claim:
      'A mirrored request is answered by its own destination; the mirror gets a copy with the same path and host, -shadow is not added.',
    source: 'Istio HTTPRoute.mirror; istio releasenotes 57530: no -shadow suffix',
    profile: 'core',
    apply: reviewsRules(`
- ${to('v1')}
  mirror: { host: reviews, subset: v2 }`),
    killedBy: ['MUT-MIRROR-IGNORED', 'MUT-SHADOW-SUFFIX'],
    labs: [],
    async run(mesh) {
      const answer = await mesh.send({ url: 'http://reviews:9080/reviews/0?a=1', method: 'POST', body: 'twice' });
      expectEqual('workload and body of the answer', [await answer.servedBy(), echoOf(answer).body], ['reviews-v1', 'twice']);
      const { path, authority, status } = await answer.told('reviews-v2');
      expectEqual('path, host and status at the mirror', [path, authority, status], ['/reviews/0?a=1', 'reviews:9080', 200]);
    },
  }),
  defineCase({
    id: 'TRAF-MIRROR-002',
    claim: 'A mirror that is not there changes nothing for the caller, and a percentage of 0 mirrors nothing.',
    source: 'Istio HTTPRoute.mirror: fire and forget; mirrorPercentage',
    profile: 'core',
    apply: reviewsRules(`
- match: [{ uri: { prefix: /none } }]
  ${to('v1')}
  mirror: { host: reviews, subset: v2 }
  mirrorPercentage: { value: 0 }
- ${to('v1')}
  mirror: { host: reviews, subset: v9 }`),
    killedBy: [],
    labs: [],
    async run(mesh) {
      await expectVersion(mesh, 'beside a mirror without a cluster', {}, 'v1');
      const sent = () => Promise.all([V1, V2].map((cluster) => mesh.stat('productpage-v1', `${cluster}.upstream_rq_total`)));
      const [v1 = 0, v2 = 0] = await sent();
      for (let i = 0; i < 5; i++) await mesh.send({ url: 'http://reviews:9080/none' });
      expectEqual('requests to v1 and copies to v2 beside a mirror of 0 %', await sent(), [v1 + 5, v2]);
    },
  }),
];

const ORIGIN = 'https://shop.example.test';
const preflight = (origin: string, url = REVIEWS): Ask => ({
  method: 'OPTIONS',
  url,
  headers: { Origin: origin, 'Access-Control-Request-Method': 'PUT' },
});

/** TRAF-CORS-001 to 002. */
export const cors: readonly ConformanceCase[] = [
  defineCase({
    id: 'TRAF-CORS-001',
    claim: "The sidecar answers an allowed origin's preflight itself, with what the policy allows; upstream does not hear of it.",
    source: 'Istio CorsPolicy; Envoy CORS filter',
    profile: 'core',
    apply: reviewsRules(`
- corsPolicy:
    allowOrigins: [{ exact: "${ORIGIN}" }]
    allowMethods: [GET, PUT]
    allowHeaders: [x-token]
    exposeHeaders: [x-more]
    allowCredentials: true
    maxAge: 24h
  ${to('v1')}`),
    killedBy: ['MUT-PREFLIGHT-PASSES'],
    labs: [],
    async run(mesh) {
      const answer = await mesh.send(preflight(ORIGIN));
      const allowed = (name: string) => header(answer, `access-control-${name}`);
      expectEqual('status and body', [answer.status, answer.body], [200, '']);
      expectEqual('origin and credentials', [allowed('allow-origin'), allowed('allow-credentials')], [ORIGIN, 'true']);
      expectEqual('methods, headers, age', ['allow-methods', 'allow-headers', 'max-age'].map(allowed), ['GET,PUT', 'x-token', '86400']);
      expectEqual('tries upstream', (await answer.told()).attempts, 0);
      const actual = await mesh.send({ url: REVIEWS, headers: { Origin: ORIGIN } });
      expectEqual(
        'status, origin and exposed headers of a request that is no preflight',
        [actual.status, header(actual, 'access-control-allow-origin'), header(actual, 'access-control-expose-headers')],
        [200, ORIGIN, 'x-more'],
      );
    },
  }),
  defineCase({
    id: 'TRAF-CORS-002',
    claim:
      'Another origin is not blocked and not allowed: its requests and preflights go upstream, unless unmatchedPreflights says IGNORE.',
    source: 'Istio CorsPolicy.unmatchedPreflights: FORWARD by default',
    profile: 'core',
    apply: reviewsRules(`
- match: [{ uri: { prefix: /ignore } }]
  corsPolicy: { allowOrigins: [{ exact: "${ORIGIN}" }], unmatchedPreflights: IGNORE }
  ${to('v1')}
- corsPolicy: { allowOrigins: [{ exact: "${ORIGIN}" }] }
  ${to('v1')}`),
    killedBy: [],
    labs: [],
    async run(mesh) {
      const other = 'https://evil.example.test';
      for (const ask of [preflight(other), { url: REVIEWS, headers: { Origin: other } }]) {
        const answer = await mesh.send(ask);
        expectEqual('status and workload', [answer.status, await answer.servedBy()], [200, 'reviews-v1']);
        expectEqual('access-control-allow-origin', header(answer, 'access-control-allow-origin'), undefined);
      }
      const ignored = await mesh.send(preflight(other, 'http://reviews:9080/ignore'));
      expectEqual(
        'status, body and origin of an ignored preflight',
        [ignored.status, ignored.body, header(ignored, 'access-control-allow-origin')],
        [200, '', undefined],
      );
    },
  }),
];
