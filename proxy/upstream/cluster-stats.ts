/** One cluster's numbers under Envoy's names, looked up once. */
import type { Counter, Gauge, Histogram, MetricScope } from '#system/metrics.ts';

/** Fields to count on. */
export interface ClusterStats {
  readonly requests: Counter;
  readonly completed: Counter;
  /** Index = first digit of the status; 0 and 1 are the same counter. */
  readonly byClass: readonly Counter[];
  /** The one of `byClass` that failures count in. */
  readonly failures: Counter;
  readonly activeRequests: Gauge;
  readonly pendingTotal: Counter;
  readonly pendingActive: Gauge;
  readonly pendingOverflow: Counter;
  readonly pendingFailureEject: Counter;
  readonly timeouts: Counter;
  readonly perTryTimeouts: Counter;
  readonly cancelled: Counter;
  readonly retries: Counter;
  readonly retrySuccess: Counter;
  readonly retryOverflow: Counter;
  readonly retryLimitExceeded: Counter;
  readonly connections: Counter;
  readonly activeConnections: Gauge;
  readonly connectFailures: Counter;
  readonly connectTimeouts: Counter;
  readonly connectionOverflow: Counter;
  readonly noneHealthy: Counter;
  readonly members: Gauge;
  readonly healthyMembers: Gauge;
  readonly membershipChanges: Counter;
  readonly time: Histogram;
}

/** Names: Envoy "Cluster manager → statistics". */
export const clusterStats = (scope: MetricScope): ClusterStats => {
  const other = scope.counter('upstream_rq_1xx');
  return {
    requests: scope.counter('upstream_rq_total'),
    completed: scope.counter('upstream_rq_completed'),
    byClass: [other, other, ...[2, 3, 4, 5].map((digit) => scope.counter(`upstream_rq_${digit}xx`))],
    failures: scope.counter('upstream_rq_5xx'),
    activeRequests: scope.gauge('upstream_rq_active'),
    pendingTotal: scope.counter('upstream_rq_pending_total'),
    pendingActive: scope.gauge('upstream_rq_pending_active'),
    pendingOverflow: scope.counter('upstream_rq_pending_overflow'),
    pendingFailureEject: scope.counter('upstream_rq_pending_failure_eject'),
    timeouts: scope.counter('upstream_rq_timeout'),
    perTryTimeouts: scope.counter('upstream_rq_per_try_timeout'),
    cancelled: scope.counter('upstream_rq_cancelled'),
    retries: scope.counter('upstream_rq_retry'),
    retrySuccess: scope.counter('upstream_rq_retry_success'),
    retryOverflow: scope.counter('upstream_rq_retry_overflow'),
    retryLimitExceeded: scope.counter('upstream_rq_retry_limit_exceeded'),
    connections: scope.counter('upstream_cx_total'),
    activeConnections: scope.gauge('upstream_cx_active'),
    connectFailures: scope.counter('upstream_cx_connect_fail'),
    connectTimeouts: scope.counter('upstream_cx_connect_timeout'),
    connectionOverflow: scope.counter('upstream_cx_overflow'),
    noneHealthy: scope.counter('upstream_cx_none_healthy'),
    members: scope.gauge('membership_total'),
    healthyMembers: scope.gauge('membership_healthy'),
    membershipChanges: scope.counter('membership_change'),
    time: scope.histogram('upstream_rq_time'),
  };
};
