/** What a cluster's configuration says of watching over its hosts: by what comes of requests, and by asking them. */
import { ConfigError, inField } from '#api/config-error.ts';
import type { Cluster } from '#envoy';
import { compileOutlierDetection, type OutlierRules } from '../outlier-detection/compile-outlier-detection.ts';
import { compileHealthCheck, type HealthCheckRules } from './compile-health-check.ts';

/** Absent: nobody does. */
export interface WatchRules {
  readonly outliers: OutlierRules | undefined;
  readonly checks: HealthCheckRules | undefined;
  /** Below this percentage of healthy hosts health is ignored; only told. */
  readonly panicPercent: number;
  /** Whether nobody counts on a new host before its first check. */
  readonly excludesUnchecked: boolean;
  /** Whether a host that is not configured any longer stays for as long as its checks pass. */
  readonly keepsPassing: boolean;
}

const compileChecks = ({ healthChecks, clusterDiscoveryType }: Cluster, wantsHttp2: boolean): HealthCheckRules | undefined => {
  const [check, second] = healthChecks;
  if (second) throw new ConfigError('health_checks[1]', 'a cluster has one health check at most');
  const isOriginalDst = clusterDiscoveryType?.$case === 'type' && clusterDiscoveryType.value === ORIGINAL_DST;
  if (check && isOriginalDst) throw new ConfigError('health_checks', 'not supported by this proxy in an ORIGINAL_DST cluster');
  return check && inField('health_checks[0]', () => compileHealthCheck(check, wantsHttp2));
};

const ORIGINAL_DST = 4;
const DEFAULT_PANIC_PERCENT = 50;

/** wantsHttp2: whether its hosts take HTTP/2. Throws ConfigError with a path relative to the cluster. */
export const compileWatch = (cluster: Cluster, wantsHttp2: boolean): WatchRules => {
  const { outlierDetection, commonLbConfig, ignoreHealthOnHostRemoval } = cluster;
  return {
    outliers: outlierDetection && inField('outlier_detection', () => compileOutlierDetection(outlierDetection)),
    checks: compileChecks(cluster, wantsHttp2),
    panicPercent: commonLbConfig?.healthyPanicThreshold?.value ?? DEFAULT_PANIC_PERCENT,
    excludesUnchecked: commonLbConfig?.ignoreNewHostsUntilFirstHc ?? false,
    keepsPassing: !ignoreHealthOnHostRemoval,
  };
};
