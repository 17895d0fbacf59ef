/** Which resource holds when several could. */
import { type ConformanceCase, defineCase } from '../../define-case.ts';
import { expectEqual } from '../../expect.ts';
import { answeredBy, expectVersion, REVIEWS, REVIEWS_SUBSETS, reviewsRules, to } from './reviews.ts';

const virtualService = (name: string, host: string, version: string): string => `---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata:
  name: ${name}
spec:
  hosts: ["${host}"]
  http:
  - ${to(version).replace('host: reviews', 'host: reviews.default.svc.cluster.local')}
`;

const rule = (name: string, namespace: string, subset: string, version: string): string => `---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata:
  name: ${name}
  namespace: ${namespace}
spec:
  host: reviews.default.svc.cluster.local
  subsets:
  - name: ${subset}
    labels: { version: ${version} }
`;

/** Two documents in one file: the first is the older. */
const toSubset = (subset: string): string => virtualService('reviews', 'reviews', subset);

/** TRAF-PREC-001 to 002, TRAF-MATCH-015. */
export const virtualServicePrecedence: readonly ConformanceCase[] = [
  defineCase({
    id: 'TRAF-PREC-001',
    claim: 'Of two VirtualServices for one host a sidecar follows the older alone, whatever their names.',
    source: 'Istio analysis message IST0109; pilot: virtual services in order of creation',
    profile: 'core',
    apply: `${REVIEWS_SUBSETS}${virtualService('z-older', 'reviews', 'v2')}${virtualService('a-younger', 'reviews', 'v3')}`,
    killedBy: ['MUT-NEWEST-RULE-WINS'],
    labs: [],
    run: (mesh) => expectVersion(mesh, 'under two VirtualServices', {}, 'v2'),
  }),
  defineCase({
    id: 'TRAF-PREC-002',
    claim: 'A VirtualService for the exact host holds before an older one for a wildcard, and the wildcard holds for the rest.',
    source: 'Istio: "the most specific host wins"; pilot/pkg/config/host',
    profile: 'core',
    apply: `${REVIEWS_SUBSETS}${virtualService('wild', '*.default.svc.cluster.local', 'v3')}${virtualService('exact', 'reviews', 'v2')}`,
    killedBy: [],
    labs: [],
    async run(mesh) {
      await expectVersion(mesh, 'at reviews', {}, 'v2');
      await expectVersion(mesh, 'at productpage', { from: 'reviews-v1', url: 'http://productpage:9080/' }, 'v3');
    },
  }),
  defineCase({
    id: 'TRAF-MATCH-015',
    claim: 'A match on a port chooses the listener port that the caller dialled: a rule for another port is not there.',
    source: 'Istio VirtualService, HTTPMatchRequest.port',
    profile: 'core',
    apply: reviewsRules(`
- match: [{ port: 9081 }]
  ${to('v3')}
- match: [{ port: 9080, uri: { prefix: /right } }]
  ${to('v2')}
- ${to('v1')}`),
    killedBy: [],
    labs: [],
    async run(mesh) {
      await expectVersion(mesh, 'on port 9080', {}, 'v1');
      await expectVersion(mesh, 'on port 9080 at /right', { url: 'http://reviews:9080/right' }, 'v2');
    },
  }),
];

/** TRAF-RULE-001 to 002, TRAF-SUBSET-005. */
export const destinationRulePrecedence: readonly ConformanceCase[] = [
  defineCase({
    id: 'TRAF-RULE-001',
    claim: 'Two DestinationRules for one host in one namespace are one: both bring subsets, and the older keeps a name that both have.',
    source: 'seed: two DestinationRules for reviews; pilot/pkg/model mergeDestinationRule',
    profile: 'core',
    apply: `${rule('z-older', 'default', 'both', 'v2')}${rule('a-younger', 'default', 'both', 'v3')}${rule('third', 'default', 'own', 'v1')}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata:
  name: reviews
spec:
  hosts: [reviews]
  http:
  - match: [{ headers: { end-user: { exact: jason } } }]
    ${to('own')}
  - ${to('both')}
`,
    killedBy: ['MUT-RULES-NOT-MERGED'],
    labs: [],
    async run(mesh) {
      await expectVersion(mesh, 'through the subset that two rules name', {}, 'v2');
      await expectVersion(mesh, 'through the subset of the third rule', { headers: { 'end-user': 'jason' } }, 'v1');
    },
  }),
  defineCase({
    id: 'TRAF-RULE-002',
    claim: "A caller's own namespace decides first: its DestinationRule for a host holds before the one beside the service.",
    source: 'Istio DestinationRule lookup: client namespace, service namespace, root namespace',
    profile: 'core',
    apply: `${rule('beside', 'default', 'pick', 'v2')}${rule('own', 'elsewhere', 'pick', 'v3')}${toSubset('pick')}`,
    killedBy: ['MUT-SERVICE-NAMESPACE-FIRST'],
    labs: [],
    async run(mesh) {
      await expectVersion(mesh, "from the service's namespace", {}, 'v2');
      await expectVersion(mesh, 'from elsewhere', { from: 'visitor-v1', url: 'http://reviews.default:9080/reviews/0' }, 'v3');
    },
  }),
  defineCase({
    id: 'TRAF-SUBSET-005',
    claim: 'A subset with two labels has the workloads that carry both, not those that carry one of them.',
    source: 'Istio DestinationRule, Subset.labels: labels apply a filter',
    profile: 'core',
    apply: `
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata:
  name: reviews
spec:
  host: reviews
  subsets:
  - name: two
    labels: { app: reviews, version: v2 }
${toSubset('two')}`,
    killedBy: ['MUT-SELECTOR-ANY-LABEL'],
    labs: [],
    async run(mesh) {
      const workloads = await answeredBy(mesh, { url: REVIEWS }, 30);
      expectEqual('workloads that answered', [...new Set(workloads)].sort(), ['reviews-v2']);
    },
  }),
];
