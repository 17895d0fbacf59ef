/** `/outliers`: strikes, ejections and their ends, by cluster and host. */
import type { ClusterOutliers, EjectionType, HostOutlier, OutliersPage, Strikes } from '#api/outliers.ts';
import type { Clock } from '#system/clock.ts';
import { type AdminAnswer, json } from './answer.ts';
import { healthFlags } from './health-flags.ts';
import { search } from './search.ts';
import type { HostStatus } from './view.ts';

/** What a host's room keeps for outlier detection. Times are monotonic milliseconds. */
export interface RunningMonitor {
  readonly consecutive5xx: number;
  readonly consecutiveGatewayFailure: number;
  readonly consecutiveLocalOriginFailure: number;
  readonly ejections: number;
  readonly multiplier: number;
  readonly ejection: { readonly type: EjectionType; readonly sinceMs: number; readonly jitterMs: number } | undefined;
  readonly external: { readonly rate: number };
  readonly local: { readonly rate: number };
}

/** A cluster's outlier detection as its room has it. */
export interface RunningOutliers {
  readonly rules: {
    readonly consecutive5xx: number;
    readonly consecutiveGatewayFailure: number;
    readonly consecutiveLocalOriginFailure: number;
    readonly splitsLocalOrigin: boolean;
    readonly enforcing: Readonly<Record<EjectionType, number>>;
    readonly intervalMs: number;
    readonly baseEjectionMs: number;
    readonly maxEjectionMs: number;
    readonly maxEjectionPercent: number;
  };
  readonly averages: Readonly<Record<'external' | 'local', { readonly average: number; readonly threshold: number }>>;
  readonly ejected: number;
  readonly mayBeEjected: number;
  readonly nextSweepMs: number;
}

type WatchedHost = Pick<HostStatus, 'address' | 'port' | 'configuredHealth' | 'marks'> & { readonly outlier?: RunningMonitor | undefined };

/** One cluster that detects outliers, and its hosts. */
export interface WatchedCluster {
  readonly name: string;
  readonly outliers: RunningOutliers;
  readonly panicPercent: number;
  readonly hosts: Iterable<WatchedHost>;
}

const ejectionOf = (monitor: RunningMonitor, { rules, nextSweepMs }: RunningOutliers, wallAt: (ms: number) => number) => {
  const { ejection, multiplier } = monitor;
  if (!ejection) return {};
  const untilMs = ejection.sinceMs + Math.min(rules.baseEjectionMs * multiplier, rules.maxEjectionMs) + ejection.jitterMs;
  const sweeps = Math.max(0, Math.ceil((untilMs - nextSweepMs) / rules.intervalMs));
  const returnsMs = nextSweepMs + sweeps * rules.intervalMs;
  return { ejected: { type: ejection.type, sinceMs: wallAt(ejection.sinceMs), untilMs: wallAt(untilMs), returnsMs: wallAt(returnsMs) } };
};

const hostOf = (host: WatchedHost, outliers: RunningOutliers, wallAt: (ms: number) => number): HostOutlier[] => {
  const { outlier } = host;
  if (!outlier) return [];
  const { rules } = outliers;
  const strikes = (run: 'consecutive5xx' | 'consecutiveGatewayFailure' | 'consecutiveLocalOriginFailure', type: EjectionType): Strikes => ({
    now: outlier[run],
    needed: rules[run],
    enforced: rules.enforcing[type],
  });
  return [
    {
      address: `${host.address}:${host.port}`,
      healthFlags: healthFlags(host.configuredHealth, host.marks),
      consecutive5xx: strikes('consecutive5xx', 'CONSECUTIVE_5XX'),
      consecutiveGatewayFailure: strikes('consecutiveGatewayFailure', 'CONSECUTIVE_GATEWAY_FAILURE'),
      consecutiveLocalOriginFailure: strikes('consecutiveLocalOriginFailure', 'CONSECUTIVE_LOCAL_ORIGIN_FAILURE'),
      ejections: outlier.ejections,
      multiplier: outlier.multiplier,
      ...ejectionOf(outlier, outliers, wallAt),
      successRate: outlier.external.rate,
    },
  ];
};

const clusterOf = ({ name, outliers, panicPercent, hosts }: WatchedCluster, wallAt: (ms: number) => number): ClusterOutliers => {
  const { rules, ejected, mayBeEjected, nextSweepMs } = outliers;
  const { intervalMs, baseEjectionMs, maxEjectionMs, maxEjectionPercent, splitsLocalOrigin } = rules;
  return {
    name,
    ...{ intervalMs, baseEjectionMs, maxEjectionMs, maxEjectionPercent, mayBeEjected, ejected },
    nextSweepMs: wallAt(nextSweepMs),
    panicPercent,
    splitsLocalOrigin,
    hosts: [...hosts].flatMap((host) => hostOf(host, outliers, wallAt)),
  };
};

/** Clusters that detect outliers, in the mesh's wall time. */
export const outliersOf = (clusters: readonly WatchedCluster[], clock: Clock): OutliersPage => {
  const nowMs = Math.round(clock.wallTimeMs());
  const monotonicMs = clock.nowMs();
  const wallAt = (ms: number): number => Math.round(nowMs + ms - monotonicMs);
  return { nowMs, clusters: clusters.map((cluster) => clusterOf(cluster, wallAt)) };
};

/** Query: `filter`, a regular expression for names of clusters. */
export const outliers = (page: OutliersPage, query: URLSearchParams): AdminAnswer => {
  const wanted = search(query.get('filter'));
  return json(wanted ? { ...page, clusters: page.clusters.filter(({ name }) => wanted(name)) } : page);
};
