/** LIVING STATE of one cluster: its hosts, whom to pick, what is in use. The configuration around it may change at any time. */
import type { System } from '#system/system.ts';
import type { HttpRequest, HttpResponse } from '../http/message.ts';
import type { StreamInfo } from '../http/stream-info.ts';
import type { LiveContext, TlsRoom } from '../tls/live-context.ts';
import { attempt, type HostChoice } from './attempt.ts';
import { HostPicks } from './balancing/host-picks.ts';
import { CircuitBreaker } from './breakers/circuit-breaker.ts';
import { type ClusterStats, clusterStats } from './cluster-stats.ts';
import type { ClusterConfig, CompiledCluster } from './compile-cluster.ts';
import type { ConnectionOptions } from './compile-connection-options.ts';
import { type EndpointConfig, type Endpoints, hostKey } from './compile-endpoints.ts';
import { keepResolving } from './dns-resolution.ts';
import { inPlace } from './health-checks/in-place.ts';
import { Host, type HostRoom } from './host.ts';
import { ANY_HOST, type LocalityHosts, type Wish } from './host-set.ts';
import { HostWatch } from './host-watch.ts';
import { Membership } from './membership.ts';
import type { OutlierDetector } from './outlier-detection/outlier-detector.ts';
import { connectAlone, connectForBytes } from './pools/byte-connections.ts';
import type { PoolRoom } from './pools/pool.ts';
import type { SocketLabels } from './transport-sockets.ts';
import { type Transport, Transports } from './transports.ts';

/** What all clusters share. */
interface ClusterRooms {
  readonly tls: TlsRoom;
  /** Empty: none. */
  readonly ejectionLogPath: string;
}

/** Where the client meant to go. */
interface Destination {
  readonly address: string;
  readonly port: number;
}

/** hash: what balancers that hash go by. */
interface Connecting {
  readonly signal?: AbortSignal | undefined;
  readonly hash?: Wish['hash'];
}

const ORIGINAL_HOSTS_KEPT = 256;

/** All but the breaker is shared. */
const withBreaker = (room: PoolRoom, breaker: CircuitBreaker): PoolRoom => ({
  system: room.system,
  stats: room.stats,
  breaker,
  get options() {
    return room.options;
  },
});

/** A running cluster. */
export class Cluster implements HostRoom {
  readonly system: System;
  readonly stats: ClusterStats;
  readonly breaker: CircuitBreaker;
  /** For routes with high priority. */
  readonly highRoom: PoolRoom;
  readonly #transports: Transports;
  readonly #hosts = new Map<string, Host>();
  readonly #watch: HostWatch;
  #isStale = false;
  #compiled: CompiledCluster;
  #endpoints: Endpoints;
  #priorities: LocalityHosts<Host>[][] = [];
  readonly #picks: HostPicks<Host>;
  readonly #membership: Membership<Host>;
  #resolving: AbortController | undefined;

  constructor(compiled: CompiledCluster, system: System, { tls, ejectionLogPath }: ClusterRooms) {
    this.system = system;
    this.#compiled = compiled;
    this.#endpoints = compiled.endpoints;
    const scope = system.metrics.scope('cluster', compiled.config.statName);
    this.stats = clusterStats(scope);
    this.#membership = new Membership(this.stats);
    this.breaker = new CircuitBreaker(compiled.config.limits);
    this.highRoom = withBreaker(this, new CircuitBreaker(compiled.config.highLimits));
    this.#tellLimits();
    this.#transports = new Transports(compiled.config, { system, tls, scope });
    const hasTraffic = (): boolean => this.stats.connections.value > 0;
    this.#watch = new HostWatch({ system, clusterName: compiled.config.name, scope, hasTraffic, ejectionLogPath });
    this.#picks = new HostPicks(system, {
      clusterName: compiled.config.name,
      scope,
      panicked: () => this.stats.panics.value++,
      activeRequests: () => this.stats.activeRequests.value,
    });
    this.#apply(compiled, undefined);
  }

  get name(): string {
    return this.#compiled.config.name;
  }

  get config(): ClusterConfig {
    return this.#compiled.config;
  }

  get highBreaker(): CircuitBreaker {
    return this.highRoom.breaker;
  }

  /** Connection settings in force. */
  get options(): ConnectionOptions {
    return this.#compiled.config.connections;
  }

  get hosts(): ReadonlyMap<string, Host> {
    return this.#hosts;
  }

  /** Whether it is a request's hash that decides who serves it. */
  get hashes(): boolean {
    return this.#picks.hashes;
  }

  get outliers(): OutlierDetector | undefined {
    return this.#watch.outliers;
  }

  /** Hosts as they are balanced: index = priority. */
  get priorities(): readonly (readonly LocalityHosts<Host>[])[] {
    return this.#priorities;
  }

  /** New configuration or endpoints; hosts with the same address keep their state. */
  update(compiled: CompiledCluster): void {
    if (compiled === this.#compiled) return;
    const before = this.#compiled;
    this.#compiled = compiled;
    this.breaker.limits = compiled.config.limits;
    this.highBreaker.limits = compiled.config.highLimits;
    if (compiled.config !== before.config) this.#tellLimits();
    if (compiled.config !== before.config) this.#transports.configure(compiled.config);
    if (compiled.config.connections.protocol !== before.config.connections.protocol) this.renewConnections();
    this.#apply(compiled, before);
  }

  #tellLimits(): void {
    const scope = this.system.metrics.scope('cluster', this.config.statName);
    this.breaker.tell(scope, 'default');
    this.highBreaker.tell(scope, 'high');
  }

  /** Idle connections end now, busy ones with their exchange. */
  retire(): void {
    this.#resolving?.abort();
    this.#watch.close();
    // Nobody picks here any longer.
    this.#isStale = false;
    for (const host of this.#hosts.values()) host.retire();
    this.#membership.end();
  }

  /** Every further request goes over a connection that is opened after this call. */
  renewConnections(): void {
    for (const host of this.#hosts.values()) host.renewConnections();
  }

  /** What its ways under TLS show and believe. */
  tlsContexts(): LiveContext[] {
    return this.#transports.tlsContexts();
  }

  transportFor(labels: SocketLabels | undefined): Transport {
    return this.#transports.for(labels);
  }

  /** The next pick goes by it. Many changes at once are one. */
  healthChanged(): void {
    if (this.#isStale) return;
    this.#isStale = true;
    queueMicrotask(() => {
      if (!this.#isStale) return;
      // Who was kept for passing its checks leaves with the first that fails.
      const mayLeave = [...this.#hosts.values()].some((host) => host.marks.pendingRemoval && !this.#watch.keeps(host));
      if (mayLeave) this.#rebuild();
      else this.#repick();
    });
  }

  /** One try. Settles with the response head; rejects with StreamError. */
  send(request: HttpRequest, stream: StreamInfo, choice: HostChoice): Promise<HttpResponse> {
    return attempt(this, request, stream, choice);
  }

  /** See connectAlone. */
  connect(destination: Destination, how: Connecting = {}): ReturnType<typeof connectAlone<Host>> {
    return connectAlone(this, this.#hostAt(destination, how.hash), how.signal);
  }

  /** See connectForBytes. */
  connectForBytes(
    destination: Destination,
    { hash, signal }: Connecting & { readonly signal: AbortSignal },
  ): ReturnType<typeof connectForBytes<Host>> {
    return connectForBytes(this, () => this.#hostAt(destination, hash), signal);
  }

  #hostAt(destination: Destination, hash: Connecting['hash']): Host | undefined {
    return this.pick(destination, hash && { ...ANY_HOST, hash });
  }

  /** destination: where the client meant to go; only ORIGINAL_DST clusters look at it. */
  pick(destination: Destination, wish: Wish = ANY_HOST): Host | undefined {
    return this.#compiled.config.discovery.kind === 'original-dst' ? this.#originalHost(destination) : this.#picks.pick(wish);
  }

  #originalHost({ address, port }: Destination): Host {
    const key = hostKey(address, port);
    const known = this.#hosts.get(key);
    if (known) return known;
    if (this.#hosts.size >= ORIGINAL_HOSTS_KEPT) this.#forgetUnusedHosts();
    const host = new Host({ key, address, port, hostname: '', weight: 1, health: 'healthy' }, this);
    this.#hosts.set(key, host);
    this.#watch.begin(host);
    return host;
  }

  #forgetUnusedHosts(): void {
    for (const [key, host] of this.#hosts) {
      if (host.connections > 0 || host.activeRequests > 0) continue;
      this.#hosts.delete(key);
      this.#watch.end(host);
    }
  }

  #apply(compiled: CompiledCluster, before: CompiledCluster | undefined): void {
    const { discovery } = compiled.config;
    for (const host of this.#hosts.values()) host.chooseTransport();
    this.#watch.configure(compiled.config.watch, [...this.#hosts.values()]);
    if (discovery.kind !== 'strict-dns') {
      this.#resolving?.abort();
      this.#resolving = undefined;
      this.#setEndpoints(compiled.endpoints);
      return;
    }
    // Names are no hosts; those found before serve until the new answer.
    if (before === undefined) this.#endpoints = { ...compiled.endpoints, priorities: [] };
    if (compiled.config !== before?.config) this.#resolve(discovery);
    this.#rebuild();
  }

  #resolve(discovery: Extract<ClusterConfig['discovery'], { kind: 'strict-dns' }>): void {
    this.#resolving?.abort();
    this.#resolving = new AbortController();
    keepResolving(discovery, this.system, (endpoints) => this.#setEndpoints(endpoints), this.#resolving.signal);
  }

  #setEndpoints(endpoints: Endpoints): void {
    this.#endpoints = endpoints;
    this.#rebuild();
  }

  #rebuild(): void {
    if (this.#compiled.config.discovery.kind === 'original-dst') return;
    const kept = new Set<string>();
    const before = this.#priorities;
    this.#priorities = this.#endpoints.priorities.map((localities) =>
      localities.map(({ locality, weight, endpoints }) => ({
        locality,
        weight,
        hosts: endpoints.map((endpoint) => this.#hostFor(endpoint, locality, kept)),
      })),
    );
    const staying = new Set<Host>();
    for (const [key, host] of this.#hosts) {
      const isConfigured = kept.has(key);
      const stays = !isConfigured && this.#watch.keeps(host);
      if (host.marks.pendingRemoval !== stays) host.mark('pendingRemoval', stays);
      if (stays) staying.add(host);
      if (isConfigured || stays) continue;
      this.#hosts.delete(key);
      this.#watch.end(host);
      host.retire();
    }
    if (staying.size > 0) this.#priorities = inPlace(this.#priorities, before, staying);
    this.#membership.note(this.#priorities);
    this.#repick();
  }

  #repick(): void {
    this.#isStale = false;
    if (this.#compiled.config.discovery.kind === 'original-dst') return;
    const { overprovisioning, weightedHealth } = this.#endpoints;
    this.#picks.rebuild({ priorities: this.#priorities, overprovisioning, weightedHealth }, this.#compiled.config.balancing);
    this.#membership.countHealth(this.#hosts.values());
  }

  #hostFor(endpoint: EndpointConfig, locality: string, kept: Set<string>): Host {
    kept.add(endpoint.key);
    const known = this.#hosts.get(endpoint.key);
    if (known) {
      known.update(endpoint);
      known.locality = locality;
      return known;
    }
    const host = new Host(endpoint, this);
    host.locality = locality;
    this.#hosts.set(endpoint.key, host);
    this.#watch.begin(host);
    return host;
  }
}
