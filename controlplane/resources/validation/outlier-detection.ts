/** What `outlierDetection` must obey. Messages follow istioctl validate. */
import { checkDuration, fail, warn } from '../checks.ts';
import type { TrafficPolicy } from '../destination-rule.ts';
import type { Complaint } from '../problem.ts';

type Outliers = NonNullable<TrafficPolicy['outlierDetection']>;

/** path: of `outlierDetection`. */
export const checkOutliers = (outliers: Outliers | undefined, path: string): Complaint[] => {
  if (!outliers) return [];
  const complaints = (['interval', 'baseEjectionTime'] as const).flatMap((field) => checkDuration(outliers[field], `${path}.${field}`));
  for (const field of ['maxEjectionPercent', 'minHealthPercent'] as const) {
    const value = outliers[field] ?? 0;
    if (value < 0 || value > 100) complaints.push(fail(`${path}.${field}`, `percentage ${value} is not in range 0..100`));
  }
  if ((outliers.consecutiveLocalOriginFailures ?? 0) > 0 && !outliers.splitExternalLocalOriginErrors) {
    const message =
      'outlier detection consecutive local origin failures is specified, but split external local origin errors is set to false';
    complaints.push(fail(`${path}.consecutiveLocalOriginFailures`, message));
  }
  if (outliers.consecutiveErrors !== undefined) complaints.push(warn(`${path}.consecutiveErrors`, oldField(outliers)));
  return complaints;
};

/** Old tutorials have it, and it does nothing: that it seems to work is Envoy's default. */
const oldField = ({ consecutiveErrors = 0, consecutive5xxErrors, consecutiveGatewayErrors }: Outliers): string => {
  const deprecated = 'outlier detection consecutive errors is deprecated, use consecutiveGatewayErrors or consecutive5xxErrors instead';
  const others = { consecutive5xxErrors, consecutiveGatewayErrors };
  const given = Object.entries(others).flatMap(([name, value]) => (value === undefined ? [] : [`${name}: ${value}`]));
  const holds = given.length > 0 ? given.join(' and ') : "Envoy's default, 5 errors (5xx) in a row,";
  return `${deprecated}: consecutiveErrors: ${consecutiveErrors} is ignored, as in Istio; ${holds} decides. Write consecutive5xxErrors: ${consecutiveErrors} to mean it`;
};
