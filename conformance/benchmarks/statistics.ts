/** What may be said from a handful of blocks: middles, tails, and how sure a paired ratio is. */

const RESAMPLES = 2_000;

/** Middle value, the mean of the two middle ones of an even count; NaN of none. */
export const median = (values: readonly number[]): number => {
  const sorted = values.toSorted((a, b) => a - b);
  const half = sorted.length / 2;
  return ((sorted[Math.ceil(half) - 1] ?? Number.NaN) + (sorted[Math.floor(half)] ?? Number.NaN)) / 2;
};

/** Value below which `share` of the values lie; NaN of none. */
export const percentile = (values: readonly number[], share: number): number => {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
};

/** A middle value and the 95 % bootstrap interval around it. */
export interface Estimate {
  readonly median: number;
  readonly low: number;
  readonly high: number;
}

/** The same values resampled with replacement, so that whoever reads a result file gets the same interval again. */
const resampling = (count: number): (() => number) => {
  let state = 0x9e3779b9;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * count);
  };
};

/** Bootstrap over blocks: how much the middle would move had other blocks of the same kind been drawn. */
export const estimate = (values: readonly number[]): Estimate => {
  const draw = resampling(values.length);
  const middles = Array.from({ length: RESAMPLES }, () => median(values.map(() => values[draw()] ?? Number.NaN)));
  return { median: median(values), low: percentile(middles, 0.025), high: percentile(middles, 0.975) };
};

/** Ratio of two subjects measured side by side in the same blocks: drift of the machine hits both, and cancels. Throws when they were not measured as often. */
export const pairedRatio = (own: readonly number[], other: readonly number[]): Estimate => {
  if (own.length !== other.length) throw new RangeError(`${own.length} blocks against ${other.length} are no pairs`);
  return estimate(own.map((value, block) => value / (other[block] ?? Number.NaN)));
};

/** Settles when the last three values lie within `spread` of each other (0.05 = 5 %). */
export const isSteady = (values: readonly number[], spread: number): boolean => {
  const last = values.slice(-3);
  return last.length === 3 && Math.max(...last) <= Math.min(...last) * (1 + spread);
};
