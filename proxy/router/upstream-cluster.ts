/** A cluster as the router sees it. It is found through a slot at request time, so that routes outlive the clusters they name. */
import type { Counter } from '#system/metrics.ts';
import type { Hash64 } from '#system/xxh64.ts';
import type { HttpRequest, HttpResponse } from '../http/message.ts';
import type { StreamInfo } from '../http/stream-info.ts';

/** Which hosts a retry would rather not have. */
export interface HostWishes {
  /** How often to pick again for a host that is not wanted; 0 = never. */
  readonly repicks: number;
  /** Hosts that this exchange tried already. */
  readonly avoidsTried?: boolean;
  /** Hosts for which any of these holds. */
  readonly avoids?: readonly ((host: { readonly labels?: Readonly<Record<string, unknown>> | undefined }) => boolean)[];
  /** Priorities tried before; the set of those grows at every so many tries. */
  readonly leavesPrioritiesEvery?: number | undefined;
}

/** What a route asks of the pick. */
export interface HostChoice extends HostWishes {
  /** What balancers that hash go by. */
  readonly hash?: ((request: HttpRequest, stream: StreamInfo) => Hash64 | undefined) | undefined;
  /** Labels that a host must have, by name. */
  readonly subset?: readonly (readonly [name: string, value: unknown])[] | undefined;
  /** Default when absent. */
  readonly priority?: 'high';
}

/** What of a request decides, of clusters that hash, who serves it. */
export interface HashPolicy {
  readonly hash: NonNullable<HostChoice['hash']>;
  /** Values of `set-cookie` that a client shall have; undefined when it never shall. */
  readonly cookies: ((request: HttpRequest, stream: StreamInfo) => readonly string[]) | undefined;
}

/** The room that retries have. */
export interface RetryBreaker {
  retries: number;
  readonly mayRetry: boolean;
  readonly refused?: { retries: number };
}

interface StatusCount {
  count(status: number): void;
}

/** A running cluster: one try at a time, and the room that its retries have. */
export interface UpstreamCluster {
  send(request: HttpRequest, stream: StreamInfo, choice: HostChoice): Promise<HttpResponse>;
  /** Whether it is a request's hash that decides who serves it. */
  readonly hashes?: boolean;
  readonly breaker: RetryBreaker;
  /** For routes with high priority; absent: they share the other. */
  readonly highBreaker?: RetryBreaker;
  readonly stats: {
    /** What the client is told in the end. */
    readonly answered: StatusCount;
    /** Answers that give way to another try. */
    readonly retried: StatusCount;
    readonly timeouts: Counter;
    readonly perTryTimeouts: Counter;
    readonly perTryIdleTimeouts: Counter;
    readonly retries: Counter;
    readonly retryBackoffs: Counter;
    /** Back-offs that upstream asked for. */
    readonly retryAskedBackoffs: Counter;
    readonly retrySuccess: Counter;
    readonly retryOverflow: Counter;
    readonly retryLimitExceeded: Counter;
    /** Bodies that grew too large to be sent again. */
    readonly retriesAbandoned: Counter;
  };
}

/** Stays the same object for one name; `current` is undefined while no such cluster runs. */
export interface UpstreamSlot {
  readonly name: string;
  readonly current: UpstreamCluster | undefined;
}
