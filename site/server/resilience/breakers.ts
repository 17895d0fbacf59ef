/** The circuit breakers of a caller's proxy before one service: from our proxy's own page, else from Envoy's statistics. */
import { type BreakersPage, type BreakerTold, type SeatsTold, UNLIMITED } from '#api/admin.ts';
import { parseClusterName } from '#api/names.ts';
import type { BreakerView, SeatsView } from '../told.ts';

const TIMEOUT_MS = 3_000;

/** Whose proxy, and before which service. */
export interface Watched {
  readonly from: string;
  readonly adminUrl: string;
  /** First label of its host. */
  readonly service: string;
}

const read = (adminUrl: string, path: string): Promise<Response> =>
  fetch(new URL(path, adminUrl), { signal: AbortSignal.timeout(TIMEOUT_MS) });

const isOf = (cluster: string, service: string): boolean => {
  const parsed = parseClusterName(cluster);
  return parsed?.direction === 'outbound' && parsed.host.split('.')[0] === service;
};

const seats = ({ used, limit, refused }: SeatsTold): SeatsView => ({ used, refused, ...(limit < UNLIMITED ? { limit } : {}) });

const viewOf = (from: string, cluster: string, told: BreakerTold): BreakerView => ({
  from,
  cluster,
  connections: seats(told.connections),
  pending: seats(told.pending),
  requests: seats(told.requests),
  retries: seats(told.retries),
});

const LIMITS = ['max_connections', 'max_pending_requests', 'max_requests', 'max_retries'] as const;

interface ClusterStatus {
  readonly name: string;
  readonly circuit_breakers?: { readonly thresholds?: readonly Partial<Record<(typeof LIMITS)[number] | 'priority', number | string>>[] };
}

/** Envoy's page has the limits, its statistics what is in use. */
const fromStatistics = async ({ from, adminUrl, service }: Watched): Promise<readonly BreakerView[]> => {
  const [status, stats] = await Promise.all([
    read(adminUrl, '/clusters?format=json').then((page) => page.json() as Promise<{ cluster_statuses?: readonly ClusterStatus[] }>),
    read(adminUrl, `/stats?filter=${encodeURIComponent(`cluster\\.outbound\\|.*${service}\\..*\\.upstream_(rq|cx)_`)}`).then((page) =>
      page.text(),
    ),
  ]);
  const values = new Map(
    stats
      .split('\n')
      .map((line): [string, number] => [line.slice(0, line.lastIndexOf(':')), Number(line.slice(line.lastIndexOf(':') + 1))]),
  );
  return (status.cluster_statuses ?? [])
    .filter(({ name }) => isOf(name, service))
    .map(({ name, circuit_breakers }) => {
      const limits = circuit_breakers?.thresholds?.find(({ priority }) => priority === undefined || priority === 'DEFAULT') ?? {};
      const value = (stat: string) => values.get(`cluster.${name}.upstream_${stat}`) ?? 0;
      const told = (used: string, limit: (typeof LIMITS)[number], refused: string): SeatsView =>
        seats({ used: value(used), limit: Number(limits[limit] ?? UNLIMITED), refused: value(refused) });
      return {
        from,
        cluster: name,
        connections: told('cx_active', 'max_connections', 'cx_overflow'),
        pending: told('rq_pending_active', 'max_pending_requests', 'rq_pending_overflow'),
        requests: told('rq_active', 'max_requests', 'rq_pending_overflow'),
        retries: told('rq_retry_active', 'max_retries', 'rq_retry_overflow'),
      };
    });
};

/** One for each cluster of the service; those with limits, then those in use, first. */
export const readBreakers = async (watched: Watched): Promise<readonly BreakerView[]> => {
  const page = await read(watched.adminUrl, '/breakers');
  const views = page.ok
    ? ((await page.json()) as BreakersPage).clusters
        .filter(({ cluster }) => isOf(cluster, watched.service))
        .map(({ cluster, breakers }) => viewOf(watched.from, cluster, breakers[0]))
    : await fromStatistics(watched);
  const weight = ({ connections, pending, requests }: BreakerView): number =>
    (requests.used + pending.used) * 2 +
    (connections.limit === undefined && pending.limit === undefined && requests.limit === undefined ? 0 : 1);
  return views.toSorted((a, b) => weight(b) - weight(a));
};
