/** How near each host of a service is to ejection, as one caller's proxy sees it. */
import { parseClusterName } from '#api/names.ts';
import type { OutliersPage } from '#api/outliers.ts';
import type { LiveMesh } from '../live-mesh.ts';
import { OrderError } from '../sender.ts';
import type { OutliersView } from '../told.ts';

const TIMEOUT_MS = 3_000;

const isOf = (cluster: string, service: string): boolean => {
  const parsed = parseClusterName(cluster);
  return parsed?.direction === 'outbound' && parsed.host.split('.')[0] === service;
};

/** No cluster where no rule asks for outlier detection. Rejects with OrderError when that proxy has no such page. */
export const readOutliers = async (mesh: LiveMesh, from: string, service: string): Promise<OutliersView> => {
  const proxy = [...mesh.workloads, ...mesh.gateways].find(({ name }) => name === from);
  if (proxy?.adminUrl === undefined) throw new OrderError(`There is no proxy called ${from}.`);
  const answer = await fetch(new URL('/outliers', proxy.adminUrl), { signal: AbortSignal.timeout(TIMEOUT_MS) });
  if (!answer.ok) throw new OrderError(`The proxy of ${from} does not tell of its outliers: an Envoy has no page for them.`);
  const { nowMs, clusters } = (await answer.json()) as OutliersPage;
  const byAddress = new Map(mesh.workloads.map(({ address, name }) => [address, name]));
  return {
    nowMs,
    canSkip: mesh.advanceClocks !== undefined && mesh.dataPlane === 'dinghy',
    clusters: clusters
      .filter(({ name }) => isOf(name, service))
      .map((cluster) => ({
        ...cluster,
        hosts: cluster.hosts.map((host) => ({
          ...host,
          workload: byAddress.get(host.address.slice(0, host.address.lastIndexOf(':'))) ?? host.address,
        })),
      })),
  };
};
