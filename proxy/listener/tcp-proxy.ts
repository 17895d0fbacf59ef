/** Opaque connections, copied both ways. Which cluster: by name, or by weight. */
import { ConfigError, inField, refuseUnsupported } from '#api/config-error.ts';
import { durationMs } from '#api/units.ts';
import type { TcpProxy } from '#envoy';
import type { Counter } from '#system/metrics.ts';
import type { Connection } from '#system/network.ts';
import type { System } from '#system/system.ts';
import type { Hash64 } from '#system/xxh64.ts';
import { joinTunnel, type TunnelEnd } from '../codec/upgrade.ts';
import type { StreamObserver } from '../http/connection-manager.ts';
import { StreamError } from '../http/stream-error.ts';
import type { Attempt, DownstreamConnection, StreamInfo } from '../http/stream-info.ts';
import { StreamRecord } from '../http/stream-record.ts';
import { compileTcpHash, type HashConnection } from './tcp-hash.ts';
import { type TcpNumbers, tcpNumbers } from './tcp-numbers.ts';

/** Serves one connection from its first byte; owns it. */
export type ServeTcp = (connection: Connection, downstream: DownstreamConnection) => void;

/** A connection to a host, and which one. */
export interface Dialled {
  readonly connection: Connection;
  /** `address:port` */
  readonly host: string;
  /** Of the cluster. */
  readonly stats: { readonly received: Counter; readonly sent: Counter };
}

/** hash: what clusters that hash go by. signal: the client has left. */
interface Dialling {
  readonly hash: Hash64 | undefined;
  readonly signal: AbortSignal;
}

/**
 * A way to a cluster's host. Rejects with StreamError: NC no such cluster, UH no host, UO no room, UF no connection; its text says why.
 * UO that was not sent: too many wait for that host, so that another attempt may fare better.
 */
export type DialCluster = (cluster: string, downstream: DownstreamConnection, how: Dialling) => Promise<Dialled>;

/** Asked before anybody upstream hears of a connection. Undefined: it may go on; otherwise why not, as connection termination details. */
export type ConnectionGuard = (stream: StreamInfo) => string | undefined;

/** What a TCP proxy stands on. */
export interface TcpRooms {
  readonly system: System;
  readonly dial: DialCluster;
  /** Told when all attempts for a connection failed. */
  readonly exhausted?: (cluster: string) => void;
  /** Access logs. */
  readonly observers: readonly StreamObserver[];
  readonly nextExchangeId: () => number;
  /** In the order they are asked. */
  readonly guards?: readonly ConnectionGuard[];
}

interface Plan {
  readonly pick: () => string;
  readonly attempts: number;
  /** 0 = never. */
  readonly idleMs: number;
  /** 0 = as long as it likes. */
  readonly maxMs: number;
  readonly numbers: TcpNumbers;
  readonly hash: HashConnection | undefined;
}

const HOUR_MS = 3_600_000;
const NOTHING_MOVED = { fromNear: 0, fromFar: 0 };

/** Throws ConfigError for what is not supported. */
export const compileTcpProxy = (config: TcpProxy, rooms: TcpRooms): ServeTcp => {
  refuseUnsupported(config, {
    read: [
      'statPrefix',
      'clusterSpecifier',
      'maxConnectAttempts',
      'idleTimeout',
      'maxDownstreamConnectionDuration',
      'accessLog',
      'hashPolicy',
    ],
  });
  if (config.maxConnectAttempts === 0) throw new ConfigError('max_connect_attempts', 'must be at least 1');
  const maxMs = durationMs(config.maxDownstreamConnectionDuration);
  if (maxMs !== undefined && maxMs < 1) throw new ConfigError('max_downstream_connection_duration', 'must be at least 0.001s');
  const plan: Plan = {
    pick: clusterPicker(config, rooms.system),
    attempts: config.maxConnectAttempts ?? 1,
    idleMs: durationMs(config.idleTimeout) ?? HOUR_MS,
    maxMs: maxMs ?? 0,
    numbers: tcpNumbers(rooms.system.metrics, config.statPrefix),
    hash: compileTcpHash(config),
  };
  return (connection, downstream) => void new TcpSession(plan, rooms, connection, downstream).run();
};

/** LIVING STATE of one connection. */
class TcpSession {
  readonly #plan: Plan;
  readonly #rooms: TcpRooms;
  readonly #near: Connection;
  readonly #record: StreamRecord;
  #far: Connection | undefined;
  #cancelIdle: () => void = () => {};
  #cancelEnd: () => void = () => {};
  #movedAtMs = 0;

  constructor(plan: Plan, rooms: TcpRooms, near: Connection, downstream: DownstreamConnection) {
    const { clock } = rooms.system;
    this.#plan = plan;
    this.#rooms = rooms;
    this.#near = near;
    this.#record = new StreamRecord(rooms.nextExchangeId(), downstream, clock.nowMs(), clock.wallTimeMs());
    this.#record.clusterName = plan.pick();
    near.on('error', () => {});
  }

  async run(): Promise<void> {
    const { numbers, maxMs } = this.#plan;
    numbers.connections.value++;
    if (this.#isRefused()) {
      this.#near.destroy();
      this.#finish(NOTHING_MOVED);
      return;
    }
    if (maxMs > 0) this.#cancelEnd = this.#rooms.system.clock.after(maxMs, () => this.#tooLong());
    const dialled = await this.#dial();
    if (!dialled) {
      this.#leave();
      this.#finish(NOTHING_MOVED);
      return;
    }
    const far = dialled.connection;
    this.#far = far;
    if (this.#near.destroyed) {
      far.destroy();
      this.#finish(NOTHING_MOVED);
      return;
    }
    this.#watchIdle();
    const done = (end: TunnelEnd): void => {
      if (end.reset && end.first === 'far') this.#record.flags.add('UR');
      this.#finish(end);
    };
    joinTunnel(this.#near, far, done, this.#movedBy(dialled.stats));
  }

  /** What the client sent and nobody read is lost: it learns that from a reset, as from a system that drops unread bytes. */
  #leave(): void {
    if (this.#near.readableLength > 0) this.#near.resetAndDestroy();
    else this.#near.destroy();
  }

  #cut(): void {
    this.#near.destroy();
    this.#far?.destroy();
  }

  #tooLong(): void {
    this.#plan.numbers.tooLong.value++;
    this.#record.flags.add('DT');
    this.#cut();
  }

  /** The record then says why. */
  #isRefused(): boolean {
    for (const guard of this.#rooms.guards ?? []) {
      const why = guard(this.#record);
      if (why === undefined) continue;
      this.#record.terminationDetails = why;
      return true;
    }
    return false;
  }

  /** Undefined when no attempt succeeded; the record then says why. */
  async #dial(): Promise<Dialled | undefined> {
    const gone = new AbortController();
    const left = (): void => {
      // A deadline has its own word.
      if (!this.#record.flags.has('DT')) this.#record.flags.add('DC');
      gone.abort();
    };
    this.#near.once('close', left);
    try {
      for (let attempt = 0; attempt < this.#plan.attempts; attempt++) {
        if (gone.signal.aborted) return undefined;
        const dialled = await this.#attempt(gone.signal);
        if (dialled !== 'failed') return dialled;
      }
      if (gone.signal.aborted) return undefined;
      this.#record.flags.add('URX');
      this.#rooms.exhausted?.(this.#record.clusterName);
      return undefined;
    } finally {
      this.#near.off('close', left);
    }
  }

  /** Undefined: another attempt would not help. */
  async #attempt(signal: AbortSignal): Promise<Dialled | 'failed' | undefined> {
    const record = this.#record;
    const tried: Attempt = { cluster: record.clusterName, startedAtMs: this.#rooms.system.clock.nowMs() };
    try {
      const hash = this.#plan.hash?.(record.downstream);
      const dialled = await this.#rooms.dial(record.clusterName, record.downstream, { hash, signal });
      const { connection, host } = dialled;
      record.attempts.push({ ...tried, host, local: connection.local, ...(connection.tls && { tls: connection.tls }) });
      return dialled;
    } catch (error) {
      if (signal.aborted) return undefined;
      if (!(error instanceof StreamError)) throw error;
      // Who only waited for a host has no word for it, and may try another.
      const isCounted = error.flag === 'UF' || error.unsent;
      if (isCounted) record.attempts.push(tried);
      if (!error.unsent) record.flags.add(error.flag);
      if (error.flag === 'UF') record.upstreamFailure = error.text.replaceAll(' ', '_');
      return isCounted ? 'failed' : undefined;
    }
  }

  #movedBy({ received, sent }: Dialled['stats']): (from: TunnelEnd['first'], bytes: number) => void {
    const { numbers } = this.#plan;
    const { clock } = this.#rooms.system;
    return (from, bytes) => {
      this.#movedAtMs = clock.nowMs();
      const [into, out] = from === 'near' ? [numbers.received, sent] : [received, numbers.sent];
      into.value += bytes;
      out.value += bytes;
    };
  }

  #watchIdle(): void {
    const { idleMs, numbers } = this.#plan;
    if (idleMs === 0) return;
    const { clock } = this.#rooms.system;
    this.#movedAtMs = clock.nowMs();
    const look = (): void => {
      const left = this.#movedAtMs + idleMs - clock.nowMs();
      if (left > 0) {
        this.#cancelIdle = clock.after(left, look);
        return;
      }
      numbers.idle.value++;
      this.#cut();
    };
    this.#cancelIdle = clock.after(idleMs, look);
  }

  #finish({ fromNear, fromFar }: Pick<TunnelEnd, 'fromNear' | 'fromFar'>): void {
    const record = this.#record;
    this.#cancelIdle();
    this.#cancelEnd();
    const durationMs = this.#rooms.system.clock.nowMs() - record.startedAtMs;
    const end = { status: 0, bytesReceived: fromNear, bytesSent: fromFar, durationMs };
    record.finishWith(end);
    for (const observer of this.#rooms.observers) observer({ request: undefined, response: undefined, stream: record, end, opaque: true });
  }
}

const clusterPicker = (config: TcpProxy, system: System): (() => string) => {
  const chosen = config.clusterSpecifier;
  if (!chosen) throw new ConfigError('cluster', 'is missing');
  if (chosen.$case === 'cluster') return () => chosen.value;
  const { clusters } = chosen.value;
  for (const [index, cluster] of clusters.entries())
    inField(`weighted_clusters.clusters[${index}]`, () => {
      refuseUnsupported(cluster, { read: ['name', 'weight'] });
      if (cluster.name === '') throw new ConfigError('name', 'must not be empty');
      if (cluster.weight < 1) throw new ConfigError('weight', 'must be at least 1');
    });
  const total = clusters.reduce((sum, { weight }) => sum + weight, 0);
  if (total <= 0) throw new ConfigError('weighted_clusters', 'the weights must add up to more than 0');
  const random = system.random.stream(`split:tcp/${config.statPrefix}`);
  return () => {
    let left = random.float() * total;
    for (const { name, weight } of clusters) {
      left -= weight;
      if (left < 0) return name;
    }
    return clusters[0]?.name ?? '';
  };
};
