/** LIVING STATE: connections to one host of which each belongs to one client, as long as it lasts. */
import type { Connection } from '#system/network.ts';
import { CountedConnection } from './counted-connection.ts';
import { PendingRequests } from './pending-requests.ts';
import type { PoolHost, PoolRoom } from './pool.ts';

/** Dials on behalf of whoever waits longest: an open connection goes to the first of them, a failed dial fails them all, as in Envoy. */
export class BytePool {
  readonly #host: PoolHost;
  readonly #room: PoolRoom;
  readonly #dial: (signal: AbortSignal) => Promise<Connection>;
  readonly #pending: PendingRequests<Connection>;
  /** Of dials under way, oldest first. */
  readonly #dials: AbortController[] = [];
  readonly #told = { joined: () => this.#grow(), left: () => this.#shrink() };
  #open = 0;

  constructor(host: PoolHost, room: PoolRoom, dial: (signal: AbortSignal) => Promise<Connection>) {
    this.#host = host;
    this.#room = room;
    this.#dial = dial;
    this.#pending = new PendingRequests(room, host);
  }

  /** Waits where the host has as many connections as it may have. Rejects with what the dial ended with, and with StreamError UO when too many wait. */
  open(signal: AbortSignal): Promise<Connection> {
    return this.#pending.wait(signal, this.#told);
  }

  #grow(): void {
    const { breaker, stats } = this.#room;
    if (this.#dials.length >= this.#pending.size) return;
    const { connections, limits } = breaker;
    if (connections >= limits.maxConnections || this.#host.connections >= limits.maxConnectionsPerHost) {
      stats.connectionOverflow.value++;
      breaker.refused.connections++;
      if (this.#open + this.#dials.length > 0) return;
    }
    void this.#connect(new CountedConnection(this.#room, this.#host));
  }

  /** Nobody waits for what the youngest dial would bring. */
  #shrink(): void {
    if (this.#dials.length > this.#pending.size) this.#dials.pop()?.abort();
  }

  async #connect(counted: CountedConnection): Promise<void> {
    const controller = new AbortController();
    this.#dials.push(controller);
    const forget = (): void => {
      const at = this.#dials.indexOf(controller);
      if (at >= 0) this.#dials.splice(at, 1);
    };
    try {
      const connection = await this.#dial(controller.signal);
      forget();
      counted.opened();
      this.#give(connection, counted);
    } catch (cause) {
      forget();
      if (controller.signal.aborted) {
        counted.ended({ by: 'local', isBusy: false });
        return;
      }
      counted.failed(cause);
      this.#room.stats.pendingFailureEject.value += this.#pending.failAll(cause);
    }
  }

  #give(connection: Connection, counted: CountedConnection): void {
    const { breaker, stats } = this.#room;
    this.#open++;
    const isWanted = this.#pending.size > 0;
    if (isWanted) {
      breaker.requests++;
      stats.requests.value++;
      stats.activeRequests.value++;
      this.#host.requests++;
      this.#host.activeRequests++;
    }
    let by: 'local' | 'remote' = 'local';
    // Whoever says goodbye last ends it; an error comes from the other side.
    connection.once('end', () => {
      if (connection.writableEnded) by = 'remote';
    });
    connection.once('error', () => {
      by = 'remote';
    });
    connection.once('close', () => {
      this.#open--;
      if (isWanted) {
        breaker.requests--;
        stats.activeRequests.value--;
        this.#host.activeRequests--;
      }
      counted.ended({ by, isBusy: isWanted });
      this.#grow();
    });
    if (isWanted) this.#pending.serve(connection);
    else connection.destroy();
  }
}
