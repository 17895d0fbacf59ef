/** One of several by weight. Every draw stands alone: a client that came before has no influence. */
import type { Random } from '#system/random.ts';

/** Something with its share; the shares need not add up to 100. */
export interface Weighted {
  readonly weight: number;
}

/** weighted: at least one weight above 0; entries with 0 are never drawn. */
export const trafficSplit = <W extends Weighted>(weighted: readonly W[], random: Random): (() => W) => {
  const drawn = weighted.filter(({ weight }) => weight > 0);
  const last = drawn[drawn.length - 1];
  if (last === undefined) throw new Error('invariant: a traffic split needs a weight above 0');
  const total = drawn.reduce((sum, { weight }) => sum + weight, 0);
  if (drawn.length === 1) return () => last;
  return () => {
    let point = random.below(total);
    for (const entry of drawn) {
      point -= entry.weight;
      if (point < 0) return entry;
    }
    return last;
  };
};
