/** What a rule does to a request on its way: rewrites, redirects, answers of its own, header edits. */
import { type ConformanceCase, defineCase } from '../../define-case.ts';
import { expectEqual } from '../../expect.ts';
import { echoOf, header, seen } from '../echoed.ts';
import { REVIEWS, reviewsRules, to } from './reviews.ts';

const at = (path: string): string => `http://reviews:9080${path}`;

/** TRAF-REWRITE-001 to 003. */
export const rewrites: readonly ConformanceCase[] = [
  defineCase({
    id: 'TRAF-REWRITE-001',
    claim: 'A rewrite after a prefix match replaces the prefix alone; rest and query stay, and the record tells the path that was asked.',
    source: 'Istio HTTPRewrite.uri; Envoy RouteAction.prefix_rewrite',
    profile: 'core',
    apply: reviewsRules(`
- match: [{ uri: { prefix: /api } }]
  rewrite: { uri: /v2 }
  ${to('v2')}`),
    killedBy: ['MUT-REWRITE-LOSES-QUERY'],
    labs: [],
    async run(mesh) {
      const answer = await mesh.send({ url: at('/api/x?q=1') });
      expectEqual('path at the program', echoOf(answer).path, '/v2/x?q=1');
      expectEqual('path in the record', (await answer.told()).path, '/api/x?q=1');
    },
  }),
  defineCase({
    id: 'TRAF-REWRITE-002',
    claim: 'A rewrite after an exact match replaces the whole path, uriRegexRewrite what its pattern finds; the query stays both times.',
    source: 'Istio HTTPRewrite.uri, uriRegexRewrite; Envoy RouteAction.regex_rewrite',
    profile: 'core',
    apply: reviewsRules(`
- match: [{ uri: { exact: /old } }]
  rewrite: { uri: /new }
  ${to('v2')}
- match: [{ uri: { prefix: /user } }]
  rewrite: { uriRegexRewrite: { match: "^/user/([0-9]+)/(.*)$", rewrite: '/\\2/of/\\1' } }
  ${to('v2')}`),
    killedBy: [],
    labs: [],
    async run(mesh) {
      expectEqual('path for /old?x=1', echoOf(await mesh.send({ url: at('/old?x=1') })).path, '/new?x=1');
      expectEqual('path for /user/7/cart?x=1', echoOf(await mesh.send({ url: at('/user/7/cart?x=1') })).path, '/cart/of/7?x=1');
    },
  }),
  defineCase({
    id: 'TRAF-REWRITE-003',
    claim: 'An authority rewrite changes the Host that the program sees, and not the way that was chosen by the old one.',
    source: 'Istio HTTPRewrite.authority; Envoy RouteAction.host_rewrite_literal',
    profile: 'core',
    apply: reviewsRules(`
- rewrite: { authority: inside.example.test }
  ${to('v2')}`),
    killedBy: ['MUT-REWRITE-KEEPS-HOST'],
    labs: [],
    async run(mesh) {
      const answer = await mesh.send({ url: REVIEWS });
      expectEqual('workload that answered', await answer.servedBy(), 'reviews-v2');
      expectEqual('host at the program', seen(echoOf(answer), 'host'), ['inside.example.test']);
    },
  }),
];

/** TRAF-REDIRECT-001, TRAF-DIRECT-001. */
export const ownAnswers: readonly ConformanceCase[] = [
  defineCase({
    id: 'TRAF-REDIRECT-001',
    claim:
      'A redirect answers 301 unless another code is given, to the new authority and path with the query that was asked, and nobody upstream hears of it.',
    source: 'Istio HTTPRedirect; Envoy RedirectAction',
    profile: 'core',
    apply: reviewsRules(`
- match: [{ uri: { exact: /moved } }]
  redirect: { uri: /there, authority: new.example.test }
- match: [{ uri: { prefix: /gone } }]
  redirect: { authority: new.example.test, redirectCode: 308 }
- ${to('v1')}`),
    killedBy: ['MUT-REDIRECT-302', 'MUT-REDIRECT-LOSES-QUERY'],
    labs: [],
    async run(mesh) {
      const moved = await mesh.send({ url: at('/moved?a=1') });
      expectEqual(
        'status, body and location',
        [moved.status, moved.body, header(moved, 'location')],
        [301, '', 'http://new.example.test/there?a=1'],
      );
      expectEqual('tries upstream', (await moved.told()).attempts, 0);
      const gone = await mesh.send({ url: at('/gone/x?a=1') });
      expectEqual('status and location', [gone.status, header(gone, 'location')], [308, 'http://new.example.test/gone/x?a=1']);
    },
  }),
  defineCase({
    id: 'TRAF-DIRECT-001',
    claim: 'A direct response gives its status and body itself; nobody upstream hears of it.',
    source: 'Istio HTTPDirectResponse; Envoy details direct_response',
    profile: 'core',
    apply: reviewsRules(`
- match: [{ uri: { exact: /teapot } }]
  directResponse: { status: 418, body: { string: "short and stout" } }
- ${to('v1')}`),
    killedBy: ['MUT-DIRECT-RESPONSE-EMPTY'],
    labs: [],
    async run(mesh) {
      const answer = await mesh.send({ url: at('/teapot') });
      expectEqual('status and body', [answer.status, answer.body], [418, 'short and stout']);
      const { attempts, details, flags } = await answer.told();
      expectEqual('tries, details and flags', [attempts, details, flags], [0, 'direct_response', '-']);
    },
  }),
];

/** TRAF-HDR-001 to 003. */
export const headerEdits: readonly ConformanceCase[] = [
  defineCase({
    id: 'TRAF-HDR-001',
    claim: 'On requests set overwrites, add appends beside what the client sent, and remove takes away.',
    source: 'Istio Headers.HeaderOperations',
    profile: 'core',
    apply: reviewsRules(`
- headers:
    request:
      set: { x-set: new }
      add: { x-add: second }
      remove: [x-remove]
  ${to('v1')}`),
    killedBy: ['MUT-SET-APPENDS', 'MUT-REMOVE-IGNORED'],
    labs: [],
    async run(mesh) {
      const echoed = echoOf(await mesh.send({ url: REVIEWS, headers: { 'x-set': 'old', 'x-add': 'first', 'x-remove': 'gone' } }));
      expectEqual('x-set at the program', seen(echoed, 'x-set'), ['new']);
      expectEqual('x-add at the program', seen(echoed, 'x-add').join(), 'first,second');
      expectEqual('x-remove at the program', seen(echoed, 'x-remove'), []);
    },
  }),
  defineCase({
    id: 'TRAF-HDR-002',
    claim: 'On responses set overwrites what the program said, add brings a field of its own, and remove takes away.',
    source: 'Istio Headers.HeaderOperations',
    profile: 'core',
    apply: reviewsRules(`
- match: [{ uri: { prefix: /set } }]
  headers: { response: { set: { content-type: text/x }, add: { x-more: yes-there-is } } }
  ${to('v1')}
- headers: { response: { remove: [content-type] } }
  ${to('v1')}`),
    killedBy: ['MUT-RESPONSE-HEADERS-IGNORED'],
    labs: [],
    async run(mesh) {
      const set = await mesh.send({ url: at('/set') });
      expectEqual('content-type and x-more', [header(set, 'content-type'), header(set, 'x-more')], ['text/x', 'yes-there-is']);
      expectEqual('content-type when removed', header(await mesh.send({ url: at('/') }), 'content-type'), undefined);
    },
  }),
  defineCase({
    id: 'TRAF-HDR-003',
    claim: "A destination's own header edits are made for requests that were drawn to it, beside those of its rule.",
    source: 'Istio HTTPRouteDestination.headers',
    profile: 'core',
    apply: reviewsRules(`
- headers: { request: { set: { x-rule: both } } }
  route:
  - destination: { host: reviews, subset: v1 }
    weight: 50
    headers: { request: { set: { x-drawn: v1 } } }
  - destination: { host: reviews, subset: v2 }
    weight: 50
    headers: { request: { set: { x-drawn: v2 } } }`),
    killedBy: ['MUT-DESTINATION-HEADERS-IGNORED'],
    labs: [],
    async run(mesh) {
      for (const answer of await mesh.sendMany({ url: REVIEWS }, 20)) {
        const echoed = echoOf(answer);
        expectEqual(
          'x-rule and x-drawn at the program',
          [seen(echoed, 'x-rule'), seen(echoed, 'x-drawn')],
          [['both'], [echoed.workload.replace('reviews-', '')]],
        );
      }
    },
  }),
];
