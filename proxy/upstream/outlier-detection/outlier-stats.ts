/** Numbers of one cluster's outlier detection under Envoy's names, looked up once. */
import type { EjectionType } from '#api/outliers.ts';
import type { Counter, Gauge, MetricScope } from '#system/metrics.ts';

/** Fields to count on. */
export interface OutlierStats {
  readonly active: Gauge;
  readonly total: Counter;
  readonly overflow: Counter;
  readonly detected: Readonly<Record<EjectionType, Counter>>;
  readonly enforced: Readonly<Record<EjectionType, Counter>>;
  /** Envoy still counts under the names that these had once. */
  readonly deprecated: { readonly total: Counter; readonly consecutive5xx: Counter; readonly successRate: Counter };
}

const NAMES: Readonly<Record<EjectionType, string>> = {
  CONSECUTIVE_5XX: 'consecutive_5xx',
  CONSECUTIVE_GATEWAY_FAILURE: 'consecutive_gateway_failure',
  CONSECUTIVE_LOCAL_ORIGIN_FAILURE: 'consecutive_local_origin_failure',
  SUCCESS_RATE: 'success_rate',
  SUCCESS_RATE_LOCAL_ORIGIN: 'local_origin_success_rate',
  FAILURE_PERCENTAGE: 'failure_percentage',
  FAILURE_PERCENTAGE_LOCAL_ORIGIN: 'local_origin_failure_percentage',
};

/** Source: Envoy "Cluster manager → statistics", outlier detection. */
export const outlierStats = (scope: MetricScope): OutlierStats => {
  const counter = (name: string): Counter => scope.counter(`outlier_detection.ejections_${name}`);
  const byType = (prefix: string) =>
    Object.fromEntries(Object.entries(NAMES).map(([type, name]) => [type, counter(`${prefix}_${name}`)])) as Record<EjectionType, Counter>;
  return {
    active: scope.gauge('outlier_detection.ejections_active'),
    total: counter('enforced_total'),
    overflow: counter('overflow'),
    detected: byType('detected'),
    enforced: byType('enforced'),
    deprecated: { total: counter('total'), consecutive5xx: counter('consecutive_5xx'), successRate: counter('success_rate') },
  };
};
