/** Which workloads a destination means. */
import { type ConformanceCase, defineCase } from '../../define-case.ts';
import { expectEqual } from '../../expect.ts';
import { answeredBy, everythingTo, expectVersion, REVIEWS, reviewsRules, to } from './reviews.ts';

/** TRAF-SUBSET-001 to 004. */
export const subsets: readonly ConformanceCase[] = [
  defineCase({
    id: 'TRAF-SUBSET-001',
    claim: 'Without a VirtualService every version of a service gets requests, through the cluster without a subset.',
    source: 'Istio: default routing by Kubernetes Service; cluster name outbound|9080||reviews.default.svc.cluster.local',
    profile: 'core',
    apply: '',
    killedBy: [],
    labs: ['01-first-request#4'],
    async run(mesh) {
      const workloads = await answeredBy(mesh, { url: REVIEWS }, 60);
      expectEqual('workloads that answered', [...new Set(workloads)].sort(), ['reviews-v1', 'reviews-v2', 'reviews-v3']);
      const { cluster } = await (await mesh.send({ url: REVIEWS })).told();
      expectEqual('cluster', cluster, 'outbound|9080||reviews.default.svc.cluster.local');
    },
  }),
  defineCase({
    id: 'TRAF-SUBSET-002',
    claim: 'A route to a subset that no DestinationRule defines answers 503 with an empty body and the flag NC.',
    source: 'Envoy response flag NC, details cluster_not_found; Istio traffic management best practices',
    profile: 'core',
    apply: `
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata:
  name: reviews
spec:
  hosts: [reviews]
  http:
  - ${to('v9')}
`,
    killedBy: [],
    labs: [],
    async run(mesh) {
      const answer = await mesh.send({ url: REVIEWS });
      expectEqual('status', answer.status, 503);
      expectEqual('body', answer.body, '');
      const told = await answer.told();
      expectEqual('flags and details', [told.flags, told.details], ['NC', 'cluster_not_found']);
    },
  }),
  defineCase({
    id: 'TRAF-SUBSET-003',
    claim: 'A subset is chosen by labels, not by its name: a subset called old with version: v3 reaches v3.',
    source: 'Istio DestinationRule, Subset.labels',
    profile: 'core',
    apply: `
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata:
  name: reviews
spec:
  host: reviews
  subsets:
  - name: old
    labels: { version: v3 }
${everythingTo('old')}`,
    killedBy: ['MUT-SUBSET-LABELS-IGNORED'],
    labs: [],
    run: (mesh) => expectVersion(mesh, 'through subset old', {}, 'v3'),
  }),
  defineCase({
    id: 'TRAF-SUBSET-004',
    claim: 'A subset whose labels no workload has answers 503 "no healthy upstream" with the flag UH.',
    source: 'Envoy response flag UH, details no_healthy_upstream',
    profile: 'core',
    apply: `
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata:
  name: reviews
spec:
  host: reviews
  subsets:
  - name: none
    labels: { version: v77 }
${everythingTo('none')}`,
    killedBy: [],
    labs: [],
    async run(mesh) {
      const answer = await mesh.send({ url: REVIEWS });
      expectEqual('status and body', [answer.status, answer.body], [503, 'no healthy upstream']);
      const told = await answer.told();
      expectEqual('flags and details', [told.flags, told.details], ['UH', 'no_healthy_upstream']);
    },
  }),
];

/** TRAF-HOST-001 to 002. */
export const hostForms: readonly ConformanceCase[] = [
  defineCase({
    id: 'TRAF-HOST-001',
    claim:
      'reviews, reviews.default, reviews.default.svc and the full name, with and without the port, all reach the VirtualService of reviews.',
    source: 'Istio virtual host domains of a service; Envoy ignore_port_in_host_matching',
    profile: 'core',
    apply: reviewsRules(`- ${to('v2')}`),
    killedBy: ['MUT-SHORT-NAMES-MISSING'],
    labs: [],
    async run(mesh) {
      for (const host of ['reviews', 'reviews.default', 'reviews.default.svc', 'reviews.default.svc.cluster.local']) {
        await expectVersion(mesh, `for Host: ${host}`, { headers: { Host: host } }, 'v2');
        await expectVersion(mesh, `for Host: ${host}:9080`, { headers: { Host: `${host}:9080` } }, 'v2');
      }
    },
  }),
  defineCase({
    id: 'TRAF-HOST-002',
    claim: 'REVIEWS, the full name with a dot at its end, and the virtual address of reviews are names of reviews too.',
    source: 'RFC 9110 §4.2.3: the host is case-insensitive; Istio virtual host domains: FQDN., cluster IP',
    profile: 'core',
    apply: reviewsRules(`- ${to('v2')}`),
    killedBy: ['MUT-HOST-CASE-COUNTS'],
    labs: [],
    async run(mesh) {
      for (const host of ['REVIEWS', 'Reviews.Default:9080', 'reviews.default.svc.cluster.local.']) {
        await expectVersion(mesh, `for Host: ${host}`, { headers: { Host: host } }, 'v2');
      }
      await expectVersion(mesh, 'for the virtual address', { url: `http://${await mesh.vip('reviews')}:9080/` }, 'v2');
    },
  }),
];
