/** LIVING STATE: HTTP/2 connections to one host. Many exchanges on each; another is opened when those that are open allow no more. */
import type { Cancel } from '#system/clock.ts';
import { ConnectError, type Connection } from '#system/network.ts';
import { remoteReset } from '../../codec/http2/client-stream.ts';
import { ERROR } from '../../codec/http2/errors.ts';
import { Http2Client } from '../../codec/http2/http2-client.ts';
import type { HttpRequest, HttpResponse } from '../../http/message.ts';
import { StreamError } from '../../http/stream-error.ts';
import { connectFailure } from './connect-failure.ts';
import { type ConnectionEnd, CountedConnection } from './counted-connection.ts';
import { PendingRequests } from './pending-requests.ts';
import { certificateEnd, type Dial, overflow, overLimit, type Pool, type PoolHost, type PoolRoom } from './pool.ts';

interface Pooled {
  readonly client: Http2Client;
  readonly counted: CountedConnection;
  /** See certificateEnd. */
  readonly endsAtMs: number;
  cancelAge: Cancel;
  cancelSilence: Cancel;
  requests: number;
  /** Requests that were served and begin in a turn. */
  promised: number;
  idleSinceMs: number;
}

const nothing = (): void => {};
const noUpgrade = (): StreamError =>
  new StreamError('UPE', {
    text: 'upgrades do not go over HTTP/2 by this proxy',
    codeDetails: 'upstream_upgrade_unsupported',
    unsent: true,
  });
const refusedStream = (): StreamError => remoteReset(ERROR.refusedStream)('before');

/** Grows when streams run out, up to the cluster's limit; shrinks by idleness. */
export class Http2Pool implements Pool {
  readonly #host: PoolHost;
  readonly #room: PoolRoom;
  readonly #dial: Dial;
  readonly #open = new Set<Pooled>();
  readonly #pending: PendingRequests<Pooled>;
  readonly #told = { joined: () => this.#grow(), left: () => this.#tellIfEmpty() };
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
    if (request.upgrade !== undefined) return Promise.reject(noUpgrade());
    const pooled = this.#pending.size > 0 ? undefined : this.#withRoom();
    if (pooled === undefined) return this.#waitAndSend(request, signal);
    if (signal.aborted) return Promise.reject(signal.reason);
    if (!this.#mayBegin) return Promise.reject(this.#overflow());
    this.#lease(pooled);
    return this.#begin(pooled, request, signal);
  }

  async #waitAndSend(request: HttpRequest, signal: AbortSignal): Promise<HttpResponse> {
    const pooled = await this.#pending.wait(signal, this.#told);
    pooled.promised--;
    // What happened in between, in the one turn that it takes.
    const reason = signal.aborted ? signal.reason : pooled.client.roomLeft === 0 ? refusedStream() : undefined;
    if (reason === undefined) return this.#begin(pooled, request, signal);
    this.#exchangeOver(pooled);
    throw reason;
  }

  #withRoom(): Pooled | undefined {
    for (const pooled of this.#open) {
      if (this.#isOver(pooled)) pooled.client.leave();
      else if (this.#roomOn(pooled) > 0) return pooled;
    }
    return undefined;
  }

  #roomOn({ client, promised, requests }: Pooled): number {
    const { maxRequests } = this.#room.options;
    const byStreams = client.roomLeft - promised;
    return maxRequests > 0 ? Math.min(byStreams, maxRequests - requests) : byStreams;
  }

  #isOver({ endsAtMs }: Pooled): boolean {
    return endsAtMs !== Number.POSITIVE_INFINITY && endsAtMs <= this.#room.system.clock.wallTimeMs();
  }

  get #mayBegin(): boolean {
    const { breaker } = this.#room;
    return breaker.requests < breaker.limits.maxRequests;
  }

  #overflow(): StreamError {
    this.#room.stats.activeOverflow.value++;
    this.#room.breaker.refused.requests++;
    return overflow();
  }

  #lease(pooled: Pooled): void {
    const { breaker, stats } = this.#room;
    pooled.requests++;
    breaker.requests++;
    stats.requests.value++;
    stats.activeRequests.value++;
    this.#host.requests++;
    this.#host.activeRequests++;
  }

  #begin(pooled: Pooled, request: HttpRequest, signal: AbortSignal): Promise<HttpResponse> {
    const { stats, options, system } = this.#room;
    let cancelLimit = nothing;
    const stream = pooled.client.open(request, () => {
      cancelLimit();
      this.#exchangeOver(pooled);
    });
    if (options.maxRequests > 0 && pooled.promised === 0 && pooled.requests >= options.maxRequests) {
      stats.connectionsUsedUp.value++;
      pooled.client.leave();
    }
    if (options.maxStreamMs > 0)
      cancelLimit = system.clock.after(options.maxStreamMs, () => {
        stats.streamsTooLong.value++;
        stream.fail(overLimit());
      });
    return stream.begin(signal);
  }

  #exchangeOver(pooled: Pooled): void {
    const { breaker, stats, system } = this.#room;
    breaker.requests--;
    stats.activeRequests.value--;
    this.#host.activeRequests--;
    if (pooled.client.openStreams === 0 && pooled.promised === 0) {
      pooled.idleSinceMs = system.clock.nowMs();
      if (this.#retired && this.#pending.size === 0) pooled.client.leave();
      else this.#sweepLater();
    }
    this.#serveWaiting();
  }

  /** Each connection takes as many as it allows; those beyond need another. */
  #serveWaiting(): void {
    if (this.#pending.size === 0) return;
    for (const pooled of this.#open) {
      while (this.#pending.size > 0 && this.#roomOn(pooled) > 0) {
        if (!this.#mayBegin) {
          this.#pending.refuse(this.#overflow());
          continue;
        }
        this.#lease(pooled);
        pooled.promised++;
        this.#pending.serve(pooled);
      }
    }
    if (this.#pending.size > 0) this.#grow();
  }

  /** Enough for who waits, as far as anybody knows before a host has said what it allows. */
  #grow(): void {
    const { options, stats, breaker } = this.#room;
    if (this.#pending.size <= this.#connecting * options.http2.maxStreams) return;
    if (this.#allowsNothing) return;
    if (!this.#mayConnect) {
      stats.connectionOverflow.value++;
      breaker.refused.connections++;
      if (this.#open.size + this.#connecting > 0) return;
    }
    this.#connecting++;
    // Both ends are handled inside; nobody has to wait for the dial itself.
    void this.#connect(new CountedConnection(this.#room, this.#host, stats.http2Connections));
  }

  /** A host that takes no request on a connection without any takes none on the next: who waits, waits until it says otherwise. */
  get #allowsNothing(): boolean {
    for (const { client, promised } of this.#open) if (client.openStreams + promised === 0 && !client.hasRoom) return true;
    return false;
  }

  get #mayConnect(): boolean {
    const { connections, limits } = this.#room.breaker;
    return connections < limits.maxConnections && this.#host.connections < limits.maxConnectionsPerHost;
  }

  async #connect(counted: CountedConnection): Promise<void> {
    try {
      const connection = await this.#dial();
      counted.opened();
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
    const { maxHeadBytes, maxHeaders, maxDurationMs, http2 } = options;
    const settings = { options: http2, numbers: stats.http2(), clock: system.clock, maxHeaders, maxHeadBytes };
    const client = new Http2Client(
      connection,
      { ...settings, received: stats.received, sent: stats.sent },
      {
        ready: () => this.#ready(pooled),
        roomChanged: () => this.#serveWaiting(),
        leaving: nothing,
        closed: (end) => this.#closed(pooled, end),
      },
    );
    const pooled: Pooled = {
      client,
      counted,
      endsAtMs: certificateEnd(connection, system.clock.wallTimeMs()),
      cancelAge: nothing,
      cancelSilence: nothing,
      requests: 0,
      promised: 0,
      idleSinceMs: system.clock.nowMs(),
    };
    // A host that accepts and says nothing keeps nobody waiting for ever.
    pooled.cancelSilence = system.clock.after(options.connectTimeoutMs, () => {
      const silence = new ConnectError('timeout', 'the host sent no SETTINGS');
      stats.connectTimeouts.value++;
      stats.pendingFailureEject.value += this.#pending.failAll(connectFailure(silence));
      client.close();
    });
    if (maxDurationMs > 0)
      pooled.cancelAge = system.clock.after(maxDurationMs, () => {
        stats.connectionsTooOld.value++;
        client.leave();
      });
  }

  #ready(pooled: Pooled): void {
    pooled.cancelSilence();
    this.#connecting--;
    this.#open.add(pooled);
    this.#serveWaiting();
    if (this.#retired && pooled.promised === 0 && this.#pending.size === 0) pooled.client.leave();
    else this.#sweepLater();
  }

  #closed(pooled: Pooled, { failure, ...end }: ConnectionEnd & { readonly failure: StreamError }): void {
    pooled.cancelAge();
    pooled.cancelSilence();
    if (this.#open.delete(pooled)) this.#room.stats.requestsPerConnection.observe(pooled.requests);
    else {
      this.#connecting--;
      this.#room.stats.pendingFailureEject.value += this.#pending.failAll(failure);
    }
    pooled.counted.ended(end);
    this.#serveWaiting();
    this.#tellIfEmpty();
  }

  retire(): void {
    this.#retired = true;
    this.#cancelSweep?.();
    this.#cancelSweep = undefined;
    if (this.#pending.size > 0) return;
    for (const { client } of [...this.#open]) client.leave();
  }

  #tellIfEmpty(): void {
    if (this.#open.size + this.#connecting + this.#pending.size > 0) return;
    this.#cancelSweep?.();
    this.#cancelSweep = undefined;
    this.#host.emptied(this);
  }

  /** One timer a pool, not one a request: it looks when the longest idle connection is due. */
  #sweepLater(): void {
    const { idleTimeoutMs } = this.#room.options;
    if (idleTimeoutMs === 0 || this.#cancelSweep || this.#retired) return;
    const idle = [...this.#open].filter(({ client }) => client.openStreams === 0);
    if (idle.length === 0) return;
    const { clock } = this.#room.system;
    const due = Math.min(...idle.map(({ idleSinceMs }) => idleSinceMs)) + idleTimeoutMs;
    this.#cancelSweep = clock.after(Math.max(0, due - clock.nowMs()), () => {
      this.#cancelSweep = undefined;
      const before = clock.nowMs() - idleTimeoutMs;
      for (const { client, idleSinceMs } of [...this.#open]) {
        if (client.openStreams > 0 || idleSinceMs > before) continue;
        this.#room.stats.idleTimeouts.value++;
        client.leave();
      }
      this.#sweepLater();
    });
  }
}
