/** Numbers of one cluster's health checks under Envoy's names, looked up once. */
import type { Counter, Gauge, MetricScope } from '#system/metrics.ts';

/** Fields to count on. */
export interface CheckStats {
  readonly attempts: Counter;
  readonly successes: Counter;
  readonly failures: Counter;
  /** Found by what hosts said in answers to requests. */
  readonly passiveFailures: Counter;
  readonly networkFailures: Counter;
  readonly verified: Counter;
  readonly healthy: Gauge;
  readonly degraded: Gauge;
}

/** Source: Envoy "Cluster manager → statistics", health check. */
export const checkStats = (scope: MetricScope): CheckStats => ({
  attempts: scope.counter('health_check.attempt'),
  successes: scope.counter('health_check.success'),
  failures: scope.counter('health_check.failure'),
  passiveFailures: scope.counter('health_check.passive_failure'),
  networkFailures: scope.counter('health_check.network_failure'),
  verified: scope.counter('health_check.verify_cluster'),
  healthy: scope.gauge('health_check.healthy'),
  degraded: scope.gauge('health_check.degraded'),
});
