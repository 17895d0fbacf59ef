/** For whom a rule holds: namespaces, exportTo, and conditions on the caller that are decided before any request. */
import { type ConformanceCase, defineCase } from '../../define-case.ts';
import { expectEqual } from '../../expect.ts';
import { answeredBy, expectVersion, REVIEWS_SUBSETS, reviewsRules, to } from './reviews.ts';

/** How a program in another namespace calls reviews. */
const FROM_ELSEWHERE = { from: 'visitor-v1', url: 'http://reviews.default:9080/reviews/0' };
const ALL = ['reviews-v1', 'reviews-v2', 'reviews-v3'];

/** TRAF-NS-001 to 003. */
export const namespaces: readonly ConformanceCase[] = [
  defineCase({
    id: 'TRAF-NS-001',
    claim: 'From another namespace reviews.default leads to the VirtualService of reviews; the bare name reviews means nothing there.',
    source: 'Istio virtual host domains: short names for clients of the same namespace only',
    profile: 'core',
    apply: reviewsRules(`- ${to('v2')}`),
    killedBy: ['MUT-BARE-NAME-FROM-ANYWHERE'],
    labs: [],
    async run(mesh) {
      await expectVersion(mesh, 'from elsewhere at reviews.default', FROM_ELSEWHERE, 'v2');
      const dialled = `http://${mesh.address('reviews-v1')}:9080/`;
      const bare = await mesh.send({ from: 'visitor-v1', url: dialled, headers: { Host: 'reviews' } });
      expectEqual('cluster for Host: reviews from elsewhere', (await bare.told()).cluster, 'PassthroughCluster');
    },
  }),
  defineCase({
    id: 'TRAF-NS-002',
    claim: 'A VirtualService with exportTo: ["."] holds for callers of its own namespace and for nobody else.',
    source: 'Istio VirtualService.exportTo: "." means the namespace that the virtual service is declared in',
    profile: 'core',
    apply: `${REVIEWS_SUBSETS}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata:
  name: reviews
spec:
  hosts: [reviews]
  exportTo: ["."]
  http:
  - ${to('v2')}
`,
    killedBy: ['MUT-EXPORT-TO-IGNORED'],
    labs: [],
    async run(mesh) {
      await expectVersion(mesh, 'in its own namespace', {}, 'v2');
      const workloads = await answeredBy(mesh, FROM_ELSEWHERE, 60);
      expectEqual('workloads that answered from elsewhere', [...new Set(workloads)].sort(), ALL);
    },
  }),
  defineCase({
    id: 'TRAF-NS-003',
    claim: 'sourceLabels and sourceNamespace say whose sidecar gets a rule: each of three callers follows the first rule that is for it.',
    source: 'Istio VirtualService, HTTPMatchRequest.sourceLabels, sourceNamespace',
    profile: 'core',
    apply: reviewsRules(`
- match: [{ sourceLabels: { app: productpage } }]
  ${to('v2')}
- match: [{ sourceNamespace: elsewhere }]
  ${to('v3')}
- ${to('v1')}`),
    killedBy: ['MUT-SOURCE-LABELS-IGNORED'],
    labs: [],
    async run(mesh) {
      await expectVersion(mesh, 'productpage', {}, 'v2');
      await expectVersion(mesh, 'a caller from elsewhere', FROM_ELSEWHERE, 'v3');
      await expectVersion(mesh, 'reviews itself', { from: 'reviews-v1' }, 'v1');
    },
  }),
];
