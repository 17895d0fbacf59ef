/** Opaque connections, copied both ways. Which cluster: by name, or by weight. */
import { ConfigError, inField, refuseUnsupported } from '#api/config-error.ts';
import type { TcpProxy } from '#envoy';
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
}

/** A way to a cluster's host. Rejects with StreamError: NC no such cluster, UH no host, UF no connection; its text says why. hash: what clusters that hash go by. */
export type DialCluster = (cluster: string, downstream: DownstreamConnection, hash?: Hash64) => Promise<Dialled>;

/** Asked before anybody upstream hears of a connection. Undefined: it may go on; otherwise why not, as connection termination details. */
export type ConnectionGuard = (stream: StreamInfo) => string | undefined;

/** What a TCP proxy stands on. */
export interface TcpRooms {
  readonly system: System;
  readonly dial: DialCluster;
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
  readonly numbers: TcpNumbers;
  readonly hash: HashConnection | undefined;
}

const HOUR_MS = 3_600_000;
const NOTHING_MOVED = { fromNear: 0, fromFar: 0 };

/** Throws ConfigError for what is not supported. */
export const compileTcpProxy = (config: TcpProxy, rooms: TcpRooms): ServeTcp => {
  refuseUnsupported(config, { read: ['statPrefix', 'clusterSpecifier', 'maxConnectAttempts', 'idleTimeout', 'accessLog', 'hashPolicy'] });
  if (config.maxConnectAttempts === 0) throw new ConfigError('max_connect_attempts', 'must be at least 1');
  const idle = config.idleTimeout;
  const plan: Plan = {
    pick: clusterPicker(config, rooms.system),
    attempts: config.maxConnectAttempts ?? 1,
    idleMs: idle ? idle.seconds * 1000 + idle.nanos / 1e6 : HOUR_MS,
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
  #cancelIdle: () => void = () => {};
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
    this.#plan.numbers.connections.value++;
    if (this.#isRefused()) {
      this.#near.destroy();
      this.#finish(NOTHING_MOVED);
      return;
    }
    const far = await this.#dial();
    if (!far) {
      if (this.#record.flags.has('UF')) this.#near.resetAndDestroy();
      else this.#near.destroy();
      this.#finish(NOTHING_MOVED);
      return;
    }
    if (this.#near.destroyed) {
      far.destroy();
      this.#record.flags.add('DC');
      this.#finish(NOTHING_MOVED);
      return;
    }
    this.#watchIdle(far);
    const done = (end: TunnelEnd): void => {
      if (end.reset && end.first === 'far') this.#record.flags.add('UR');
      this.#finish(end);
    };
    joinTunnel(this.#near, far, done, this.#moved);
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
  async #dial(): Promise<Connection | undefined> {
    const record = this.#record;
    for (let left = this.#plan.attempts; left > 0 && !this.#near.destroyed; left--) {
      const tried: Attempt = { cluster: record.clusterName, startedAtMs: this.#rooms.system.clock.nowMs() };
      try {
        const { connection, host } = await this.#rooms.dial(record.clusterName, record.downstream, this.#plan.hash?.(record.downstream));
        record.attempts.push({ ...tried, host, local: connection.local, ...(connection.tls && { tls: connection.tls }) });
        return connection;
      } catch (error) {
        record.attempts.push(tried);
        if (!(error instanceof StreamError)) throw error;
        record.flags.add(error.flag);
        record.upstreamFailure = error.text.replaceAll(' ', '_');
        if (error.flag !== 'UF') return undefined;
      }
    }
    if (!this.#near.destroyed) record.flags.add('URX');
    return undefined;
  }

  readonly #moved = (): void => {
    this.#movedAtMs = this.#rooms.system.clock.nowMs();
  };

  #watchIdle(far: Connection): void {
    const { idleMs, numbers } = this.#plan;
    if (idleMs === 0) return;
    const { clock } = this.#rooms.system;
    this.#moved();
    const look = (): void => {
      const left = idleMs - (clock.nowMs() - this.#movedAtMs);
      if (left > 0) {
        this.#cancelIdle = clock.after(left, look);
        return;
      }
      numbers.idle.value++;
      this.#near.destroy();
      far.destroy();
    };
    this.#cancelIdle = clock.after(idleMs, look);
  }

  #finish({ fromNear, fromFar }: Pick<TunnelEnd, 'fromNear' | 'fromFar'>): void {
    const record = this.#record;
    const { numbers } = this.#plan;
    this.#cancelIdle();
    numbers.received.value += fromNear;
    numbers.sent.value += fromFar;
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
    inField(`weighted_clusters.clusters[${index}]`, () => refuseUnsupported(cluster, { read: ['name', 'weight'] }));
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
