/** LIVING STATE: HTTP/1.1 connections to one host. One exchange per connection at a time; the most recently used idle one goes first. */
import type { Cancel } from '#system/clock.ts';
import { ConnectError, type Connection } from '#system/network.ts';
import { Http1Client } from '../../codec/http1-client.ts';
import type { HttpRequest, HttpResponse } from '../../http/message.ts';
import type { StreamError } from '../../http/stream-error.ts';
import { connectFailure } from './connect-failure.ts';
import { type Dial, overflow, type Pool, type PoolHost, type PoolRoom, takenBack } from './pool.ts';

/** Envoy's limit for a response head. */
const MAX_HEAD_BYTES = 80 * 1024;

interface Pooled {
  readonly client: Http1Client;
  readonly openedAtMs: number;
  /** Wall time at which the first certificate of either end is over: an identity that ended is not used any longer, whatever is still open. */
  readonly endsAtMs: number;
  leased: boolean;
  requests: number;
  idleSinceMs: number;
}

/** A certificate that was over from the start was nothing to believe in: where peers are not verified, nobody minds. */
const endOf = ({ tls }: Connection, nowMs: number): number => {
  const ends = [tls?.local, tls?.peer].flatMap((facts) => (facts && facts.notAfterMs > nowMs ? [facts.notAfterMs] : []));
  return Math.min(Number.POSITIVE_INFINITY, ...ends);
};

interface Waiter {
  readonly take: (pooled: Pooled) => void;
  readonly fail: (error: unknown) => void;
}

/** Grows by need up to the cluster's limit; shrinks by idleness. */
export class Http1Pool implements Pool {
  readonly #host: PoolHost;
  readonly #room: PoolRoom;
  readonly #dial: Dial;
  readonly #idle: Pooled[] = [];
  readonly #waiters: Waiter[] = [];
  #open = 0;
  #connecting = 0;
  #retired = false;
  #cancelSweep: Cancel | undefined;

  constructor(host: PoolHost, room: PoolRoom, dial: Dial) {
    this.#host = host;
    this.#room = room;
    this.#dial = dial;
  }

  send(request: HttpRequest, signal: AbortSignal): Promise<HttpResponse> {
    const pooled = this.#takeIdle();
    if (pooled === undefined) return this.#waitAndSend(request, signal);
    const { breaker } = this.#room;
    if (breaker.requests >= breaker.limits.maxRequests) {
      this.#idle.push(pooled);
      return Promise.reject(overflow());
    }
    if (signal.aborted) {
      this.#idle.push(pooled);
      return Promise.reject(signal.reason);
    }
    this.#lease(pooled);
    return pooled.client.send(request, signal);
  }

  #takeIdle(): Pooled | undefined {
    for (let pooled = this.#idle.pop(); pooled; pooled = this.#idle.pop()) {
      if (!this.#isOver(pooled)) return pooled;
      pooled.client.close();
    }
    return undefined;
  }

  #isOver({ endsAtMs }: Pooled): boolean {
    return endsAtMs !== Number.POSITIVE_INFINITY && endsAtMs <= this.#room.system.clock.wallTimeMs();
  }

  retire(): void {
    this.#retired = true;
    this.#cancelSweep?.();
    for (const { client } of this.#idle.splice(0)) client.close();
  }

  async #waitAndSend(request: HttpRequest, signal: AbortSignal): Promise<HttpResponse> {
    const pooled = await this.#wait(signal);
    if (signal.aborted) {
      this.#released(pooled);
      throw signal.reason;
    }
    return pooled.client.send(request, signal);
  }

  #wait(signal: AbortSignal): Promise<Pooled> {
    const { breaker, stats } = this.#room;
    if (breaker.requests >= breaker.limits.maxRequests) return Promise.reject(overflow());
    if (breaker.pending >= breaker.limits.maxPending) {
      stats.pendingOverflow.value++;
      return Promise.reject(overflow());
    }
    if (signal.aborted) return Promise.reject(signal.reason);
    breaker.pending++;
    stats.pendingTotal.value++;
    stats.pendingActive.value++;
    return new Promise((resolve, reject) => {
      const leave = () => {
        breaker.pending--;
        stats.pendingActive.value--;
        signal.removeEventListener('abort', abort);
      };
      const waiter: Waiter = {
        take: (pooled) => {
          leave();
          this.#lease(pooled);
          resolve(pooled);
        },
        fail: (error) => {
          leave();
          reject(error);
        },
      };
      const abort = () => {
        const at = this.#waiters.indexOf(waiter);
        if (at >= 0) this.#waiters.splice(at, 1);
        stats.cancelled.value++;
        waiter.fail(takenBack(signal));
      };
      signal.addEventListener('abort', abort, { once: true });
      this.#waiters.push(waiter);
      this.#grow();
    });
  }

  /** One dial for each waiter that no dial under way will serve. A pool without any connection may always have one. */
  #grow(): void {
    const { breaker, stats } = this.#room;
    if (this.#connecting >= this.#waiters.length) return;
    if (breaker.connections >= breaker.limits.maxConnections) {
      stats.connectionOverflow.value++;
      if (this.#open + this.#connecting > 0) return;
    }
    this.#connecting++;
    breaker.connections++;
    stats.connections.value++;
    this.#host.openedConnections++;
    stats.activeConnections.value++;
    // Both ends are handled inside; nobody has to wait for the dial itself.
    void this.#connect();
  }

  async #connect(): Promise<void> {
    const { stats } = this.#room;
    try {
      const connection = await this.#dial();
      this.#connecting--;
      this.#opened(new Http1Client(connection, { maxHeadBytes: MAX_HEAD_BYTES }), endOf(connection, this.#room.system.clock.wallTimeMs()));
    } catch (cause) {
      this.#connecting--;
      this.#forgetConnection();
      stats.connectFailures.value++;
      if (cause instanceof ConnectError && cause.reason === 'timeout') stats.connectTimeouts.value++;
      this.#host.connectFailures++;
      this.#failWaiters(connectFailure(cause));
    }
  }

  /** Everybody who waits fails with the first failed dial, so that retries can look elsewhere at once. (Envoy does the same.) */
  #failWaiters(error: StreamError): void {
    const waiting = this.#waiters.splice(0);
    this.#room.stats.pendingFailureEject.value += waiting.length;
    for (const waiter of waiting) waiter.fail(error);
  }

  #opened(client: Http1Client, endsAtMs: number): void {
    const nowMs = this.#room.system.clock.nowMs();
    const pooled: Pooled = { client, openedAtMs: nowMs, endsAtMs, leased: false, requests: 0, idleSinceMs: nowMs };
    this.#open++;
    this.#host.connections++;
    this.#room.stats.http1Connections.value++;
    client.onIdle(() => this.#released(pooled));
    client.onClosed(() => this.#closed(pooled));
    this.#offer(pooled);
  }

  #lease(pooled: Pooled): void {
    const { breaker, stats } = this.#room;
    pooled.leased = true;
    pooled.requests++;
    breaker.requests++;
    stats.requests.value++;
    stats.activeRequests.value++;
    this.#host.requests++;
    this.#host.activeRequests++;
  }

  #unlease(pooled: Pooled): void {
    if (!pooled.leased) return;
    const { breaker, stats } = this.#room;
    pooled.leased = false;
    breaker.requests--;
    stats.activeRequests.value--;
    this.#host.activeRequests--;
  }

  #released(pooled: Pooled): void {
    this.#unlease(pooled);
    const { options, system } = this.#room;
    const nowMs = system.clock.nowMs();
    const usedUp = options.maxRequests > 0 && pooled.requests >= options.maxRequests;
    const tooOld = options.maxDurationMs > 0 && nowMs - pooled.openedAtMs >= options.maxDurationMs;
    if (usedUp) this.#room.stats.connectionsUsedUp.value++;
    if (usedUp || tooOld || this.#isOver(pooled) || (this.#retired && this.#waiters.length === 0)) {
      pooled.client.close();
      return;
    }
    pooled.idleSinceMs = nowMs;
    this.#offer(pooled);
  }

  #offer(pooled: Pooled): void {
    const waiter = this.#waiters.shift();
    if (waiter) {
      waiter.take(pooled);
      return;
    }
    if (this.#retired) {
      pooled.client.close();
      return;
    }
    this.#idle.push(pooled);
    this.#sweepLater();
  }

  #closed(pooled: Pooled): void {
    this.#unlease(pooled);
    const at = this.#idle.indexOf(pooled);
    if (at >= 0) this.#idle.splice(at, 1);
    this.#open--;
    this.#host.connections--;
    this.#forgetConnection();
    this.#grow();
  }

  #forgetConnection(): void {
    this.#room.breaker.connections--;
    this.#room.stats.activeConnections.value--;
  }

  /** One timer a pool, not one a request: it looks when the longest idle connection may be due. */
  #sweepLater(): void {
    const { idleTimeoutMs } = this.#room.options;
    if (idleTimeoutMs === 0 || this.#cancelSweep) return;
    const { clock } = this.#room.system;
    const due = (this.#idle[0]?.idleSinceMs ?? clock.nowMs()) + idleTimeoutMs;
    this.#cancelSweep = clock.after(Math.max(1, due - clock.nowMs()), () => {
      this.#cancelSweep = undefined;
      const before = clock.nowMs() - idleTimeoutMs;
      for (const { client } of this.#idle.filter(({ idleSinceMs }) => idleSinceMs <= before)) client.close();
      if (this.#idle.length > 0) this.#sweepLater();
    });
  }
}
