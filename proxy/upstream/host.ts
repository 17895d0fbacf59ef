/** LIVING STATE of one endpoint, found again by (cluster, address) when the configuration changes. */

import type { Connection } from '#system/network.ts';
import { asBytes } from '../http/string-match.ts';
import type { WarmingHost } from './balancing/host-picks.ts';
import type { CheckAt, ConfiguredHealth, EndpointConfig } from './compile-endpoints.ts';
import type { CheckSession } from './health-checks/check-session.ts';
import type { CheckableHost, CheckDial } from './health-checks/health-checker.ts';
import { effectiveHealth, type HealthMarks, noMarks } from './health-checks/health-marks.ts';
import type { Ejectable, OutlierMonitor } from './outlier-detection/outlier-monitor.ts';
import { BytePool } from './pools/byte-pool.ts';
import { HostPools } from './pools/host-pools.ts';
import { Http1Pool } from './pools/http1-pool.ts';
import { Http2Pool } from './pools/http2-pool.ts';
import type { Pool, PoolHost, PoolRoom } from './pools/pool.ts';
import type { SocketLabels } from './transport-sockets.ts';
import type { Transport } from './transports.ts';

/** What a host needs of its cluster. */
export interface HostRoom extends PoolRoom {
  /** The same for requests of routes with high priority, which have limits and connections of their own. */
  readonly highRoom: PoolRoom;
  transportFor(labels: SocketLabels | undefined): Transport;
  /** A host gets other traffic than before. */
  healthChanged(): void;
}

/** Only a text counts. (Envoy 1.40) */
const hashKeyOf = ({ labels }: EndpointConfig): string | undefined => {
  const key = labels?.hash_key;
  return typeof key === 'string' && key !== '' ? asBytes(key) : undefined;
};

/** Before the server name, in the keys of pools that speak HTTP/2. No server name has it. */
const HTTP2_KEY = '\n';

/** A host that may be picked, with its connections and its counts. */
export class Host implements WarmingHost, PoolHost, Ejectable, CheckableHost {
  readonly key: string;
  readonly address: string;
  readonly port: number;
  hostname: string;
  /** `region/zone/sub_zone`; empty when none is said. */
  locality = '';
  labels: EndpointConfig['labels'];
  hashKey: string | undefined;
  healthySinceMs: number | undefined;
  weight: number;
  configuredHealth: ConfiguredHealth;
  /** All that is known together. */
  health: ConfiguredHealth;
  readonly marks: HealthMarks = noMarks();
  /** Where the cluster detects outliers. */
  outlier: OutlierMonitor | undefined;
  /** Where the cluster checks health. */
  check: CheckSession | undefined;
  checkAt: CheckAt | undefined;
  activeRequests = 0;
  connections = 0;
  connectFailures = 0;
  openedConnections = 0;
  pendingRequests = 0;
  requests = 0;
  successes = 0;
  errors = 0;
  timeouts = 0;
  readonly #room: HostRoom;
  #labels: SocketLabels | undefined;
  #transport: Transport;
  #isRetired = false;
  readonly #pools: HostPools;
  #highPools: HostPools | undefined;
  #bytePool: BytePool | undefined;

  constructor(endpoint: EndpointConfig, room: HostRoom) {
    this.key = endpoint.key;
    this.labels = endpoint.labels;
    this.hashKey = hashKeyOf(endpoint);
    this.address = endpoint.address;
    this.port = endpoint.port;
    this.hostname = endpoint.hostname;
    this.weight = endpoint.weight;
    this.configuredHealth = endpoint.health;
    this.health = endpoint.health;
    this.checkAt = endpoint.checkAt;
    this.#room = room;
    this.#labels = endpoint.socketLabels;
    this.#transport = room.transportFor(this.#labels);
    this.#pools = new HostPools(room, this.#makePool);
  }

  /** Connections for requests to this authority; undefined when the cluster has as many pools as it may have. priority: default when absent. */
  poolFor(authority: string, priority: 'high' | undefined, downstream: 'HTTP/2' | undefined): Pool | undefined {
    const { protocol } = this.#room.options;
    const serverName = this.#transport.serverName(authority);
    const key = protocol === 'http1' || (protocol === 'downstream' && !downstream) ? serverName : HTTP2_KEY + serverName;
    if (priority === undefined) return this.#pools.for(key);
    this.#highPools ??= new HostPools(this.#room.highRoom, this.#makePool);
    return this.#highPools.for(key);
  }

  /** A connection for one client's bytes. Rejects with ConnectError or TlsHandshakeError, and with StreamError UO where too many wait. */
  openForBytes(signal: AbortSignal): Promise<Connection> {
    this.#bytePool ??= new BytePool(this, this.#room, (stop) => this.dial('', stop));
    return this.#bytePool.open(signal);
  }

  emptied(pool: Pool): void {
    if (!this.#pools.forget(pool)) this.#highPools?.forget(pool);
  }

  /** Idle connections end now, busy ones with their exchange. */
  retire(): void {
    this.#isRetired = true;
    this.#retirePools();
  }

  /** One connection, secured where the cluster says so. Rejects with ConnectError or TlsHandshakeError; never falls back to plain text. */
  async dial(serverName: string, signal?: AbortSignal): Promise<Connection> {
    const { system, options } = this.#room;
    const startedAtMs = system.clock.nowMs();
    const { connectTimeoutMs: timeoutMs, keepAliveMs } = options;
    const secure = await this.#transport.prepare();
    const connection = await system.network.connect(this, { timeoutMs, keepAliveMs, ...(signal && { signal }) });
    const leftMs = Math.max(1, timeoutMs - (system.clock.nowMs() - startedAtMs));
    return secure(connection, { host: this.key, serverName, timeoutMs: leftMs });
  }

  /** As `dial`, to where checks go. */
  async dialForCheck({ timeoutMs, signal, labels }: CheckDial): Promise<Connection> {
    const { system } = this.#room;
    const startedAtMs = system.clock.nowMs();
    const transport = labels ? this.#room.transportFor(labels) : this.#transport;
    const secure = await transport.prepare();
    const to = { address: this.checkAt?.address ?? this.address, port: this.checkAt?.port ?? this.port };
    const connection = await system.network.connect(to, { timeoutMs, signal });
    const leftMs = Math.max(1, timeoutMs - (system.clock.nowMs() - startedAtMs));
    return secure(connection, { host: this.key, serverName: '', timeoutMs: leftMs });
  }

  /** Whether connections with these labels go under TLS; without labels: its own. */
  isSecureFor(labels: SocketLabels | undefined): boolean {
    return (labels ? this.#room.transportFor(labels) : this.#transport).key !== '';
  }

  /** Looks again which way it is reached; when that is another, new connections go the new way and none that serves is cut. */
  chooseTransport(): void {
    const next = this.#room.transportFor(this.#labels);
    if (next.key !== this.#transport.key) this.#retirePools();
    this.#transport = next;
  }

  /** The next requests open connections of their own; those that are open serve out what they have. */
  renewConnections(): void {
    this.#retirePools();
  }

  /** Says what speaks against it, or does not any longer. */
  mark(mark: keyof HealthMarks, value: boolean): void {
    // A host that passes its checks again warms up anew.
    if (mark === 'failedActiveCheck' && this.marks[mark] && !value) this.healthySinceMs = this.#room.system.clock.nowMs();
    this.marks[mark] = value;
    const health = effectiveHealth(this.configuredHealth, this.marks);
    if (health === this.health) return;
    this.health = health;
    this.#room.healthChanged();
  }

  #retirePools(): void {
    this.#pools.retire();
    this.#highPools?.retire();
  }

  readonly #makePool = (key: string, room: PoolRoom): Pool => {
    const pool = key.startsWith(HTTP2_KEY)
      ? new Http2Pool(this, room, () => this.dial(key.slice(HTTP2_KEY.length)))
      : new Http1Pool(this, room, () => this.dial(key));
    // A request that came before the end is still served, without leaving a connection behind.
    if (this.#isRetired) pool.retire();
    return pool;
  };

  /** What the configuration says now; load and connections stay. */
  update(endpoint: EndpointConfig): void {
    this.labels = endpoint.labels;
    this.hashKey = hashKeyOf(endpoint);
    this.hostname = endpoint.hostname;
    this.weight = endpoint.weight;
    this.configuredHealth = endpoint.health;
    this.health = effectiveHealth(endpoint.health, this.marks);
    this.checkAt = endpoint.checkAt;
    this.#labels = endpoint.socketLabels;
    this.chooseTransport();
  }
}
