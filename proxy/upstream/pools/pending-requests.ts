/** LIVING STATE: the requests that wait for a connection of one pool, first come first served. */
import { overflow, type PoolHost, type PoolRoom, takenBack } from './pool.ts';

interface Waiter<T> {
  readonly take: (given: T) => void;
  readonly fail: (error: unknown) => void;
}

/** What happens to one that waits. */
interface Told {
  joined(): void;
  /** It gave up, or never waited. */
  left(): void;
}

/** Counts them as the cluster's breaker and statistics want it, whichever way each leaves. */
export class PendingRequests<T> {
  readonly #room: PoolRoom;
  readonly #host: PoolHost;
  readonly #waiters: Waiter<T>[] = [];

  constructor(room: PoolRoom, host: PoolHost) {
    this.#room = room;
    this.#host = host;
  }

  get size(): number {
    return this.#waiters.length;
  }

  /** Rejects with StreamError UO when too many wait already, and with the signal's reason when it aborts. */
  wait(signal: AbortSignal, told: Told): Promise<T> {
    const { breaker, stats } = this.#room;
    if (breaker.pending >= breaker.limits.maxPending) {
      stats.pendingOverflow.value++;
      breaker.refused.pending++;
      told.left();
      return Promise.reject(overflow({ unsent: true }));
    }
    if (signal.aborted) {
      told.left();
      return Promise.reject(takenBack(signal));
    }
    breaker.pending++;
    stats.pendingTotal.value++;
    stats.pendingActive.value++;
    this.#host.pendingRequests++;
    return new Promise((resolve, reject) => {
      const leave = () => {
        breaker.pending--;
        stats.pendingActive.value--;
        this.#host.pendingRequests--;
        signal.removeEventListener('abort', abort);
      };
      const waiter: Waiter<T> = {
        take: (given) => {
          leave();
          resolve(given);
        },
        fail: (error) => {
          leave();
          reject(error);
        },
      };
      const abort = () => {
        this.#waiters.splice(this.#waiters.indexOf(waiter), 1);
        stats.cancelled.value++;
        waiter.fail(takenBack(signal));
        told.left();
      };
      signal.addEventListener('abort', abort, { once: true });
      this.#waiters.push(waiter);
      told.joined();
    });
  }

  /** Gives something to whoever waits longest. False when nobody does. */
  serve(given: T): boolean {
    const waiter = this.#waiters.shift();
    waiter?.take(given);
    return waiter !== undefined;
  }

  /** Whoever waits longest fails. */
  refuse(error: unknown): void {
    this.#waiters.shift()?.fail(error);
  }

  /** Everybody fails; gives how many that were. */
  failAll(error: unknown): number {
    const waiting = this.#waiters.splice(0);
    for (const waiter of waiting) waiter.fail(error);
    return waiting.length;
  }
}
