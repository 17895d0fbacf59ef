/** The configuration that cases on balancing share, and how they look at it. */
import type { MeshUnderTest } from '../../define-case.ts';
import { expectEqual } from '../../expect.ts';
import { REVIEWS } from '../routing/reviews.ts';

/** A DestinationRule for reviews. policy: YAML flow of its loadBalancer. */
export const balanced = (policy: string): string => `
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata:
  name: reviews
spec:
  host: reviews
  trafficPolicy:
    loadBalancer: ${policy}
`;

/** Endpoints, all of one service. */
export const WORKLOADS: readonly string[] = ['reviews-v1', 'reviews-v2', 'reviews-v3'];

/** Who answered so many requests that came one after another. */
export const turns = async (mesh: MeshUnderTest, count: number, headers: Readonly<Record<string, string>> = {}): Promise<string[]> => {
  const answers = await mesh.sendInTurn({ url: REVIEWS, headers }, count);
  expectEqual(`statuses of ${count} requests`, [...new Set(answers.map(({ status }) => status))], [200]);
  return Promise.all(answers.map((answer) => answer.servedBy()));
};

/** A cluster of the caller's proxy as it is in force. */
export const clusterInForce = async (mesh: MeshUnderTest, name: string): Promise<Record<string, unknown>> => {
  type Dump = {
    readonly configs: readonly { readonly dynamic_active_clusters?: readonly { readonly cluster: Record<string, unknown> }[] }[];
  };
  const { configs } = (await mesh.admin('productpage-v1', '/config_dump')) as Dump;
  const clusters = configs.flatMap(({ dynamic_active_clusters: active = [] }) => active.map(({ cluster }) => cluster));
  return clusters.find((cluster) => cluster.name === name) ?? {};
};

/** How that cluster of reviews balances; the dump leaves the first policy out. */
export const policyInForce = async (mesh: MeshUnderTest): Promise<unknown> =>
  (await clusterInForce(mesh, 'outbound|9080||reviews.default.svc.cluster.local')).lb_policy ?? 'ROUND_ROBIN';

/** Which workload each key goes to: one request a key. headersOf: what carries it. */
export const placeKeys = async (
  mesh: MeshUnderTest,
  count: number,
  headersOf: (key: string) => Readonly<Record<string, string>>,
): Promise<ReadonlyMap<string, string>> => {
  const placed = new Map<string, string>();
  for (let i = 0; i < count; i++) {
    const key = `user-${i}`;
    placed.set(key, await (await mesh.send({ url: REVIEWS, headers: headersOf(key) })).servedBy());
  }
  return placed;
};
