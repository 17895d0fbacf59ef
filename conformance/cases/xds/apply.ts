/** What a change of configuration does, and when. */
import { type ConformanceCase, defineCase } from '../../define-case.ts';
import { expectEqual, expectThat } from '../../expect.ts';
import { answeredBy, REVIEWS, reviewsRules, to } from '../routing/reviews.ts';

const toVersion = (version: string): string => reviewsRules(`- ${to(version)}`);

/** XDS-APPLY-001 to 004, XDS-LIVE-001. */
export const apply: readonly ConformanceCase[] = [
  defineCase({
    id: 'XDS-APPLY-001',
    claim: 'Once every proxy has acknowledged a change, the very first request obeys it: ten changes, ten first requests.',
    source: 'xDS protocol, ACK; issue: "assert on the first request"',
    profile: 'core',
    apply: toVersion('v1'),
    killedBy: ['MUT-ACK-BEFORE-APPLY'],
    labs: [],
    async run(mesh) {
      for (let i = 0; i < 10; i++) {
        const version = i % 2 === 0 ? 'v2' : 'v1';
        await mesh.apply(toVersion(version));
        const answer = await mesh.send({ url: REVIEWS });
        expectEqual(`workload that answered the first request after change ${i + 1}`, await answer.servedBy(), `reviews-${version}`);
      }
    },
  }),
  defineCase({
    id: 'XDS-APPLY-002',
    claim: 'Configuration with a wrong type is refused with its field path, and the last good one stays in force.',
    source: 'Istio validation of VirtualService; issue: "the last good configuration stays in force"',
    // istiod names no field.
    controlPlanes: ['dinghy'],
    profile: 'core',
    apply: toVersion('v2'),
    killedBy: [],
    labs: [],
    async run(mesh) {
      const { version } = await mesh.sync();
      const problems = await mesh.refused(reviewsRules(`- route: [{ destination: { host: reviews, subset: v1 }, weight: heavy }]`));
      expectEqual('version of the mesh afterwards', (await mesh.sync()).version, version);
      const text = problems.join('\n');
      expectThat('problems', text.includes('http[0].route[0].weight'), 'one that names http[0].route[0].weight', text);
      const workloads = await answeredBy(mesh, { url: REVIEWS }, 12);
      expectEqual('workloads that answered', [...new Set(workloads)], ['reviews-v2']);
    },
  }),
  defineCase({
    id: 'XDS-APPLY-004',
    claim: 'What is applied together comes into force together or not at all: one bad document keeps the good one beside it out.',
    source: 'issue: "the last good configuration stays in force"',
    // istiod names no field.
    controlPlanes: ['dinghy'],
    profile: 'core',
    apply: toVersion('v2'),
    killedBy: ['MUT-GOOD-HALF-APPLIED'],
    labs: [],
    async run(mesh) {
      const half = `${toVersion('v3')}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata:
  name: bad
spec:
  hosts: [productpage]
  http: [{ rout: [] }]
`;
      const { version } = await mesh.sync();
      const problems = (await mesh.refused(half)).join('\n');
      expectEqual('version of the mesh afterwards', (await mesh.sync()).version, version);
      expectThat('problems', problems.includes('spec.http[0].rout'), 'one that names spec.http[0].rout', problems);
      const workloads = await answeredBy(mesh, { url: REVIEWS }, 12);
      expectEqual('workloads that answered', [...new Set(workloads)], ['reviews-v2']);
    },
  }),
  defineCase({
    id: 'XDS-APPLY-003',
    claim: 'Deleting the VirtualService restores the service as it was without it: every version answers again.',
    source: 'Istio: default routing by Kubernetes Service',
    profile: 'core',
    apply: toVersion('v3'),
    killedBy: [],
    labs: [],
    async run(mesh) {
      expectEqual('workload before', await (await mesh.send({ url: REVIEWS })).servedBy(), 'reviews-v3');
      await mesh.remove(toVersion('v3'));
      const workloads = await answeredBy(mesh, { url: REVIEWS }, 60);
      expectEqual('workloads after', [...new Set(workloads)].sort(), ['reviews-v1', 'reviews-v2', 'reviews-v3']);
    },
  }),
  defineCase({
    id: 'XDS-LIVE-001',
    claim:
      'While the control plane is away the proxies keep serving their last configuration, and they are in sync again after it is back.',
    source: 'xDS protocol: the last known configuration stays in force on disconnect',
    profile: 'core',
    drivers: ['process'],
    // Envoy comes back by its own back-off, of up to 30 s: longer than a case may take.
    dataPlanes: ['dinghy'],
    apply: toVersion('v2'),
    killedBy: [],
    labs: [],
    async run(mesh) {
      if (mesh.restartControlPlane === undefined) throw new Error('this mesh cannot restart its control plane');
      await mesh.restartControlPlane(async () => {
        const workloads = await answeredBy(mesh, { url: REVIEWS }, 60);
        expectEqual('workloads that answered meanwhile', [...new Set(workloads)], ['reviews-v2']);
      });
      await mesh.apply(toVersion('v1'));
      expectEqual('workload after the next change', await (await mesh.send({ url: REVIEWS })).servedBy(), 'reviews-v1');
    },
  }),
];
