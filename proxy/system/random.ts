/** Chance as a parameter: seedable, so that a weighted sequence is the same on every run. */

/** The only source of randomness that either plane uses. */
export interface Random {
  /** 0 ≤ x < 1. */
  float(): number;
  /** 0 ≤ n < bound, whole. */
  below(bound: number): number;
  /** True with probability `share` (0…1). */
  chance(share: number): boolean;
}

const randomFrom = (float: () => number): Random => ({
  float,
  below: (bound) => Math.floor(float() * bound),
  chance: (share) => share >= 1 || (share > 0 && float() < share),
});

/** Chance that nobody can repeat. */
export const realRandom = (): Random => randomFrom(Math.random);

/** mulberry32: 32 bits of state, the same sequence for the same seed everywhere. */
export const seededRandom = (seed: number): Random => {
  let state = seed >>> 0;
  return randomFrom(() => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  });
};
