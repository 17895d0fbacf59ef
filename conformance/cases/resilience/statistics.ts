/** What the caller's proxy counts: exchanges as clients saw them, and beside them what retries and timeouts cost. */
import { type ConformanceCase, defineCase, type MeshUnderTest } from '../../define-case.ts';
import { expectEqual } from '../../expect.ts';
import { BEHAVE } from '../echoed.ts';
import { REVIEWS, reviewsRules, to } from '../routing/reviews.ts';

const CLUSTER = 'cluster.outbound|9080|v1|reviews.default.svc.cluster.local';

/** By how much each statistic of the caller's cluster rises while `work` runs. */
const rise = async <N extends string>(
  mesh: MeshUnderTest,
  names: readonly N[],
  work: () => Promise<unknown>,
): Promise<Record<N, number>> => {
  const read = () => Promise.all(names.map((name) => mesh.stat('productpage-v1', `${CLUSTER}.${name}`)));
  const before = await read();
  await work();
  const after = await read();
  return Object.fromEntries(names.map((name, index) => [name, (after[index] ?? 0) - (before[index] ?? 0)])) as Record<N, number>;
};

/** RES-STAT-001 and 002. */
export const statistics: readonly ConformanceCase[] = [
  defineCase({
    id: 'RES-STAT-001',
    claim: 'An exchange counts once by its last status, however many tries it took; those that gave way count under "retry.".',
    source: 'Envoy cluster statistics: upstream_rq_<code>, upstream_rq_retry…, retry.upstream_rq_<code>',
    profile: 'core',
    apply: reviewsRules(`
- ${to('v1')}
  retries: { attempts: 3, retryOn: 5xx }`),
    killedBy: ['MUT-RETRIED-COUNTED'],
    labs: [],
    async run(mesh) {
      const names = [
        ...['upstream_rq_200', 'upstream_rq_503', 'upstream_rq_5xx', 'retry.upstream_rq_503', 'upstream_rq_total'],
        ...['upstream_rq_retry', 'upstream_rq_retry_success', 'upstream_rq_retry_limit_exceeded'],
      ] as const;
      const lost = await rise(mesh, names, () => mesh.send({ url: REVIEWS, headers: { [BEHAVE]: 'fail=503' } }));
      expectEqual('when every try fails', lost, {
        upstream_rq_200: 0,
        upstream_rq_503: 1,
        upstream_rq_5xx: 1,
        'retry.upstream_rq_503': 3,
        upstream_rq_total: 4,
        upstream_rq_retry: 3,
        upstream_rq_retry_success: 0,
        upstream_rq_retry_limit_exceeded: 1,
      });
      const headers = { [BEHAVE]: 'fail=503;until=3', 'x-request-id': `statistics-${mesh.driver}` };
      const won = await rise(mesh, names, () => mesh.send({ url: `${REVIEWS}?won`, headers }));
      expectEqual('when the third try succeeds', won, {
        upstream_rq_200: 1,
        upstream_rq_503: 0,
        upstream_rq_5xx: 0,
        'retry.upstream_rq_503': 2,
        upstream_rq_total: 3,
        upstream_rq_retry: 2,
        upstream_rq_retry_success: 1,
        upstream_rq_retry_limit_exceeded: 0,
      });
    },
  }),
  defineCase({
    id: 'RES-STAT-002',
    claim: "The proxy's own answer counts as its cluster's: a timeout as one 504 and one timeout.",
    source: 'Envoy cluster statistics: upstream_rq_timeout; Router: chargeUpstreamCode of local replies',
    profile: 'core',
    apply: reviewsRules(`
- ${to('v1')}
  timeout: 100ms
  retries: { attempts: 0 }`),
    killedBy: [],
    labs: [],
    async run(mesh) {
      const names = ['upstream_rq_504', 'upstream_rq_5xx', 'upstream_rq_timeout', 'upstream_rq_completed'] as const;
      const rose = await rise(mesh, names, () => mesh.send({ url: REVIEWS, headers: { [BEHAVE]: 'delay=2000' } }));
      expectEqual('statistics', rose, { upstream_rq_504: 1, upstream_rq_5xx: 1, upstream_rq_timeout: 1, upstream_rq_completed: 1 });
    },
  }),
];
