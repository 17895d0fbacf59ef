/**
 * Hosts stand on a ring at many places, and a request goes to the first place at or behind its hash. When a host leaves, only its own requests move.
 * Source: Envoy "Ring hash" (ketama): place i of a host is the XXH64 of `<address>_<i>`.
 */
import type { Random } from '#system/random.ts';
import { type Hash64, xxh64 } from '#system/xxh64.ts';
import type { Balancer, BuildBalancer, Candidate } from './balancer.ts';
import { anyHash, factsOf, type HashedBy, type Placed, placed } from './hash-table.ts';

/** How many places a ring has: at least minSize, so that the lightest host has a whole number of them, and never more than maxSize. */
export interface RingRules {
  readonly minSize: number;
  readonly maxSize: number;
  readonly by: HashedBy;
}

/** Places in the order of their hashes, and whose they are. */
interface Ring {
  readonly high: Uint32Array;
  readonly low: Uint32Array;
  readonly owners: Uint32Array;
}

const DIGIT_BITS = 11;
const DIGITS = 1 << DIGIT_BITS;

/** Eleven bits of a hash, from that bit on. */
const digitOf = (high: number, low: number, from: number): number => {
  if (from >= 32) return (high >>> (from - 32)) & (DIGITS - 1);
  return ((low >>> from) | (from === 0 ? 0 : high << (32 - from))) & (DIGITS - 1);
};

/** Radix sort: a comparing sort of a million places would hold the event loop for a second. */
const sorted = ({ high, low, owners }: Ring): Ring => {
  const { length } = high;
  let order = Uint32Array.from(owners.keys());
  let next = new Uint32Array(length);
  for (let from = 0; from < 64; from += DIGIT_BITS) {
    const starts = new Uint32Array(DIGITS + 1);
    for (let i = 0; i < length; i++) (starts[digitOf(high[i] as number, low[i] as number, from) + 1] as number)++;
    for (let digit = 1; digit <= DIGITS; digit++) starts[digit] = (starts[digit] as number) + (starts[digit - 1] as number);
    for (const index of order) {
      const digit = digitOf(high[index] as number, low[index] as number, from);
      next[starts[digit] as number] = index;
      starts[digit] = (starts[digit] as number) + 1;
    }
    [order, next] = [next, order];
  }
  const take = (from: Uint32Array): Uint32Array => order.map((index) => from[index] as number);
  return { high: take(high), low: take(low), owners: take(owners) };
};

/** Hosts get their places one after the other; parts of a place are carried over, so that all of them together are right. */
const ringOf = ({ names, shares }: Placed, { minSize, maxSize }: RingRules): Ring => {
  const least = shares.reduce((a, b) => Math.min(a, b), 1);
  const scale = Math.min(Math.ceil(least * minSize) / least, maxSize);
  const size = Math.ceil(scale) + names.length;
  const ring = { high: new Uint32Array(size), low: new Uint32Array(size), owners: new Uint32Array(size) };
  let placesTaken = 0;
  let placesDue = 0;
  for (const [owner, name] of names.entries()) {
    placesDue += scale * (shares[owner] as number);
    for (let i = 0; placesTaken < placesDue && placesTaken < size; i++) {
      const hash = xxh64(`${name}_${i}`);
      ring.high[placesTaken] = hash.high;
      ring.low[placesTaken] = hash.low;
      ring.owners[placesTaken] = owner;
      placesTaken++;
    }
  }
  const cut = (part: Uint32Array): Uint32Array => part.subarray(0, placesTaken);
  return sorted({ high: cut(ring.high), low: cut(ring.low), owners: cut(ring.owners) });
};

/** The first place at or behind a hash; behind the last comes the first. */
const placeOf = ({ high, low }: Ring, hash: Hash64): number => {
  let from = 0;
  let to = high.length;
  while (from < to) {
    const middle = (from + to) >>> 1;
    const upper = high[middle] as number;
    if (upper < hash.high || (upper === hash.high && (low[middle] as number) < hash.low)) from = middle + 1;
    else to = middle;
  }
  return from === high.length ? 0 : from;
};

/** The same hosts and hashes give the picks of an Envoy. A request without a hash goes anywhere. */
export const ringHash =
  (rules: RingRules): BuildBalancer =>
  <H extends Candidate>(hosts: readonly H[], random: Random, shares?: readonly number[]): Balancer<H> => {
    if (hosts.length === 0) return { pick: () => undefined };
    const ring = ringOf(placed(hosts, rules.by, shares), rules);
    const size = ring.owners.length;
    return {
      table: factsOf(ring.owners, hosts.length),
      pick: (hash = anyHash(random), attempt = 0) => hosts[ring.owners[(placeOf(ring, hash) + attempt) % size] as number],
    };
  };
