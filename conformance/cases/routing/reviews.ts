/** The configuration that routing cases share: who is asked, the subsets by version, and a VirtualService around given rules. */
import type { Ask, MeshUnderTest } from '../../define-case.ts';
import { expectEqual } from '../../expect.ts';

/** What every lab asks too. */
export const REVIEWS = 'http://reviews:9080/reviews/0';

/** DestinationRule with one subset a version. */
export const REVIEWS_SUBSETS = `
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata:
  name: reviews
spec:
  host: reviews
  subsets:
  - name: v1
    labels: { version: v1 }
  - name: v2
    labels: { version: v2 }
  - name: v3
    labels: { version: v3 }
`;

/** rules: the `http` list as YAML flow or block, indented by two. */
export const reviewsRules = (rules: string): string => `${REVIEWS_SUBSETS}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata:
  name: reviews
spec:
  hosts: [reviews]
  http:
${rules.trim().replace(/^/gm, '  ')}
`;

/** A rule's way to one version. */
export const to = (version: string): string => `route: [{ destination: { host: reviews, subset: ${version} } }]`;

/** The VirtualService, as one more document, that sends all requests to one subset. */
export const everythingTo = (subset: string): string => `---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata:
  name: reviews
spec:
  hosts: [reviews]
  http:
  - ${to(subset)}
`;

/** Workloads that answered 200, in no particular order of time: an error made on the way is nobody's answer. */
export const answeredBy = async (mesh: MeshUnderTest, ask: Ask, count: number): Promise<string[]> => {
  const answers = await mesh.sendMany(ask, count);
  expectEqual(`statuses of ${count} requests`, [...new Set(answers.map(({ status }) => status))], [200]);
  return Promise.all(answers.map((answer) => answer.servedBy()));
};

/** Asks a few times and expects one version to answer every time. */
export const expectVersion = async (mesh: MeshUnderTest, what: string, ask: Partial<Ask>, version: string): Promise<void> => {
  const workloads = await answeredBy(mesh, { url: REVIEWS, ...ask }, 12);
  expectEqual(`workloads that answered ${what}`, [...new Set(workloads)].sort(), [`reviews-${version}`]);
};

/** Share of answers by workload, 0…1. */
export const share = (workloads: readonly string[], workload: string): number =>
  workloads.filter((name) => name === workload).length / workloads.length;
