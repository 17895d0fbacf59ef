/** `outlierDetection` → when Envoy stops sending to an endpoint. Pure. Source: istio pilot/pkg/networking/core applyOutlierDetection. */
import type { OutlierDetection } from '#envoy';
import { durationMs } from '../../resources/checks.ts';
import type { TrafficPolicy } from '../../resources/destination-rule.ts';
import { toDuration } from '../pack.ts';

type Outliers = NonNullable<TrafficPolicy['outlierDetection']>;

/** 0 errors switch that kind of ejection off; Envoy's default, 5, would stay for an absent field. */
const enforced = (errors: number): number => (errors > 0 ? 100 : 0);

/** What is not said is Envoy's default: 5 errors in a row, looked at every 10 s, out for 30 s, at most 10 %. Success rates never eject. `consecutiveErrors` is not read. */
export const outlierDetectionOf = (outliers: Outliers): Partial<OutlierDetection> => {
  const { consecutive5xxErrors: any5xx, consecutiveGatewayErrors: gateway, interval, baseEjectionTime, maxEjectionPercent } = outliers;
  return {
    enforcingSuccessRate: 0,
    ...(any5xx !== undefined && { consecutive5xx: any5xx, enforcingConsecutive5xx: enforced(any5xx) }),
    ...(gateway !== undefined && { consecutiveGatewayFailure: gateway, enforcingConsecutiveGatewayFailure: enforced(gateway) }),
    ...(interval !== undefined && { interval: toDuration(durationMs(interval)) }),
    ...(baseEjectionTime !== undefined && { baseEjectionTime: toDuration(durationMs(baseEjectionTime)) }),
    ...((maxEjectionPercent ?? 0) > 0 && { maxEjectionPercent }),
    ...(outliers.splitExternalLocalOriginErrors && localOrigin(outliers.consecutiveLocalOriginFailures ?? 0)),
  };
};

/** Errors that the proxy made itself are counted by themselves: no connection, no answer in time. */
const localOrigin = (failures: number): Partial<OutlierDetection> => ({
  splitExternalLocalOriginErrors: true,
  ...(failures > 0 && { consecutiveLocalOriginFailure: failures, enforcingConsecutiveLocalOriginFailure: 100 }),
  enforcingLocalOriginSuccessRate: 0,
});
