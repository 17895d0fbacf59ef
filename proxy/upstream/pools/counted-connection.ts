/** LIVING STATE: one connection's part in the numbers of its breaker, cluster and host, from the dial to its end. */
import type { Counter } from '#system/metrics.ts';
import { ConnectError } from '#system/network.ts';
import type { PoolHost, PoolRoom } from './pool.ts';

/** Who ended a connection, and whether an exchange was cut by it. */
export interface ConnectionEnd {
  readonly by: 'local' | 'remote';
  readonly isBusy: boolean;
}

const isTimeout = (cause: unknown): boolean => cause instanceof ConnectError && (cause.reason === 'timeout' || cause.reason === 'aborted');

/** Counts in Envoy's order: a dial is a connection already. */
export class CountedConnection {
  readonly #room: PoolRoom;
  readonly #host: PoolHost;
  readonly #dialledAtMs: number;
  #isOver = false;

  /** ofProtocol: counts the connections that speak what this one will. */
  constructor(room: PoolRoom, host: PoolHost, ofProtocol?: Counter) {
    const { breaker, stats, system } = room;
    this.#room = room;
    this.#host = host;
    this.#dialledAtMs = system.clock.nowMs();
    breaker.connections++;
    stats.connections.value++;
    stats.activeConnections.value++;
    if (ofProtocol) ofProtocol.value++;
    host.openedConnections++;
    host.connections++;
  }

  opened(): void {
    this.#room.stats.connectTime.observe(this.#ageMs);
  }

  /** cause: what the dial ended with. */
  failed(cause: unknown): void {
    const { stats } = this.#room;
    stats.connectFailures.value++;
    this.#host.connectFailures++;
    if (cause instanceof ConnectError && cause.reason === 'timeout') stats.connectTimeouts.value++;
    this.ended({ by: isTimeout(cause) ? 'local' : 'remote', isBusy: false });
  }

  /** Counts once. */
  ended({ by, isBusy }: ConnectionEnd): void {
    if (this.#isOver) return;
    this.#isOver = true;
    const { breaker, stats } = this.#room;
    breaker.connections--;
    stats.activeConnections.value--;
    this.#host.connections--;
    stats.destroyed.value++;
    const own = by === 'local' ? stats.destroyedLocal : stats.destroyedRemote;
    own.value++;
    if (isBusy) {
      stats.destroyedBusy.value++;
      const ownBusy = by === 'local' ? stats.destroyedLocalBusy : stats.destroyedRemoteBusy;
      ownBusy.value++;
    }
    stats.connectionLength.observe(this.#ageMs);
  }

  get #ageMs(): number {
    return Math.round(this.#room.system.clock.nowMs() - this.#dialledAtMs);
  }
}
