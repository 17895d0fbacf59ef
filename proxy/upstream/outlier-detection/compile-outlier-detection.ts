/** OutlierDetection → what a detector goes by. Generated messages end here. Source: config.cluster.v3.OutlierDetection. */
import { ConfigError, refuseUnsupported } from '#api/config-error.ts';
import type { EjectionType } from '#api/outliers.ts';
import { durationMs } from '#api/units.ts';
import type { OutlierDetection } from '#envoy';

/** A host far below the others. percentages and requests are of one interval. */
export interface SuccessRateRules {
  readonly minimumHosts: number;
  readonly requestVolume: number;
  /** How many standard deviations below the mean is too far. */
  readonly deviations: number;
}

/** A host that fails too much, whatever the others do. */
export interface FailurePercentageRules {
  readonly minimumHosts: number;
  readonly requestVolume: number;
  readonly threshold: number;
}

/** Times in milliseconds; failures in a row that are 0 never eject. */
export interface OutlierRules {
  readonly consecutive5xx: number;
  readonly consecutiveGatewayFailure: number;
  readonly consecutiveLocalOriginFailure: number;
  /** Whether failures to reach a host are counted by themselves, and not as 5xx. */
  readonly splitsLocalOrigin: boolean;
  readonly successRate: SuccessRateRules;
  readonly failurePercentage: FailurePercentageRules;
  /** Percent of what is detected that is acted upon. */
  readonly enforcing: Readonly<Record<EjectionType, number>>;
  readonly intervalMs: number;
  readonly baseEjectionMs: number;
  readonly maxEjectionMs: number;
  readonly maxJitterMs: number;
  readonly maxEjectionPercent: number;
  readonly alwaysEjectsOne: boolean;
  /** Whether a host that passes its health check comes back at once. */
  readonly returnsOnPassedCheck: boolean;
}

const DEFAULT_MAX_EJECTION_MS = 300_000;

const READ = [
  'consecutive5xx',
  'interval',
  'baseEjectionTime',
  'maxEjectionPercent',
  'enforcingConsecutive5xx',
  'enforcingSuccessRate',
  'successRateMinimumHosts',
  'successRateRequestVolume',
  'successRateStdevFactor',
  'consecutiveGatewayFailure',
  'enforcingConsecutiveGatewayFailure',
  'splitExternalLocalOriginErrors',
  'consecutiveLocalOriginFailure',
  'enforcingConsecutiveLocalOriginFailure',
  'enforcingLocalOriginSuccessRate',
  'failurePercentageThreshold',
  'enforcingFailurePercentage',
  'enforcingFailurePercentageLocalOrigin',
  'failurePercentageMinimumHosts',
  'failurePercentageRequestVolume',
  'maxEjectionTime',
  'maxEjectionTimeJitter',
  'successfulActiveHealthCheckUnejectHost',
  'alwaysEjectOneHost',
] as const satisfies readonly (keyof OutlierDetection)[];

/** Envoy's defaults: everything detected is acted upon but gateway failures and failure percentage. */
const enforcingOf = (config: OutlierDetection): OutlierRules['enforcing'] => ({
  CONSECUTIVE_5XX: config.enforcingConsecutive5xx ?? 100,
  CONSECUTIVE_GATEWAY_FAILURE: config.enforcingConsecutiveGatewayFailure ?? 0,
  CONSECUTIVE_LOCAL_ORIGIN_FAILURE: config.enforcingConsecutiveLocalOriginFailure ?? 100,
  SUCCESS_RATE: config.enforcingSuccessRate ?? 100,
  SUCCESS_RATE_LOCAL_ORIGIN: config.enforcingLocalOriginSuccessRate ?? 100,
  FAILURE_PERCENTAGE: config.enforcingFailurePercentage ?? 0,
  FAILURE_PERCENTAGE_LOCAL_ORIGIN: config.enforcingFailurePercentageLocalOrigin ?? 0,
});

/** Whole milliseconds, as Envoy's timers have them. */
const wholeMs = (duration: Parameters<typeof durationMs>[0], otherwise: number): number => Math.floor(durationMs(duration) ?? otherwise);

/** Throws ConfigError with a path relative to the message. */
export const compileOutlierDetection = (config: OutlierDetection): OutlierRules => {
  refuseUnsupported(config, { read: READ });
  const baseEjectionMs = wholeMs(config.baseEjectionTime, 30_000);
  const maxEjectionMs = wholeMs(config.maxEjectionTime, Math.max(DEFAULT_MAX_EJECTION_MS, baseEjectionMs));
  if (maxEjectionMs < baseEjectionMs) throw new ConfigError('max_ejection_time', 'must be at least the base_ejection_time');
  return {
    consecutive5xx: config.consecutive5xx ?? 5,
    consecutiveGatewayFailure: config.consecutiveGatewayFailure ?? 5,
    consecutiveLocalOriginFailure: config.consecutiveLocalOriginFailure ?? 5,
    splitsLocalOrigin: config.splitExternalLocalOriginErrors,
    successRate: {
      minimumHosts: config.successRateMinimumHosts ?? 5,
      requestVolume: config.successRateRequestVolume ?? 100,
      deviations: (config.successRateStdevFactor ?? 1900) / 1000,
    },
    failurePercentage: {
      minimumHosts: config.failurePercentageMinimumHosts ?? 5,
      requestVolume: config.failurePercentageRequestVolume ?? 50,
      threshold: config.failurePercentageThreshold ?? 85,
    },
    enforcing: enforcingOf(config),
    intervalMs: wholeMs(config.interval, 10_000),
    baseEjectionMs,
    maxEjectionMs,
    maxJitterMs: wholeMs(config.maxEjectionTimeJitter, 0),
    maxEjectionPercent: Math.min(100, config.maxEjectionPercent ?? 10),
    alwaysEjectsOne: config.alwaysEjectOneHost ?? false,
    returnsOnPassedCheck: config.successfulActiveHealthCheckUnejectHost ?? true,
  };
};
