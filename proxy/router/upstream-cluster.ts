/** A cluster as the router sees it. It is found through a slot at request time, so that routes outlive the clusters they name. */
import type { Counter } from '#system/metrics.ts';
import type { HttpRequest, HttpResponse } from '../http/message.ts';
import type { StreamInfo } from '../http/stream-info.ts';

/** What a route asks of the pick. repicks: how often to pick again when a host was tried already; 0 = never. */
export interface HostChoice {
  readonly repicks: number;
}

interface StatusCount {
  count(status: number): void;
}

/** A running cluster: one try at a time, and the room that its retries have. */
export interface UpstreamCluster {
  send(request: HttpRequest, stream: StreamInfo, choice: HostChoice): Promise<HttpResponse>;
  readonly breaker: { retries: number; readonly mayRetry: boolean };
  readonly stats: {
    /** What the client is told in the end. */
    readonly answered: StatusCount;
    /** Answers that give way to another try. */
    readonly retried: StatusCount;
    readonly timeouts: Counter;
    readonly perTryTimeouts: Counter;
    readonly retries: Counter;
    readonly retryBackoffs: Counter;
    readonly retrySuccess: Counter;
    readonly retryOverflow: Counter;
    readonly retryLimitExceeded: Counter;
  };
}

/** Stays the same object for one name; `current` is undefined while no such cluster runs. */
export interface UpstreamSlot {
  readonly name: string;
  readonly current: UpstreamCluster | undefined;
}
