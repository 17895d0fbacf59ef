/** LIVING STATE: HTTP/1.1 connections to one host. One exchange per connection at a time; the most recently used idle one goes first. */
import type { Cancel } from '#system/clock.ts';
import type { Connection } from '#system/network.ts';
import { type ClientEnd, Http1Client } from '../../codec/http1-client.ts';
import type { HttpRequest, HttpResponse } from '../../http/message.ts';
import type { StreamError } from '../../http/stream-error.ts';
import { connectFailure } from './connect-failure.ts';
import { CountedConnection } from './counted-connection.ts';
import { PendingRequests } from './pending-requests.ts';
import { certificateEnd, type Dial, overflow, overLimit, type Pool, type PoolHost, type PoolRoom } from './pool.ts';

interface Pooled {
  readonly client: Http1Client;
  readonly counted: CountedConnection;
  /** See certificateEnd. */
  readonly endsAtMs: number;
  cancelAge: Cancel;
  cancelLimit: Cancel;
  leased: boolean;
  /** Its last exchange has begun, or it is too old for another. */
  drains: boolean;
  requests: number;
  idleSinceMs: number;
}

const nothing = (): void => {};

/** Envoy's cap on dials that one event may cause. */
const DIALS_AT_ONCE = 3;

/** Grows by need up to the cluster's limit; shrinks by idleness. */
export class Http1Pool implements Pool {
  readonly #host: PoolHost;
  readonly #room: PoolRoom;
  readonly #dial: Dial;
  readonly #idle: Pooled[] = [];
  readonly #pending: PendingRequests<Pooled>;
  readonly #told = { joined: () => this.#grow(), left: () => this.#tellIfEmpty() };
  #open = 0;
  #connecting = 0;
  #retired = false;
  #cancelSweep: Cancel | undefined;

  constructor(host: PoolHost, room: PoolRoom, dial: Dial) {
    this.#host = host;
    this.#room = room;
    this.#dial = dial;
    this.#pending = new PendingRequests(room, host);
  }

  send(request: HttpRequest, signal: AbortSignal): Promise<HttpResponse> {
    const pooled = this.#takeIdle();
    if (pooled === undefined) return this.#waitAndSend(request, signal);
    if (signal.aborted || !this.#mayBegin()) {
      this.#idle.push(pooled);
      return Promise.reject(signal.aborted ? signal.reason : this.#overflow());
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
    const pooled = await this.#pending.wait(signal, this.#told);
    if (signal.aborted) {
      this.#released(pooled);
      throw signal.reason;
    }
    return pooled.client.send(request, signal);
  }

  /** Asked when there is a connection to begin on: until then nobody knows how many will be under way. */
  #mayBegin(): boolean {
    const { breaker } = this.#room;
    if (breaker.requests >= breaker.limits.maxRequests) return false;
    return true;
  }

  #overflow(): StreamError {
    this.#room.stats.activeOverflow.value++;
    this.#room.breaker.refused.requests++;
    return overflow();
  }

  /** One dial for each waiter that no dial under way will serve. A pool without any connection may always have one. */
  #grow(): void {
    for (let dials = 0; dials < DIALS_AT_ONCE && this.#connecting < this.#pending.size; dials++) {
      const mayConnect = this.#mayConnect();
      if (!mayConnect) {
        this.#room.stats.connectionOverflow.value++;
        this.#room.breaker.refused.connections++;
        if (this.#open + this.#connecting > 0) return;
      }
      this.#connecting++;
      // Both ends are handled inside; nobody has to wait for the dial itself.
      void this.#connect(new CountedConnection(this.#room, this.#host, this.#room.stats.http1Connections));
      if (!mayConnect) return;
    }
  }

  #mayConnect(): boolean {
    const { connections, limits } = this.#room.breaker;
    return connections < limits.maxConnections && this.#host.connections < limits.maxConnectionsPerHost;
  }

  async #connect(counted: CountedConnection): Promise<void> {
    try {
      const connection = await this.#dial();
      this.#connecting--;
      this.#opened(connection, counted);
    } catch (cause) {
      this.#connecting--;
      counted.failed(cause);
      // With the first failed dial, so that retries can look elsewhere at once. (Envoy does the same.)
      this.#room.stats.pendingFailureEject.value += this.#pending.failAll(connectFailure(cause));
      this.#tellIfEmpty();
    }
  }

  #opened(connection: Connection, counted: CountedConnection): void {
    const { options, stats, system } = this.#room;
    const { maxHeadBytes, maxHeaders, maxDurationMs } = options;
    const client = new Http1Client(connection, { maxHeadBytes, maxHeaders, received: stats.received, sent: stats.sent });
    const pooled: Pooled = {
      client,
      counted,
      endsAtMs: certificateEnd(connection, system.clock.wallTimeMs()),
      cancelAge: nothing,
      cancelLimit: nothing,
      leased: false,
      drains: false,
      requests: 0,
      idleSinceMs: 0,
    };
    if (maxDurationMs > 0) pooled.cancelAge = system.clock.after(maxDurationMs, () => this.#aged(pooled));
    this.#open++;
    counted.opened();
    client.onIdle(() => this.#released(pooled));
    client.onClosed((end) => this.#closed(pooled, end));
    this.#offer(pooled);
  }

  /** What it is doing is not cut. */
  #aged(pooled: Pooled): void {
    if (pooled.drains) return;
    pooled.drains = true;
    this.#room.stats.connectionsTooOld.value++;
    if (!pooled.leased) pooled.client.close();
  }

  #lease(pooled: Pooled): void {
    const { breaker, stats, options, system } = this.#room;
    pooled.leased = true;
    pooled.requests++;
    breaker.requests++;
    stats.requests.value++;
    stats.activeRequests.value++;
    this.#host.requests++;
    this.#host.activeRequests++;
    if (options.maxRequests > 0 && !pooled.drains && pooled.requests >= options.maxRequests) {
      pooled.drains = true;
      stats.connectionsUsedUp.value++;
    }
    if (options.maxStreamMs > 0) pooled.cancelLimit = system.clock.after(options.maxStreamMs, () => this.#cut(pooled));
  }

  #cut({ client }: Pooled): void {
    this.#room.stats.streamsTooLong.value++;
    client.abort(overLimit());
  }

  #unlease(pooled: Pooled): void {
    if (!pooled.leased) return;
    const { breaker, stats } = this.#room;
    pooled.leased = false;
    pooled.cancelLimit();
    breaker.requests--;
    stats.activeRequests.value--;
    this.#host.activeRequests--;
  }

  #released(pooled: Pooled): void {
    this.#unlease(pooled);
    // It may have ended between being given away and being given back.
    if (pooled.client.closed) return;
    if (pooled.drains || this.#isOver(pooled) || (this.#retired && this.#pending.size === 0)) pooled.client.close();
    else this.#offer(pooled);
  }

  /** To whoever waits longest, else it is idle. */
  #offer(pooled: Pooled): void {
    while (this.#pending.size > 0) {
      if (!this.#mayBegin()) {
        this.#pending.refuse(this.#overflow());
        continue;
      }
      this.#lease(pooled);
      this.#pending.serve(pooled);
      this.#grow();
      return;
    }
    if (this.#retired) {
      pooled.client.close();
      return;
    }
    pooled.idleSinceMs = this.#room.system.clock.nowMs();
    this.#idle.push(pooled);
    this.#sweepLater();
  }

  #closed(pooled: Pooled, end: ClientEnd): void {
    this.#unlease(pooled);
    pooled.cancelAge();
    const at = this.#idle.indexOf(pooled);
    if (at >= 0) this.#idle.splice(at, 1);
    this.#open--;
    this.#room.stats.requestsPerConnection.observe(pooled.requests);
    pooled.counted.ended(end);
    this.#grow();
    this.#tellIfEmpty();
  }

  #tellIfEmpty(): void {
    if (this.#open + this.#connecting + this.#pending.size > 0) return;
    this.#cancelSweep?.();
    this.#cancelSweep = undefined;
    this.#host.emptied(this);
  }

  /** One timer a pool, not one a request: it looks when the longest idle connection is due. */
  #sweepLater(): void {
    const { idleTimeoutMs } = this.#room.options;
    const [oldest] = this.#idle;
    if (idleTimeoutMs === 0 || this.#cancelSweep || !oldest) return;
    const { clock } = this.#room.system;
    this.#cancelSweep = clock.after(Math.max(0, oldest.idleSinceMs + idleTimeoutMs - clock.nowMs()), () => {
      this.#cancelSweep = undefined;
      const nowMs = clock.nowMs();
      for (const { client } of this.#idle.filter(({ idleSinceMs }) => idleSinceMs + idleTimeoutMs <= nowMs)) {
        this.#room.stats.idleTimeouts.value++;
        client.close();
      }
      this.#sweepLater();
    });
  }
}
