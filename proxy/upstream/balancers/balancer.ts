/** Who is picked. Pure and browser-safe: the site animates these same files. */
import type { Random } from '#system/random.ts';
import type { Hash64 } from '#system/xxh64.ts';

/** All that a balancer may know of a host. */
export interface Candidate {
  readonly key: string;
  /** Relative, at least 1. */
  readonly weight: number;
  readonly activeRequests: number;
  /** For who hashes by name. */
  readonly hostname?: string;
  /** What it is hashed by, whatever its key or name. Source: `hash_key` in the endpoint's metadata `envoy.lb`. */
  readonly hashKey?: string | undefined;
  /** Since when it is there and well, in monotonic milliseconds; undefined = it was always. */
  readonly healthySinceMs?: number | undefined;
}

/** Picks among the hosts it was built for; undefined = there is nobody. */
export interface Balancer<H extends Candidate> {
  /** hash, attempt: read by those that hash alone. attempt: how often this request was picked for already, so that another host comes up. */
  pick(hash?: Hash64, attempt?: number): H | undefined;
  /** Of those that hash. */
  readonly table?: TableFacts;
}

/** A ring or table: its places, and how many the host with the fewest and the one with the most have. */
export interface TableFacts {
  readonly size: number;
  readonly fewest: number;
  readonly most: number;
}

/**
 * Rebuilt when hosts or weights change, never edited.
 * shares: how much of all traffic each host shall have, together 1; where absent, weights alone say it. Read by those that hash alone.
 */
export type BuildBalancer = <H extends Candidate>(hosts: readonly H[], random: Random, shares?: readonly number[]) => Balancer<H>;
