/** By how much statistics of the caller's proxy rise. */
import type { MeshUnderTest } from '../define-case.ts';

/** The cluster of reviews, or of one of its subsets, as statistics name it. */
export const reviewsCluster = (subset = ''): string => `cluster.outbound|9080|${subset}|reviews.default.svc.cluster.local`;

/** Runs `work` and gives by how much each statistic below `scope` rose meanwhile. */
export const rise = async <N extends string>(
  mesh: MeshUnderTest,
  scope: string,
  names: readonly N[],
  work: () => Promise<unknown>,
): Promise<Record<N, number>> => {
  const read = () => Promise.all(names.map((name) => mesh.stat('productpage-v1', `${scope}.${name}`)));
  const before = await read();
  await work();
  const after = await read();
  return Object.fromEntries(names.map((name, index) => [name, (after[index] ?? 0) - (before[index] ?? 0)])) as Record<N, number>;
};

/** Values of the caller's statistics below `scope`, now. */
export const gauges = async <N extends string>(mesh: MeshUnderTest, scope: string, names: readonly N[]): Promise<Record<N, number>> => {
  const values = await Promise.all(names.map((name) => mesh.stat('productpage-v1', `${scope}.${name}`)));
  return Object.fromEntries(names.map((name, index) => [name, values[index] ?? 0])) as Record<N, number>;
};

/** One fact of `/clusters` for each host of a cluster, by `address:port`: `health_flags`, `rq_total`. cluster: without `cluster.` in front. */
export const hostFacts = async (
  mesh: MeshUnderTest,
  cluster: string,
  fact: string,
  workload = 'productpage-v1',
): Promise<ReadonlyMap<string, string>> => {
  const { body } = await mesh.page(workload, '/clusters');
  const facts = new Map<string, string>();
  for (const line of body.split('\n')) {
    const [name, host, key, ...value] = line.split('::');
    if (name === cluster.replace(/^cluster\./, '') && key === fact && host !== undefined) facts.set(host, value.join('::'));
  }
  return facts;
};

/** Health flags of one workload's endpoint as its caller sees it, `healthy` or `/failed_outlier_check`. */
export const healthOf = async (mesh: MeshUnderTest, cluster: string, workload: string, caller = 'productpage-v1'): Promise<string> =>
  (await hostFacts(mesh, cluster, 'health_flags', caller)).get(`${mesh.address(workload)}:9080`) ?? 'unknown';
