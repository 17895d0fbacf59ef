/**
 * What a proxy tells of its circuit breakers: `GET /breakers` (`?filter=regex` for names of clusters), browser-safe.
 * Envoy's own `/clusters?format=json` has the limits only; how much is in use stands in its statistics when `track_remaining` is on.
 */

/** Envoy's "no limit" as Istio writes it: 2^32 - 1. */
export const UNLIMITED = 0xffff_ffff;

/** How much of one thing is in use. `used` may be above `limit`: the limit shrank, or a host without a connection was given one. */
export interface SeatsTold {
  readonly used: number;
  /** See UNLIMITED. */
  readonly limit: number;
  /** Refused because of this limit since the proxy started. */
  readonly refused: number;
}

/** One of the two breakers that each cluster has. */
export interface BreakerTold {
  /** Of the routes whose requests it counts. */
  readonly priority: 'default' | 'high';
  /** Open or being opened. `refused`: dials that were not made; who wanted them waits. */
  readonly connections: SeatsTold;
  /** Requests that wait for a connection. `refused`: told 503 at once. */
  readonly pending: SeatsTold;
  /** Requests that have a connection, until both bodies are over. `refused`: told 503. */
  readonly requests: SeatsTold;
  /** Further tries, their back-off included. With a retry budget `limit` moves with what is in use. */
  readonly retries: SeatsTold;
  /** Whether `retries.limit` comes from a retry budget. */
  readonly hasRetryBudget: boolean;
  /** Most connections to one host; UNLIMITED where none is set. */
  readonly perHostConnections: number;
}

/** The breakers of one cluster. */
export interface ClusterBreakersTold {
  readonly cluster: string;
  readonly breakers: readonly [BreakerTold, BreakerTold];
}

/** The page. */
export interface BreakersPage {
  readonly clusters: readonly ClusterBreakersTold[];
}
