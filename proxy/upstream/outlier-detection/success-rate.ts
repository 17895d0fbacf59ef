/** Who fares much worse than the others in one interval. Pure. Source: Envoy "Outlier detection", success rate and failure percentage. */
import type { FailurePercentageRules, SuccessRateRules } from './compile-outlier-detection.ts';

/** How one host fared in the interval that ended. */
export interface HostRate<H> {
  readonly host: H;
  /** Percent. */
  readonly rate: number;
  readonly volume: number;
}

/** What was worked out; -1 = there were too few hosts or requests. */
export interface Average {
  readonly average: number;
  /** Below it a host is an outlier. */
  readonly threshold: number;
}

/** Nothing to go by. */
export const NO_AVERAGE: Average = { average: -1, threshold: -1 };

/** Mean and, so many standard deviations below it, the threshold. */
const averageOf = (rates: readonly HostRate<unknown>[], deviations: number): Average => {
  const average = rates.reduce((sum, { rate }) => sum + rate, 0) / rates.length;
  const variance = rates.reduce((sum, { rate }) => sum + (rate - average) ** 2, 0) / rates.length;
  return { average, threshold: average - deviations * Math.sqrt(variance) };
};

/** Hosts below the threshold, and the threshold. */
export const belowAverage = <H>(rates: readonly HostRate<H>[], rules: SuccessRateRules): Average & { readonly outliers: readonly H[] } => {
  const counted = rates.filter(({ volume }) => volume >= rules.requestVolume);
  if (counted.length === 0 || counted.length < rules.minimumHosts) return { ...NO_AVERAGE, outliers: [] };
  const average = averageOf(counted, rules.deviations);
  return { ...average, outliers: counted.filter(({ rate }) => rate < average.threshold).map(({ host }) => host) };
};

/** Hosts that fail at least as often as is too often. */
export const failingTooOften = <H>(rates: readonly HostRate<H>[], rules: FailurePercentageRules): readonly H[] => {
  const counted = rates.filter(({ volume }) => volume >= rules.requestVolume);
  if (counted.length < rules.minimumHosts) return [];
  return counted.filter(({ rate }) => 100 - rate >= rules.threshold).map(({ host }) => host);
};
