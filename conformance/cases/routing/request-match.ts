/** Which rule a request's path, method and query choose, and how several conditions and rules combine. */
import { type ConformanceCase, defineCase } from '../../define-case.ts';
import { expectEqual } from '../../expect.ts';
import { expectVersion, REVIEWS, reviewsRules, to } from './reviews.ts';

const at = (path: string): string => `http://reviews:9080${path}`;
const SOURCE = 'Istio VirtualService, HTTPMatchRequest';

/** TRAF-MATCH-006 to 008 and 011 to 013. */
export const requestMatch: readonly ConformanceCase[] = [
  defineCase({
    id: 'TRAF-MATCH-006',
    claim: 'uri exact matches the path with any query and no other path, not even with a slash more.',
    source: `${SOURCE}.uri; Envoy RouteMatch.path`,
    profile: 'core',
    apply: reviewsRules(`
- match: [{ uri: { exact: /a } }]
  ${to('v2')}
- ${to('v1')}`),
    killedBy: ['MUT-QUERY-IN-PATH'],
    labs: [],
    async run(mesh) {
      await expectVersion(mesh, 'at /a', { url: at('/a') }, 'v2');
      await expectVersion(mesh, 'at /a?x=1', { url: at('/a?x=1') }, 'v2');
      await expectVersion(mesh, 'at /a/', { url: at('/a/') }, 'v1');
      await expectVersion(mesh, 'at /A', { url: at('/A') }, 'v1');
    },
  }),
  defineCase({
    id: 'TRAF-MATCH-007',
    claim: 'uri prefix is a prefix of the text: /prod also matches /productpage.',
    source: `${SOURCE}.uri; Envoy RouteMatch.prefix`,
    profile: 'core',
    apply: reviewsRules(`
- match: [{ uri: { prefix: /prod } }]
  ${to('v2')}
- ${to('v1')}`),
    killedBy: [],
    labs: [],
    async run(mesh) {
      await expectVersion(mesh, 'at /productpage', { url: at('/productpage') }, 'v2');
      await expectVersion(mesh, 'at /prod/1', { url: at('/prod/1') }, 'v2');
      await expectVersion(mesh, 'at /a/prod', { url: at('/a/prod') }, 'v1');
    },
  }),
  defineCase({
    id: 'TRAF-MATCH-008',
    claim: 'uri regex must match the whole path, and the query is no part of it.',
    source: `${SOURCE}.uri; Envoy RouteMatch.safe_regex`,
    profile: 'core',
    apply: reviewsRules(`
- match: [{ uri: { regex: "/v[0-9]" } }]
  ${to('v2')}
- ${to('v1')}`),
    killedBy: [],
    labs: [],
    async run(mesh) {
      await expectVersion(mesh, 'at /v1', { url: at('/v1') }, 'v2');
      await expectVersion(mesh, 'at /v1?a=b', { url: at('/v1?a=b') }, 'v2');
      await expectVersion(mesh, 'at /v1/x', { url: at('/v1/x') }, 'v1');
    },
  }),
  defineCase({
    id: 'TRAF-MATCH-011',
    claim: 'A method match applies to that method alone.',
    source: `${SOURCE}.method`,
    profile: 'core',
    apply: reviewsRules(`
- match: [{ method: { exact: POST } }]
  ${to('v2')}
- ${to('v1')}`),
    killedBy: [],
    labs: [],
    async run(mesh) {
      await expectVersion(mesh, 'to POST', { method: 'POST', body: 'x' }, 'v2');
      await expectVersion(mesh, 'to GET', {}, 'v1');
    },
  }),
  defineCase({
    id: 'TRAF-MATCH-012',
    claim: 'queryParams match the value of the named parameter.',
    source: `${SOURCE}.queryParams`,
    profile: 'core',
    apply: reviewsRules(`
- match: [{ queryParams: { user: { exact: jason } } }]
  ${to('v2')}
- ${to('v1')}`),
    killedBy: [],
    labs: [],
    async run(mesh) {
      await expectVersion(mesh, 'with ?user=jason', { url: `${REVIEWS}?a=b&user=jason` }, 'v2');
      await expectVersion(mesh, 'with ?user=jasonx', { url: `${REVIEWS}?user=jasonx` }, 'v1');
      await expectVersion(mesh, 'without a query', {}, 'v1');
    },
  }),
  defineCase({
    id: 'TRAF-MATCH-013',
    claim: 'A request that no rule matches gets 404 with an empty body and the flag NR; there is no catch-all.',
    source: 'Istio route generation; Envoy response flag NR, details route_not_found',
    profile: 'core',
    apply: reviewsRules(`
- match: [{ uri: { prefix: /only } }]
  ${to('v1')}`),
    killedBy: ['MUT-NO-ROUTE-FALLS-THROUGH'],
    labs: [],
    async run(mesh) {
      const answer = await mesh.send({ url: at('/other') });
      expectEqual('status', answer.status, 404);
      expectEqual('body', answer.body, '');
      expectEqual('flags', (await answer.told()).flags, 'NR');
      expectEqual('status of the path that a rule matches', (await mesh.send({ url: at('/only') })).status, 200);
    },
  }),
];

/** TRAF-MATCH-016 to 018. */
export const conditions: readonly ConformanceCase[] = [
  defineCase({
    id: 'TRAF-MATCH-016',
    claim: 'Two headers of one match block must both be there: one of them is not enough.',
    source: `${SOURCE}: conditions inside a single match block have AND semantics`,
    profile: 'core',
    apply: reviewsRules(`
- match: [{ headers: { end-user: { exact: jason }, x-group: { prefix: st } } }]
  ${to('v2')}
- ${to('v1')}`),
    killedBy: ['MUT-AND-AS-OR'],
    labs: [],
    async run(mesh) {
      await expectVersion(mesh, 'with both', { headers: { 'end-user': 'jason', 'x-group': 'staff' } }, 'v2');
      await expectVersion(mesh, 'with end-user alone', { headers: { 'end-user': 'jason' } }, 'v1');
      await expectVersion(mesh, 'with x-group alone', { headers: { 'x-group': 'staff' } }, 'v1');
    },
  }),
  defineCase({
    id: 'TRAF-MATCH-017',
    claim: 'ignoreUriCase lets exact and prefix match in any case; without it case counts.',
    source: `${SOURCE}.ignoreUriCase`,
    profile: 'core',
    apply: reviewsRules(`
- match:
  - { uri: { exact: /Exact }, ignoreUriCase: true }
  - { uri: { prefix: /pre }, ignoreUriCase: true }
  ${to('v2')}
- match: [{ uri: { prefix: /Strict } }]
  ${to('v3')}
- ${to('v1')}`),
    killedBy: [],
    labs: [],
    async run(mesh) {
      await expectVersion(mesh, 'at /eXACT', { url: at('/eXACT') }, 'v2');
      await expectVersion(mesh, 'at /PREfix', { url: at('/PREfix') }, 'v2');
      await expectVersion(mesh, 'at /strict', { url: at('/strict') }, 'v1');
    },
  }),
  defineCase({
    id: 'TRAF-MATCH-018',
    claim: 'authority matches the Host header, port and all.',
    source: `${SOURCE}.authority`,
    profile: 'core',
    apply: reviewsRules(`
- match: [{ authority: { exact: "reviews.default:9080" } }]
  ${to('v2')}
- match: [{ authority: { prefix: "reviews.default.svc" } }]
  ${to('v3')}
- ${to('v1')}`),
    killedBy: [],
    labs: [],
    async run(mesh) {
      await expectVersion(mesh, 'for Host: reviews.default:9080', { headers: { Host: 'reviews.default:9080' } }, 'v2');
      await expectVersion(mesh, 'for Host: reviews.default.svc', { headers: { Host: 'reviews.default.svc' } }, 'v3');
      await expectVersion(mesh, 'for Host: reviews.default', { headers: { Host: 'reviews.default' } }, 'v1');
    },
  }),
];

/** TRAF-MATCH-009 and 010. */
export const ruleOrder: readonly ConformanceCase[] = [
  defineCase({
    id: 'TRAF-MATCH-009',
    claim: 'The first rule that matches wins, however specific a later one is.',
    source: 'Istio VirtualService, http: "the first rule matching an incoming request is used"',
    profile: 'core',
    apply: reviewsRules(`
- match: [{ uri: { prefix: / } }]
  ${to('v3')}
- match: [{ uri: { exact: /exact }, headers: { end-user: { exact: jason } } }]
  ${to('v2')}`),
    killedBy: ['MUT-LAST-MATCH-WINS'],
    labs: [],
    run: (mesh) => expectVersion(mesh, 'at /exact for jason', { url: at('/exact'), headers: { 'end-user': 'jason' } }, 'v3'),
  }),
  defineCase({
    id: 'TRAF-MATCH-010',
    claim: 'Conditions of one match block must all hold; of several blocks one is enough.',
    source: `VirtualService, HTTPRoute.match: "all conditions inside a single match block have AND semantics, while the list has OR semantics"`,
    profile: 'core',
    apply: reviewsRules(`
- match:
  - { uri: { prefix: /a }, headers: { end-user: { exact: jason } } }
  - { uri: { prefix: /b } }
  ${to('v2')}
- ${to('v1')}`),
    killedBy: [],
    labs: [],
    async run(mesh) {
      await expectVersion(mesh, 'at /a for jason', { url: at('/a'), headers: { 'end-user': 'jason' } }, 'v2');
      await expectVersion(mesh, 'at /a for nobody', { url: at('/a') }, 'v1');
      await expectVersion(mesh, 'at /c for jason', { url: at('/c'), headers: { 'end-user': 'jason' } }, 'v1');
      await expectVersion(mesh, 'at /b for nobody', { url: at('/b') }, 'v2');
    },
  }),
];
