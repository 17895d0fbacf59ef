/** What a cluster's configuration says of watching over its hosts: by what comes of requests, and by asking them. */
import { inField } from '#api/config-error.ts';
import type { Cluster } from '#envoy';
import { compileOutlierDetection, type OutlierRules } from '../outlier-detection/compile-outlier-detection.ts';

/** Absent: nobody does. */
export interface WatchRules {
  readonly outliers: OutlierRules | undefined;
}

/** Throws ConfigError with a path relative to the cluster. */
export const compileWatch = ({ outlierDetection }: Cluster): WatchRules => ({
  outliers: outlierDetection && inField('outlier_detection', () => compileOutlierDetection(outlierDetection)),
});
