/** Composition root: bootstrap → resources → snapshot → living rooms, kept up to date by the control plane when there is one. */
import type { OpenAdsStream } from '#api/ads-stream.ts';
import { ConfigError } from '#api/config-error.ts';
import type { Kind } from '#api/kinds.ts';
import { type Bootstrap, type DiscoveryResponse, type Node, TrafficDirection } from '#envoy';
import type { BoundListener, SocketAddress } from '#system/network.ts';
import type { System } from '#system/system.ts';
import { AdminHttp } from './admin/admin-http.ts';
import { type ProcessHost, runningView } from './admin/running-view.ts';
import type { AdminView, ServerState } from './admin/view.ts';
import { ArrivingSecrets } from './arriving-secrets.ts';
import { adminAddressOf, checkBootstrap } from './bootstrap.ts';
import { Http1Server } from './codec/http1-server.ts';
import { type BuildResult, SnapshotBuilder } from './config/build-snapshot.ts';
import { ArrivalNotes, dumpResources, MESSAGE_NAMES } from './config/dump-resources.ts';
import { protoJson } from './config/proto-json.ts';
import { EMPTY_RESOURCES, keepOnly, type ResourceOf, type ResourceSet, resourceName, withKind, withSome } from './config/resource-set.ts';
import { type ProxySnapshot, SnapshotHolder } from './config/snapshot.ts';
import { validate } from './config/validate.ts';
import { FILTER_TYPE_URLS } from './filters/registry.ts';
import { type BindFailure, ListenerManager } from './listener/listener-manager.ts';
import { type Identity, ProxySecrets } from './proxy-secrets.ts';
import { dumpSecrets } from './secret-dump.ts';
import { inStatic, type StaticResources, staticResources } from './static-resources.ts';
import { contextsInUse } from './tls/live-context.ts';
import { ClusterManager } from './upstream/cluster-manager.ts';
import { type Accepted, errorText, ResourceGate } from './xds/accept-response.ts';
import { AdsClient } from './xds/ads-client.ts';
import { controlPlaneAddress } from './xds/control-plane-address.ts';
import { ownNode } from './xds/own-node.ts';

export { readBootstrap } from './bootstrap.ts';
export { SnapshotBuilder } from './config/build-snapshot.ts';

/** A proxy that runs. */
export interface RunningProxy {
  /** Absent when the bootstrap wants no admin port. */
  readonly adminAddress?: SocketAddress | undefined;
  readonly snapshot: ProxySnapshot;
  readonly resources: ResourceSet;
  /** True once the first complete configuration is in force. */
  readonly ready: boolean;
  /** Settles when `ready` turns true. */
  readonly whenReady: Promise<void>;
  drain(): Promise<void>;
  close(): Promise<void>;
}

/** What a proxy is given beside its bootstrap. */
export interface ProxyOptions {
  /** Transport to the control plane; gRPC to the bootstrap's ADS cluster when absent. */
  readonly openAds?: OpenAdsStream;
  /** How long open connections may go on after `drain`; Envoy's 600 s when absent. */
  readonly drainTimeMs?: number;
  /** Who this proxy's workload is; it answers what asks the static cluster `sds-grpc` for `default`. Absent: whoever is behind that cluster answers. */
  readonly identity?: Identity;
  /** The process around it; a proxy in a simulated world has none. */
  readonly host?: ProcessHost;
}

/** Kinds that are asked for by name. */
const NAMED = ['eds', 'sds', 'rds'] as const;
const ENVOY_DRAIN_MS = 600_000;
const NODE = 'envoy.config.core.v3.Node';
const BOOTSTRAP = 'envoy.config.bootstrap.v3.Bootstrap';
const INBOUND = TrafficDirection.INBOUND;

/** Starts a proxy; settles when its static configuration is in force. Rejects with ConfigError when that cannot be used. */
export const startProxy = async (bootstrap: Bootstrap, system: System, options: ProxyOptions = {}): Promise<RunningProxy> => {
  checkBootstrap(bootstrap);
  const proxy = new ConfiguredProxy(bootstrap, system, options);
  try {
    await proxy.start();
  } catch (error) {
    await proxy.close();
    throw error;
  }
  return proxy;
};

/** What `startProxy` would refuse before it opens anything, refused here. */
export const validateBootstrap = async (bootstrap: Bootstrap, system: System): Promise<void> => {
  checkBootstrap(bootstrap);
  const proxy = new ConfiguredProxy(bootstrap, system, {});
  try {
    adminAddressOf(bootstrap);
    if (bootstrap.dynamicResources?.adsConfig) controlPlaneAddress(bootstrap);
    proxy.loadStatic();
  } finally {
    await proxy.close();
  }
};

class ConfiguredProxy implements RunningProxy {
  readonly #bootstrap: Bootstrap;
  readonly #node: Node;
  readonly #system: System;
  readonly #options: ProxyOptions;
  readonly #clusters: ClusterManager;
  readonly #listeners: ListenerManager;
  readonly #secrets: ProxySecrets;
  readonly #arriving: ArrivingSecrets;
  readonly #builder: SnapshotBuilder;
  readonly #gate: ResourceGate;
  readonly #holder = new SnapshotHolder();
  readonly #ready = Promise.withResolvers<void>();
  readonly #static: StaticResources;
  #resources: ResourceSet = EMPTY_RESOURCES;
  #ads: AdsClient | undefined;
  readonly #answered = new Set<Kind>();
  #missing = 0;
  #failures: readonly BindFailure[] = [];
  #draining = false;
  #failing = false;
  #closed = false;
  #reconciling: Promise<void> = Promise.resolve();
  readonly #notes: ArrivalNotes;
  #admin: BoundListener | undefined;
  ready = false;

  constructor(bootstrap: Bootstrap, system: System, options: ProxyOptions) {
    this.#bootstrap = bootstrap;
    this.#node = ownNode(bootstrap.node, FILTER_TYPE_URLS);
    this.#system = system;
    this.#options = options;
    this.#secrets = new ProxySecrets(bootstrap, system, { node: this.#node, identity: options.identity });
    this.#secrets.store.onChange(() => this.#secretsChanged());
    this.#arriving = new ArrivingSecrets(this.#secrets.store, system.tls);
    const ejectionLogPath = bootstrap.clusterManager?.outlierDetection?.eventLogPath;
    this.#clusters = new ClusterManager(system, this.#secrets.room, ejectionLogPath);
    this.#listeners = new ListenerManager(system);
    this.#secrets.room.users.push(() => this.#listeners.tlsContexts());
    this.#builder = new SnapshotBuilder({ system, clusters: this.#clusters, secrets: this.#secrets.store, tls: this.#secrets.room });
    this.#gate = new ResourceGate((kind, resource) => this.#check(kind, resource));
    this.#notes = new ArrivalNotes(system.clock.wallTimeMs());
    this.#static = staticResources(bootstrap);
  }

  get snapshot(): ProxySnapshot {
    return this.#holder.current;
  }

  get resources(): ResourceSet {
    return this.#resources;
  }

  get whenReady(): Promise<void> {
    return this.#ready.promise;
  }

  get adminAddress(): SocketAddress | undefined {
    return this.#admin?.address;
  }

  async start(): Promise<void> {
    await this.#secrets.tryStatic();
    this.loadStatic();
    await this.#openAdmin();
    const [unbound] = await this.#listeners.reconcile(this.snapshot.listeners);
    if (unbound) throw new ConfigError('', errorText('lds', unbound.listener, String(unbound.error)), { cause: unbound.error });
    if (this.#bootstrap.dynamicResources?.adsConfig || this.#options.openAds) await this.#subscribe();
    else this.#becomeReadyIfComplete();
  }

  /** Throws ConfigError when the bootstrap's resources cannot be used. */
  loadStatic(): void {
    this.#secrets.loadStatic();
    for (const kind of ['cds', 'lds'] as const)
      for (const [name, resource] of this.#static[kind]) inStatic(kind, name, () => this.#check(kind, resource));
    this.#resources = { ...EMPTY_RESOURCES, ...this.#static };
    const [first] = this.#apply().errors;
    if (first) throw new ConfigError('', errorText(first.kind, first.name, first.error.message), { cause: first.error });
  }

  async drain(): Promise<void> {
    this.#draining = true;
    await this.#listeners.drain(this.#drainTimeMs);
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#ads?.close();
    this.#secrets.close();
    await this.#reconciling;
    await this.#admin?.close();
    await this.#listeners.close();
    this.#clusters.close();
  }

  get #drainTimeMs(): number {
    return this.#options.drainTimeMs ?? ENVOY_DRAIN_MS;
  }

  get #state(): ServerState {
    if (!this.ready) return 'INITIALIZING';
    return this.#draining || this.#failing ? 'DRAINING' : 'LIVE';
  }

  async #openAdmin(): Promise<void> {
    const at = adminAddressOf(this.#bootstrap);
    if (!at) return;
    const http = new AdminHttp(this.#adminView());
    let nextId = 1;
    try {
      this.#admin = await this.#system.network.listen(at, (connection) => {
        const { local, remote } = connection;
        new Http1Server(connection, http, { id: nextId++, local, remote }, this.#system.clock);
      });
    } catch (cause) {
      throw new ConfigError('admin.address', String(cause), { cause });
    }
  }

  #adminView(): AdminView {
    return runningView({
      system: this.#system,
      host: this.#options.host,
      node: () => protoJson(this.#node, NODE),
      state: () => this.#state,
      clusters: () => this.#clusters.running(),
      isStaticCluster: (name) => this.#static.cds.has(name),
      endpointsOf: (name) => this.snapshot.clusters.get(name)?.endpoints,
      listeners: () => this.#listeners.listeners(),
      certificates: () => contextsInUse(this.#secrets.room).map(({ shown }) => shown),
      configuration: () => ({
        bootstrap: () => protoJson(this.#bootstrap, BOOTSTRAP),
        startedAtMs: this.#notes.startedAtMs,
        versions: { cds: this.#ads?.version('cds') ?? '', lds: this.#ads?.version('lds') ?? '' },
        ...dumpResources({
          resources: this.#resources,
          snapshot: this.snapshot,
          notes: this.#notes,
          isStatic: (kind, name) => (kind === 'cds' || kind === 'lds') && this.#static[kind].has(name),
        }),
        secrets: dumpSecrets(this.#secrets, { notes: this.#notes, arrived: this.#resources.sds }),
      }),
      drainListeners: (which) => this.#drainListeners(which),
      renewConnections: () => {
        for (const cluster of this.#clusters.running()) cluster.renewConnections();
      },
      failHealthChecks: (failing) => {
        this.#failing = failing;
        this.#listeners.sayGoodbye(failing);
      },
    });
  }

  #drainListeners({ inboundOnly, graceful }: { readonly inboundOnly: boolean; readonly graceful: boolean }): void {
    const chosen = (name: string): boolean => !inboundOnly || this.#resources.lds.get(name)?.trafficDirection === INBOUND;
    const drain = (): void => void this.#listeners.drain(this.#drainTimeMs, chosen);
    if (graceful) {
      this.#listeners.sayGoodbye(true);
      this.#system.clock.after(this.#drainTimeMs, drain);
    } else drain();
  }

  async #subscribe(): Promise<void> {
    const open = this.#options.openAds ?? (await this.#grpcAds());
    this.#ads = new AdsClient({ open, node: this.#node, system: this.#system, take: (kind, response) => this.#take(kind, response) });
    this.#ads.want('cds');
    this.#ads.start();
  }

  /** Loaded here, so that a proxy without a control plane never loads HTTP/2. */
  async #grpcAds(): Promise<OpenAdsStream> {
    const { grpcAdsStream } = await import('./xds/grpc-ads-stream.ts');
    return grpcAdsStream(controlPlaneAddress(this.#bootstrap), this.#system.clock);
  }

  #check<K extends Kind>(kind: K, resource: ResourceOf[K]): void {
    validate(resource, MESSAGE_NAMES[kind]);
    this.#builder.check(kind, resource);
  }

  async #take<K extends Kind>(kind: K, response: DiscoveryResponse): Promise<string> {
    const previous = this.#resources[kind] as ReadonlyMap<string, ResourceOf[K]>;
    const accepted = this.#gate.accept(kind, response.resources, previous);
    const tried = kind === 'sds' ? await this.#arriving.tried(accepted as unknown as Accepted<'sds'>) : accepted;
    const { resources, failed, errors } = tried as Accepted<K>;
    const inForce = this.#resources[kind] as ReadonlyMap<string, ResourceOf[K]>;
    const kept = [...failed].flatMap((name) => inForce.get(name) ?? []);
    this.#resources = this.#merged(kind, [...resources, ...kept]);
    if (kind === 'sds') this.#arriving.put(resources as readonly ResourceOf['sds'][]);
    const broken = this.#apply().errors.filter((error) => error.kind === kind);
    const sent = new Set(resources.map((resource) => resourceName(kind, resource)));
    for (const resource of resources) this.#notes.arrived(resource, response.versionInfo, this.#system.clock.wallTimeMs());
    this.#answered.add(kind);
    await this.#reconcile();
    const unbound = kind === 'lds' ? this.#failures.filter(({ listener }) => sent.has(listener)) : [];
    return [
      ...errors,
      ...broken.filter(({ name }) => sent.has(name)).map(({ name, error }) => errorText(kind, name, error.message)),
      ...unbound.map(({ listener, error }) => errorText('lds', listener, String(error))),
    ].join('\n');
  }

  /** Static resources cannot be replaced or removed by what arrives. */
  #merged<K extends Kind>(kind: K, resources: readonly ResourceOf[K][]): ResourceSet {
    if (kind === 'eds' || kind === 'sds' || kind === 'rds') return withSome(this.#resources, kind, resources);
    const next = withKind(this.#resources, kind, resources);
    return { ...next, [kind]: new Map([...next[kind], ...this.#static[kind as 'cds' | 'lds']] as [string, unknown][]) };
  }

  /** What is complete goes into force now; what still waits for endpoints or routes stays as it was. */
  #apply(): BuildResult {
    const built = this.#builder.build(this.#resources, this.#holder.current);
    for (const kind of NAMED) this.#resources = keepOnly(this.#resources, kind, built.wanted[kind]);
    this.#clusters.reconcile(built.snapshot.clusters);
    for (const [slot, table] of built.snapshot.routeTables) slot.current = table;
    this.#holder.swap(built.snapshot);
    this.#secrets.want(built.secrets);
    for (const kind of NAMED) this.#ads?.want(kind, built.wanted[kind]);
    this.#missing = built.missing.length;
    return built;
  }

  /** One after another, each with the newest snapshot. */
  #reconcile(): Promise<void> {
    // Listeners are asked for once clusters are known, so that no route points at nothing.
    if (this.#answered.has('cds')) this.#ads?.want('lds');
    this.#reconciling = this.#reconciling.then(async () => {
      if (this.#closed) return;
      this.#failures = await this.#listeners.reconcile(this.snapshot.listeners);
      this.#becomeReadyIfComplete();
    });
    return this.#reconciling;
  }

  /** A secret from elsewhere than the ADS stream may be what somebody waited for. */
  #secretsChanged(): void {
    if (this.#missing === 0 || this.#arriving.isPutting || this.#closed) return;
    this.#apply();
    void this.#reconcile();
  }

  #becomeReadyIfComplete(): void {
    const isTold = this.#ads === undefined || this.#answered.has('lds');
    if (this.ready || !isTold || this.#missing > 0) return;
    this.ready = true;
    this.#system.log.info('proxy.ready', { listeners: this.snapshot.listeners.size, clusters: this.snapshot.clusters.size });
    this.#ready.resolve();
  }
}
