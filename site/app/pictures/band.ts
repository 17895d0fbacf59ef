/** How the share of a canary settles: the running share after each request, and the band in which it lies in 19 tries of 20. Pure. */

/** One point of the line; n: requests so far. */
export interface BandPoint {
  readonly n: number;
  /** 0…1 */
  readonly share: number;
}

const Z95 = 1.96;

/** Share at the ends of the band after n requests, each of chance p. Wilson's interval about p, so that it stays within 0…1. */
export const bandAt = (n: number, p: number): readonly [number, number] => {
  if (n === 0) return [0, 1];
  const z2 = Z95 * Z95;
  const middle = (p + z2 / (2 * n)) / (1 + z2 / n);
  const half = (Z95 * Math.sqrt((p * (1 - p)) / n + z2 / (4 * n * n))) / (1 + z2 / n);
  return [Math.max(0, middle - half), Math.min(1, middle + half)];
};

/** hits: of each request in order, whether the canary answered. before: what earlier rounds brought. At most 400 points, the last one always. */
export const runningShare = (
  hits: readonly boolean[],
  before: { readonly n: number; readonly hits: number } = { n: 0, hits: 0 },
): readonly BandPoint[] => {
  let sum = before.hits;
  const every = Math.max(1, Math.ceil(hits.length / 400));
  return hits.flatMap((hit, index) => {
    sum += hit ? 1 : 0;
    const n = before.n + index + 1;
    return index % every === 0 || index === hits.length - 1 ? [{ n, share: sum / n }] : [];
  });
};
