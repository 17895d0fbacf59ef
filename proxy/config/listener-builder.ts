/** Listeners and the routes of their connection managers. A listener is compiled once; its route tables change around it, slot by slot. */
import { ConfigError, inField } from '#api/config-error.ts';
import { refuseUnlessAds } from '#api/config-source.ts';
import type { AccessLog, FilterChain, HttpConnectionManager, Listener, RetryPolicy, RouteConfiguration, TcpProxy } from '#envoy';
import type { SocketAddress } from '#system/network.ts';
import type { System } from '#system/system.ts';
import type { FilterRoom } from '../filters/filter-type.ts';
import { compileNetworkRbac } from '../filters/rbac/network.ts';
import { refuseUnknownOverrides } from '../filters/registry.ts';
import { compileConnectionManager } from '../http/compile-connection-manager.ts';
import type { RouteTable, RouteTableSlot } from '../http/connection-manager.ts';
import type { ServeHttp } from '../http/serve.ts';
import { StreamError } from '../http/stream-error.ts';
import { type CompiledListener, compileListener } from '../listener/compile-listener.ts';
import { compileRefusals, type TellRefused } from '../listener/refused.ts';
import { type ConnectionGuard, compileTcpProxy, type DialCluster, type ServeTcp } from '../listener/tcp-proxy.ts';
import type { RetryRules } from '../router/compile-retry.ts';
import { compileRoutes, type RoutesPlan } from '../routing/compile-routes.ts';
import { buildRouteTable } from '../routing/route-table.ts';
import { compileAccessLogs } from '../telemetry/access-log.ts';
import { requestMetrics } from '../telemetry/request-metrics.ts';
import { type TlsRoom, tlsRoom } from '../tls/live-context.ts';
import type { SecretRef, SecretStore } from '../tls/secret-store.ts';
import { compileServerTls } from '../tls/server-context.ts';
import { secretsOfListener } from '../tls/used-secrets.ts';
import type { Cluster } from '../upstream/cluster.ts';
import type { ClusterManager } from '../upstream/cluster-manager.ts';
import { transportFailure } from '../upstream/pools/connect-failure.ts';
import { attempt, needSecrets, remember, type Work } from './build-work.ts';
import { HttpWalk, retryRulesOf } from './compose-routes.ts';
import type { ResourceSet } from './resource-set.ts';
import type { ProxySnapshot } from './snapshot.ts';

/** The living rooms that compiled things are tied to. */
export interface BuildRooms {
  readonly system: System;
  /** Routes find their clusters here, at request time, by a slot that outlives every configuration. */
  readonly clusters: ClusterManager;
  /** Listeners and clusters whose secrets are not in it are warming. */
  readonly secrets: SecretStore;
  /** Contexts that listeners share with clusters; absent where nobody looks at them. */
  readonly tls?: TlsRoom;
}

const NOWHERE: SocketAddress = { address: '0.0.0.0', port: 0 };

type RouteSource = { readonly kind: 'inline'; readonly config: RouteConfiguration } | { readonly kind: 'rds'; readonly name: string };

/** One connection manager of a compiled listener, and where its routes come from. */
interface Manager {
  readonly slot: RouteTableSlot;
  readonly walk: HttpWalk;
  readonly source: RouteSource;
  built: { readonly plan: RoutesPlan; readonly table: RouteTable } | undefined;
  /** The last table whose clusters were all known, where that matters. */
  passed: RouteTable | undefined;
}

interface ListenerEntry {
  readonly compiled: CompiledListener;
  readonly managers: readonly Manager[];
  readonly secrets: readonly SecretRef[];
  /** Where each manager stands, in their order. */
  readonly places: readonly string[];
}

const routeSourceOf = (config: HttpConnectionManager): RouteSource => {
  const specifier = config.routeSpecifier;
  if (specifier?.$case === 'routeConfig') return { kind: 'inline', config: specifier.value };
  if (specifier?.$case !== 'rds') throw new ConfigError('route_specifier', 'only rds and route_config are supported');
  const source = specifier.value.configSource;
  if (!source) throw new ConfigError('rds.config_source', 'is required');
  inField('rds.config_source', () => refuseUnlessAds(source));
  if (specifier.value.routeConfigName === '') throw new ConfigError('rds.route_config_name', 'must not be empty');
  return { kind: 'rds', name: specifier.value.routeConfigName };
};

const refuseOverrides = ({ typedPerFilterConfig, virtualHosts }: RouteConfiguration): void => {
  refuseUnknownOverrides(typedPerFilterConfig);
  for (const [index, host] of virtualHosts.entries())
    inField(`virtual_hosts[${index}]`, () => {
      refuseUnknownOverrides(host.typedPerFilterConfig);
      for (const [at, route] of host.routes.entries()) inField(`routes[${at}]`, () => refuseUnknownOverrides(route.typedPerFilterConfig));
    });
};

const HCM = '/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager';

/** In the order in which a listener is compiled: its chains, then the default one. */
const managerPlaces = ({ filterChains, defaultFilterChain }: Listener): string[] => {
  const within = (chain: FilterChain, path: string): string[] =>
    chain.filters.flatMap(({ configType }, index) =>
      configType?.$case === 'typedConfig' && configType.value.typeUrl.endsWith(HCM) ? [`${path}.filters[${index}].typed_config`] : [],
    );
  const chains = filterChains.flatMap((chain, index) => within(chain, `filter_chains[${index}]`));
  return defaultFilterChain ? [...chains, ...within(defaultFilterChain, 'default_filter_chain')] : chains;
};

const refuseUnknownClusters = ({ hosts }: RoutesPlan, known: ReadonlyMap<string, unknown>): void => {
  for (const { action, path } of hosts.flatMap(({ routes }) => routes)) {
    if (action.kind === 'answer') continue;
    const unknown = [...action.forward.targets, ...action.forward.mirrors].find(({ cluster }) => !known.has(cluster));
    if (unknown) throw new ConfigError(`${path}.route`, `unknown cluster '${unknown.cluster}'`);
  }
};

/** Part of the snapshot builder: everything behind LDS and RDS. */
export class ListenerBuilder {
  readonly #rooms: BuildRooms;
  readonly #entries = new WeakMap<Listener, ListenerEntry>();
  readonly #plans = new WeakMap<RouteConfiguration, RoutesPlan>();
  readonly #retryRules = new WeakMap<RetryPolicy, RetryRules>();
  readonly #tls: TlsRoom;
  #lastExchangeId = 0;

  constructor(rooms: BuildRooms) {
    this.#rooms = rooms;
    this.#tls = rooms.tls ?? tlsRoom(rooms.system, rooms.secrets);
  }

  /** Throws ConfigError. */
  check(resource: Listener): void {
    this.#entry(resource);
  }

  /** Throws ConfigError for what is wrong whatever listener uses the routes. */
  checkRoutes(resource: RouteConfiguration): void {
    for (const { routes } of this.#plan(resource).hosts)
      for (const route of routes) if (route.action.kind === 'forward') retryRulesOf(this.#retryRules, route, route.action.forward);
  }

  /** A listener goes into the result when all its routes are here; and its secrets; until then the previous one stays. */
  build(resources: ResourceSet, previous: ProxySnapshot, work: Work): Pick<ProxySnapshot, 'listeners' | 'routeTables'> {
    const listeners = new Map<string, CompiledListener>();
    const routeTables = new Map<RouteTableSlot, RouteTable>();
    for (const resource of resources.lds.values()) {
      const { name } = resource;
      const entry = attempt(work, { kind: 'lds', name }, () => this.#entry(resource));
      const tables = entry && this.#tables(entry, resources, work, name);
      const isComplete = needSecrets(work, entry?.secrets ?? [], (ref) => this.#rooms.secrets.has(ref));
      if (entry && tables && isComplete) {
        listeners.set(name, entry.compiled);
        for (const [slot, table] of tables) routeTables.set(slot, table);
        continue;
      }
      const before = previous.listeners.get(name);
      if (before) listeners.set(name, before);
    }
    return { listeners, routeTables };
  }

  /** Undefined while one of them is missing. A table that cannot be built leaves its slot as it is, if that was ever filled. */
  #tables(entry: ListenerEntry, resources: ResourceSet, work: Work, listener: string): Map<RouteTableSlot, RouteTable> | undefined {
    const tables = new Map<RouteTableSlot, RouteTable>();
    let complete = true;
    for (const [index, manager] of entry.managers.entries()) {
      const config = this.#configOf(manager, resources, work);
      const key =
        manager.source.kind === 'rds' ? ({ kind: 'rds', name: manager.source.name } as const) : ({ kind: 'lds', name: listener } as const);
      const table =
        config &&
        (attempt(work, key, () => this.#passing(manager, config, { resources, place: entry.places[index] ?? '' })) ?? manager.passed);
      if (table) tables.set(manager.slot, table);
      else complete = false;
    }
    return complete ? tables : undefined;
  }

  #configOf({ source }: Manager, resources: ResourceSet, work: Work): RouteConfiguration | undefined {
    if (source.kind === 'inline') return source.config;
    work.wanted.rds.add(source.name);
    const config = resources.rds.get(source.name);
    if (config === undefined && !work.missing.some(({ kind, name }) => kind === 'rds' && name === source.name))
      work.missing.push({ kind: 'rds', name: source.name });
    return config;
  }

  #plan(config: RouteConfiguration): RoutesPlan {
    return remember(this.#plans, config, () => {
      refuseOverrides(config);
      return compileRoutes(config, this.#rooms.system.random);
    });
  }

  #table(manager: Manager, config: RouteConfiguration): RouteTable {
    const plan = this.#plan(config);
    if (manager.built?.plan !== plan) manager.built = { plan, table: buildRouteTable(plan, manager.walk) };
    return manager.built.table;
  }

  /** Routes that stand in a listener must lead to clusters that are there; others only when they say so, since clusters may come later. */
  #passing(manager: Manager, config: RouteConfiguration, at: { readonly resources: ResourceSet; readonly place: string }): RouteTable {
    const table = this.#table(manager, config);
    if (table === manager.passed) return table;
    const check = () => refuseUnknownClusters(this.#plan(config), at.resources.cds);
    if (manager.source.kind === 'inline' && config.validateClusters !== false) inField(`${at.place}.route_config`, check);
    else if (config.validateClusters) check();
    manager.passed = table;
    return table;
  }

  #entry(resource: Listener): ListenerEntry {
    return remember(this.#entries, resource, () => {
      const managers: Manager[] = [];
      const compiled = compileListener(resource, {
        httpConnectionManager: (config, path) => this.#manager(config, path, managers),
        tcpProxy: (config, path, guards) => this.#tcp(config, path, guards),
        networkRbac: (config, path) => inField(path, () => compileNetworkRbac(config, this.#rooms.system.metrics)),
        downstreamTls: (config, behind) => compileServerTls(config, this.#tls, behind),
        refusals: (logs) => this.#refusals(logs),
      });
      return { compiled, managers, places: managerPlaces(resource), secrets: secretsOfListener(resource) };
    });
  }

  #manager(config: HttpConnectionManager, path: string, managers: Manager[]): ServeHttp {
    const { system, clusters } = this.#rooms;
    const { walk, source, logs } = inField(path, () => ({
      walk: new HttpWalk(config, { system, slot: (name) => clusters.slot(name), dial: this.#dialBeside }, this.#retryRules),
      source: routeSourceOf(config),
      logs: inField('access_log', () => compileAccessLogs(config.accessLog, system)),
    }));
    const slot: RouteTableSlot = { current: buildRouteTable({ name: '', hosts: [], find: () => undefined }, walk) };
    const manager: Manager = { slot, walk, source, built: undefined, passed: undefined };
    // Here, so that what is wrong in them is told with the whole path.
    if (source.kind === 'inline') inField(path, () => inField('route_config', () => this.#table(manager, source.config)));
    managers.push(manager);
    const observer = requestMetrics(system.metrics, config.statPrefix, logs);
    return compileConnectionManager(config, path, { system, routes: slot, observer, nextExchangeId: () => ++this.#lastExchangeId });
  }

  #refusals(logs: readonly AccessLog[]): TellRefused {
    const { system } = this.#rooms;
    const writers = (own: readonly AccessLog[]) => compileAccessLogs(own, system);
    return compileRefusals(logs, { system, writers, nextExchangeId: () => ++this.#lastExchangeId });
  }

  #tcp(config: TcpProxy, path: string, guards: readonly ConnectionGuard[]): ServeTcp {
    const { system } = this.#rooms;
    return inField(path, () => {
      const observers = inField('access_log', () => compileAccessLogs(config.accessLog, system));
      return compileTcpProxy(config, {
        system,
        observers,
        dial: this.#dial,
        exhausted: this.#exhausted,
        nextExchangeId: () => ++this.#lastExchangeId,
        guards,
      });
    });
  }

  /** For filters, which ask somebody of their own, wherever the client meant to go. */
  readonly #dialBeside: FilterRoom['dial'] = async (name, signal) => {
    const opened = await this.#cluster(name).connect(NOWHERE, { signal }).catch(unconnected);
    if (!opened) throw new StreamError('UH', { codeDetails: 'no_healthy_upstream' });
    return opened.connection;
  };

  readonly #dial: DialCluster = async (name, downstream, { hash, signal }) => {
    const cluster = this.#cluster(name);
    const opened = await cluster.connectForBytes(downstream.local, { hash, signal }).catch(unconnected);
    if (!opened) throw new StreamError('UH', { codeDetails: 'no_healthy_upstream' });
    return { connection: opened.connection, host: opened.host.key, stats: cluster.stats };
  };

  readonly #exhausted = (name: string): void => {
    const cluster = this.#rooms.clusters.slot(name).current;
    if (cluster) cluster.stats.connectAttemptsExceeded.value++;
  };

  #cluster(name: string): Cluster {
    const cluster = this.#rooms.clusters.slot(name).current;
    if (!cluster) throw new StreamError('NC', { codeDetails: 'cluster_not_found' });
    return cluster;
  }
}

const unconnected = (cause: unknown): never => {
  if (cause instanceof StreamError) throw cause;
  throw new StreamError('UF', { text: transportFailure(cause), codeDetails: 'upstream_connect_failed', cause });
};
