/**
 * Chance as a parameter. With a seed, a weighted sequence is the same on every run and in every world, whatever else draws meanwhile:
 * each place that decides something has a stream of its own, found by a name that does not change.
 */

/** The only source of randomness that either plane uses. */
export interface Random {
  /** 0 ≤ x < 1. */
  float(): number;
  /** 0 ≤ n < bound, whole. */
  below(bound: number): number;
  /** True with probability `share` (0…1). */
  chance(share: number): boolean;
  /** A sequence of its own. The same name gives the same stream, which goes on where it stands: for who draws when a request comes. */
  stream(name: string): Random;
  /** A sequence of its own, at its beginning each time: for who draws when something is built, as often as that may be. */
  restarted(name: string): Random;
}

const randomFrom = (float: () => number, more: Pick<Random, 'stream' | 'restarted'>): Random => ({
  float,
  below: (bound) => Math.floor(float() * bound),
  chance: (share) => share >= 1 || (share > 0 && float() < share),
  ...more,
});

/** Chance that nobody can repeat. */
export const realRandom = (): Random => {
  const random: Random = randomFrom(Math.random, { stream: () => random, restarted: () => random });
  return random;
};

/** 32 bits of a seed and a name: FNV-1a over the name's UTF-16 units, then mixed so that neighbours have nothing in common. */
export const seedFor = (seed: number, name: string): number => {
  let hash = (0x811c9dc5 ^ seed) >>> 0;
  for (let i = 0; i < name.length; i++) hash = Math.imul(hash ^ name.charCodeAt(i), 0x01000193) >>> 0;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
};

/** mulberry32: 32 bits of state, the same sequence for the same seed everywhere. */
export const seededRandom = (seed: number): Random => {
  let state = seed >>> 0;
  const float = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
  const streams = new Map<string, Random>();
  const restarted = (name: string): Random => seededRandom(seedFor(seed, name));
  const stream = (name: string): Random => {
    const known = streams.get(name) ?? restarted(name);
    streams.set(name, known);
    return known;
  };
  return randomFrom(float, { stream, restarted });
};

/** Streams that can be repeated beside chance that cannot: what must be unique among processes (request ids) stays so. */
export const seededStreams = (seed: number): Random => {
  const { stream, restarted } = seededRandom(seed);
  return { ...realRandom(), stream, restarted };
};
