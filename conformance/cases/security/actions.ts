/** Which policies decide: none, ALLOW, DENY, several, of which namespace, and how soon. */
import { type ConformanceCase, defineCase } from '../../define-case.ts';
import { expectContains, expectEqual } from '../../expect.ts';
import { HOST, head } from '../protocol/wire.ts';
import {
  askReviews,
  at,
  detailsOf,
  expectAllowed,
  expectDenied,
  FROM_PRODUCTPAGE,
  FROM_VISITOR,
  PRODUCTPAGE,
  policy,
  reviewsPolicy,
} from './policies.ts';

const SOURCE = 'Istio AuthorizationPolicy';

const GET_BY_PRODUCTPAGE = `rules:
- from: [{ source: { principals: ["${PRODUCTPAGE}"] } }]
  to: [{ operation: { methods: [GET] } }]`;

/** SEC-AUTHZ-001 to 013. */
export const authorizationActions: readonly ConformanceCase[] = [
  defineCase({
    id: 'SEC-AUTHZ-001',
    claim: 'Without any policy every request is allowed.',
    source: `${SOURCE}: "if there are no ALLOW policies for the workload, allow the request"`,
    profile: 'core',
    apply: '',
    killedBy: ['MUT-NO-POLICY-DENIES'],
    transparent: true,
    labs: [],
    async run(mesh) {
      await expectAllowed(mesh, 'productpage');
      await expectAllowed(mesh, 'a visitor of another namespace', FROM_VISITOR);
    },
  }),
  defineCase({
    id: 'SEC-AUTHZ-002',
    claim: 'A policy with an empty spec allows nothing: everything to the namespace is denied, and the log names no policy.',
    source: `${SOURCE}, "spec: {}"`,
    profile: 'core',
    apply: policy('{}'),
    killedBy: ['MUT-EMPTY-RULES-ALLOW'],
    labs: [],
    async run(mesh) {
      const answer = await expectDenied(mesh, 'productpage');
      expectEqual('details', await detailsOf(answer), 'rbac_access_denied_matched_policy[none]');
    },
  }),
  defineCase({
    id: 'SEC-AUTHZ-003',
    claim: 'ALLOW with a principal and GET: that caller may GET, may not POST, and nobody else may anything.',
    source: 'seed, reviews-viewer',
    profile: 'core',
    apply: reviewsPolicy(`action: ALLOW\n${GET_BY_PRODUCTPAGE}`),
    killedBy: ['MUT-AUTHZ-METHOD-IGNORED', 'MUT-AUTHZ-BEFORE-IDENTITY'],
    labs: [],
    async run(mesh) {
      await expectAllowed(mesh, 'GET by productpage', FROM_PRODUCTPAGE);
      await expectDenied(mesh, 'POST by productpage', { ...FROM_PRODUCTPAGE, method: 'POST', body: 'x' });
      await expectDenied(mesh, 'GET by a visitor', FROM_VISITOR);
    },
  }),
  defineCase({
    id: 'SEC-AUTHZ-004',
    claim: 'The same rules as DENY: that caller may not GET, may POST, and everybody else may everything.',
    source: `${SOURCE}, action DENY`,
    profile: 'core',
    apply: reviewsPolicy(`action: DENY\n${GET_BY_PRODUCTPAGE}`),
    killedBy: ['MUT-DENY-AS-ALLOW'],
    labs: [],
    async run(mesh) {
      const answer = await expectDenied(mesh, 'GET by productpage', FROM_PRODUCTPAGE);
      expectEqual('details', await detailsOf(answer), 'rbac_access_denied_matched_policy[ns[default]-policy[under-test]-rule[0]]');
      await expectAllowed(mesh, 'POST by productpage', { ...FROM_PRODUCTPAGE, method: 'POST', body: 'x' });
      await expectAllowed(mesh, 'GET by a visitor', FROM_VISITOR);
    },
  }),
  defineCase({
    id: 'SEC-AUTHZ-005',
    claim: 'When DENY and ALLOW both match, DENY wins, and the log names it.',
    source: `${SOURCE}: evaluation order`,
    profile: 'core',
    apply: [
      reviewsPolicy('action: ALLOW\nrules: [{}]', { name: 'all' }),
      reviewsPolicy('action: DENY\nrules: [{ to: [{ operation: { paths: ["/private"] } }] }]', { name: 'private' }),
    ].join('---'),
    killedBy: ['MUT-DENY-AFTER-ALLOW'],
    labs: [],
    async run(mesh) {
      const answer = await expectDenied(mesh, '/private', at('/private'));
      expectEqual('details', await detailsOf(answer), 'rbac_access_denied_matched_policy[ns[default]-policy[private]-rule[0]]');
      await expectAllowed(mesh, '/public', at('/public'));
    },
  }),
  defineCase({
    id: 'SEC-AUTHZ-006',
    claim: 'One empty rule matches everything: as ALLOW it opens, as DENY it closes.',
    source: `${SOURCE}, "rules: [{}]"`,
    profile: 'core',
    apply: reviewsPolicy('action: ALLOW\nrules: [{}]'),
    killedBy: ['MUT-EMPTY-RULE-MATCHES-NOTHING'],
    labs: [],
    async run(mesh) {
      await expectAllowed(mesh, 'anybody, under ALLOW', FROM_VISITOR);
      await mesh.apply(reviewsPolicy('action: DENY\nrules: [{}]'));
      await expectDenied(mesh, 'anybody, under DENY', FROM_VISITOR);
    },
  }),
  defineCase({
    id: 'SEC-AUTHZ-007',
    claim: 'Rules are alternatives; from, to and when of one rule must all hold.',
    source: `${SOURCE}, Rule`,
    profile: 'core',
    apply: reviewsPolicy(`action: ALLOW
rules:
- from: [{ source: { namespaces: [elsewhere] } }]
  to: [{ operation: { paths: ["/a"] } }]
- to: [{ operation: { paths: ["/b"] } }]
  when: [{ key: "request.headers[x-role]", values: [admin] }]`),
    killedBy: ['MUT-AUTHZ-AND-AS-OR'],
    labs: [],
    async run(mesh) {
      const visitor = (path: string) => ({ ...FROM_VISITOR, url: `http://reviews.default.svc.cluster.local:9080${path}` });
      await expectAllowed(mesh, 'the visitor at /a', visitor('/a'));
      await expectDenied(mesh, 'productpage at /a', at('/a'));
      await expectDenied(mesh, 'the visitor at /b without the header', visitor('/b'));
      await expectAllowed(mesh, 'productpage at /b with the header', { ...at('/b'), headers: { 'x-role': 'admin' } });
      await expectDenied(mesh, 'productpage at /b with another value', { ...at('/b'), headers: { 'x-role': 'user' } });
    },
  }),
  defineCase({
    id: 'SEC-AUTHZ-008',
    claim: 'A policy with a selector is for the workloads that it selects, and for no other.',
    source: `${SOURCE}, selector`,
    profile: 'core',
    apply: policy('selector: { matchLabels: { app: reviews, version: v2 } }\naction: DENY\nrules: [{}]'),
    killedBy: ['MUT-AUTHZ-SELECTOR-IGNORED'],
    labs: [],
    async run(mesh) {
      const answers = await mesh.sendMany({ url: 'http://reviews:9080/reviews/0' }, 30);
      const byStatus = new Map<number, Set<string>>();
      for (const answer of answers) {
        const workloads = byStatus.get(answer.status) ?? new Set();
        byStatus.set(answer.status, workloads.add(await answer.servedBy()));
      }
      expectEqual('who denied', [...(byStatus.get(403) ?? [])].sort(), ['reviews-v2']);
      expectEqual('who answered', [...(byStatus.get(200) ?? [])].sort(), ['reviews-v1', 'reviews-v3']);
    },
  }),
  defineCase({
    id: 'SEC-AUTHZ-009',
    claim: 'A policy in the root namespace holds everywhere, together with those of the namespace itself.',
    source: `${SOURCE}: root namespace`,
    profile: 'core',
    apply: [
      policy('action: DENY\nrules: [{ to: [{ operation: { paths: ["/root"] } }] }]', { name: 'everywhere', namespace: 'istio-system' }),
      policy('action: DENY\nrules: [{ to: [{ operation: { paths: ["/local"] } }] }]', { name: 'here' }),
    ].join('---'),
    killedBy: ['MUT-AUTHZ-ROOT-IGNORED'],
    labs: [],
    async run(mesh) {
      await expectDenied(mesh, '/root', at('/root'));
      await expectDenied(mesh, '/local', at('/local'));
      await expectAllowed(mesh, '/other', at('/other'));
    },
  }),
  defineCase({
    id: 'SEC-AUTHZ-010',
    claim: 'A policy takes effect with its acknowledgement on connections that are open, and cuts none of them.',
    source: `${SOURCE}; Envoy: a stream is judged by the configuration in force`,
    profile: 'core',
    apply: '',
    killedBy: [],
    labs: [],
    async run(mesh) {
      await using wire = await mesh.dial('productpage-v1', 'reviews:9080');
      const ask = async (mark: string, status: string): Promise<void> => {
        wire.write(head(`GET /${mark} HTTP/1.1`, HOST));
        await wire.until(status);
      };
      await ask('first', 'HTTP/1.1 200');
      const deny = reviewsPolicy('action: DENY\nrules: [{}]');
      await mesh.apply(deny);
      await ask('second', 'HTTP/1.1 403');
      await mesh.remove(deny);
      await ask('third', '/third');
    },
  }),
  defineCase({
    id: 'SEC-AUTHZ-011',
    claim: 'A dry-run DENY lets the request pass, and counts what it would have done.',
    source: 'Istio authorization dry-run: istio.io/dry-run',
    profile: 'extended',
    apply: reviewsPolicy('action: DENY\nrules: [{}]', { annotations: '{ istio.io/dry-run: "true" }' }),
    killedBy: ['MUT-DRY-RUN-ENFORCED'],
    labs: [],
    async run(mesh) {
      const answer = await expectAllowed(mesh, 'productpage');
      const workload = await answer.servedBy();
      const shadow = await mesh.stat(workload, 'http.inbound_0.0.0.0_9080.rbac.istio_dry_run_deny_.shadow_denied');
      expectEqual('shadow denials counted', shadow >= 1, true);
    },
  }),
  defineCase({
    id: 'SEC-AUTHZ-012',
    claim: 'AUDIT changes nothing for the client.',
    source: `${SOURCE}, action AUDIT`,
    profile: 'extended',
    apply: reviewsPolicy('action: AUDIT\nrules: [{}]'),
    killedBy: ['MUT-AUDIT-BLOCKS'],
    transparent: true,
    labs: [],
    async run(mesh) {
      expectContains('body', (await askReviews(mesh)).body, '"workload"');
    },
  }),
  defineCase({
    id: 'SEC-AUTHZ-013',
    claim: 'On a connection that is open at the workload itself, the next request is judged by a policy that was acknowledged.',
    source: 'SEC-AUTHZ-010 to the letter; Envoy serves such a connection by the chain that took it, until it has drained',
    profile: 'core',
    dataPlanes: ['dinghy'],
    apply: '',
    killedBy: ['MUT-POLICY-NOT-ADOPTED'],
    labs: [],
    async run(mesh) {
      await using wire = await mesh.reach('reviews-v1', 9080);
      wire.write(head('GET /first HTTP/1.1', HOST));
      await wire.until('HTTP/1.1 200');
      await mesh.apply(reviewsPolicy('action: DENY\nrules: [{}]'));
      wire.write(head('GET /second HTTP/1.1', HOST));
      await wire.until('HTTP/1.1 403');
    },
  }),
];
