/** Who is picked. Pure and browser-safe: the site animates these same files. */
import type { Random } from '#system/random.ts';

/** All that a balancer may know of a host. */
export interface Candidate {
  readonly key: string;
  /** Relative, at least 1. */
  readonly weight: number;
  readonly activeRequests: number;
}

/** Picks among the hosts it was built for; undefined = there is nobody. */
export interface Balancer<H extends Candidate> {
  pick(hashKey: bigint | undefined): H | undefined;
}

/** Rebuilt when hosts or weights change, never edited. */
export type BuildBalancer = <H extends Candidate>(hosts: readonly H[], random: Random) => Balancer<H>;
