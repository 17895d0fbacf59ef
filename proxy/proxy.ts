/** Composition root: bootstrap → resources → snapshot → living rooms, kept up to date by the control plane when there is one. */
import type { OpenAdsStream } from '#api/ads-stream.ts';
import { ConfigError } from '#api/config-error.ts';
import { KINDS, type Kind, TYPE_URLS } from '#api/kinds.ts';
import { type Bootstrap, type Cluster, type DiscoveryResponse, type Listener, Node } from '#envoy';
import type { SocketAddress } from '#system/network.ts';
import type { System } from '#system/system.ts';
import { type BuildResult, SnapshotBuilder } from './config/build-snapshot.ts';
import { EMPTY_RESOURCES, keepOnly, type ResourceOf, type ResourceSet, withKind, withSome } from './config/resource-set.ts';
import { type ProxySnapshot, SnapshotHolder } from './config/snapshot.ts';
import { validate } from './config/validate.ts';
import type { CompiledListener } from './listener/compile-listener.ts';
import { ListenerManager } from './listener/listener-manager.ts';
import { ClusterManager } from './upstream/cluster-manager.ts';
import { errorText, ResourceGate } from './xds/accept-response.ts';
import { AdsClient } from './xds/ads-client.ts';
import { controlPlaneAddress } from './xds/control-plane-address.ts';

export { SnapshotBuilder } from './config/build-snapshot.ts';

/** A proxy that runs. */
export interface RunningProxy {
  readonly adminAddress?: SocketAddress;
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
}

const MESSAGE_NAMES: Readonly<Record<Kind, string>> = Object.fromEntries(
  KINDS.map((kind) => [kind, TYPE_URLS[kind].slice(TYPE_URLS[kind].indexOf('/') + 1)]),
) as Record<Kind, string>;

const ENVOY_DRAIN_MS = 600_000;

/** Starts a proxy; settles when its static configuration is in force. Rejects with ConfigError when that cannot be used. */
export const startProxy = async (bootstrap: Bootstrap, system: System, options: ProxyOptions = {}): Promise<RunningProxy> => {
  const proxy = new ConfiguredProxy(bootstrap, system, options);
  await proxy.start();
  return proxy;
};

class ConfiguredProxy implements RunningProxy {
  readonly #bootstrap: Bootstrap;
  readonly #system: System;
  readonly #options: ProxyOptions;
  readonly #clusters: ClusterManager;
  readonly #listeners: ListenerManager;
  readonly #builder: SnapshotBuilder;
  readonly #gate: ResourceGate;
  readonly #holder = new SnapshotHolder();
  readonly #ready = Promise.withResolvers<void>();
  readonly #static: { readonly cds: ReadonlyMap<string, Cluster>; readonly lds: ReadonlyMap<string, Listener> };
  #resources: ResourceSet = EMPTY_RESOURCES;
  #ads: AdsClient | undefined;
  readonly #answered = new Set<Kind>();
  #missing = 0;
  #closed = false;
  #reconciling: Promise<void> = Promise.resolve();
  ready = false;

  constructor(bootstrap: Bootstrap, system: System, options: ProxyOptions) {
    this.#bootstrap = bootstrap;
    this.#system = system;
    this.#options = options;
    this.#clusters = new ClusterManager(system);
    this.#listeners = new ListenerManager(system);
    this.#builder = new SnapshotBuilder({ system, clusters: this.#clusters });
    this.#gate = new ResourceGate((kind, resource) => this.#check(kind, resource));
    const { clusters = [], listeners = [] } = bootstrap.staticResources ?? {};
    this.#static = {
      cds: new Map(clusters.map((cluster) => [cluster.name, cluster])),
      lds: new Map(listeners.map((listener) => [listener.name, listener])),
    };
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

  async start(): Promise<void> {
    const ads = this.#bootstrap.dynamicResources?.adsConfig;
    for (const kind of ['cds', 'lds'] as const)
      for (const [name, resource] of this.#static[kind]) inStatic(kind, name, () => this.#check(kind, resource));
    this.#resources = { ...EMPTY_RESOURCES, ...this.#static };
    const [first] = this.#apply().errors;
    if (first) throw first.error.within(`static ${first.kind} ${first.name}`);
    const [unbound] = await this.#listeners.reconcile(this.#wantedListeners());
    if (unbound) throw new ConfigError('', errorText('lds', unbound.listener, String(unbound.error)), { cause: unbound.error });
    if (ads || this.#options.openAds) await this.#subscribe();
    else this.#becomeReady();
  }

  async drain(): Promise<void> {
    await this.#listeners.drain(this.#options.drainTimeMs ?? ENVOY_DRAIN_MS);
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#ads?.close();
    await this.#reconciling;
    await this.#listeners.close();
    this.#clusters.close();
  }

  async #subscribe(): Promise<void> {
    const open = this.#options.openAds ?? (await import('./xds/grpc-ads-stream.ts')).grpcAdsStream(controlPlaneAddress(this.#bootstrap));
    const node = { ...(this.#bootstrap.node ?? Node.fromPartial({})), userAgentName: 'dinghy' };
    this.#ads = new AdsClient({ open, node, system: this.#system, take: (kind, response) => this.#take(kind, response) });
    this.#ads.want('cds');
    this.#ads.start();
  }

  #check<K extends Kind>(kind: K, resource: ResourceOf[K]): void {
    validate(resource, MESSAGE_NAMES[kind]);
    this.#builder.check(kind, resource);
  }

  #take<K extends Kind>(kind: K, response: DiscoveryResponse): string {
    const previous = this.#resources[kind] as ReadonlyMap<string, ResourceOf[K]>;
    const { resources, failed, errors } = this.#gate.accept(kind, response.resources, previous);
    const kept = [...failed].flatMap((name) => previous.get(name) ?? []);
    this.#resources = this.#merged(kind, [...resources, ...kept]);
    const broken = this.#apply().errors.filter((error) => error.kind === kind);
    const sent = new Set<unknown>(
      resources.map((resource) => (kind === 'eds' ? (resource as ResourceOf['eds']).clusterName : nameOf(resource))),
    );
    this.#answered.add(kind);
    this.#reconcile();
    return [...errors, ...broken.filter(({ name }) => sent.has(name)).map(({ name, error }) => errorText(kind, name, error.message))].join(
      '\n',
    );
  }

  /** Static resources cannot be replaced or removed by what arrives. */
  #merged<K extends Kind>(kind: K, resources: readonly ResourceOf[K][]): ResourceSet {
    if (kind === 'eds' || kind === 'rds') return withSome(this.#resources, kind, resources);
    const next = withKind(this.#resources, kind, resources);
    return { ...next, [kind]: new Map([...next[kind], ...this.#static[kind as 'cds' | 'lds']] as [string, unknown][]) };
  }

  /** What is complete goes into force now; what still waits for endpoints or routes stays as it was. */
  #apply(): BuildResult {
    const built = this.#builder.build(this.#resources, this.#holder.current);
    this.#resources = keepOnly(keepOnly(this.#resources, 'eds', built.wanted.eds), 'rds', built.wanted.rds);
    this.#clusters.reconcile(built.snapshot.clusters);
    for (const [slot, table] of built.snapshot.routeTables) slot.current = table;
    this.#holder.swap(built.snapshot);
    this.#ads?.want('eds', built.wanted.eds);
    this.#ads?.want('rds', built.wanted.rds);
    this.#missing = built.missing.length;
    return built;
  }

  /** One after another, each with the newest snapshot. */
  #reconcile(): void {
    // Listeners are asked for once clusters are known, so that no route points at nothing.
    if (this.#answered.has('cds')) this.#ads?.want('lds');
    this.#reconciling = this.#reconciling.then(async () => {
      if (this.#closed) return;
      await this.#listeners.reconcile(this.#wantedListeners());
      if (this.#answered.has('lds') && this.#missing === 0) this.#becomeReady();
    });
  }

  #wantedListeners(): ReadonlyMap<string, CompiledListener> {
    return this.snapshot.listeners as ReadonlyMap<string, CompiledListener>;
  }

  #becomeReady(): void {
    if (this.ready) return;
    this.ready = true;
    this.#system.log.info('proxy.ready', { listeners: this.snapshot.listeners.size, clusters: this.snapshot.clusters.size });
    this.#ready.resolve();
  }
}

const nameOf = (resource: object): unknown => ('name' in resource ? resource.name : undefined);

const inStatic = (kind: Kind, name: string, check: () => void): void => {
  try {
    check();
  } catch (error) {
    if (error instanceof ConfigError) throw new ConfigError('', errorText(kind, name, error.message), { cause: error });
    throw error;
  }
};
