/** The admin pages' view over the living rooms, which it knows by shape only. */
import { type MetricEntry, MetricRegistry } from '#system/metric-registry.ts';
import type { SocketAddress } from '#system/network.ts';
import type { WireTap } from '#system/sockets/wire-tap.ts';
import type { System } from '#system/system.ts';
import { breakersOf, type RunningBreaker } from './breakers.ts';
import { outliersOf, type RunningMonitor, type RunningOutliers, type WatchedCluster } from './outliers.ts';
import type { AdminActions, AdminView, ClusterStatus, ContextStatus, DumpedConfiguration, HostStatus, ServerState } from './view.ts';

/** A host as its room has it. */
interface RunningHost extends Omit<HostStatus, 'priority' | 'locality' | 'successRate' | 'localSuccessRate'> {
  readonly key: string;
  readonly outlier: RunningMonitor | undefined;
}

/** A cluster as its room has it. */
export interface RunningCluster {
  readonly name: string;
  readonly config: {
    readonly discovery: { readonly kind: string; readonly serviceName?: string };
    readonly statName: string;
    readonly limits: ClusterStatus['limits'];
    readonly highLimits: ClusterStatus['limits'];
    readonly watch: { readonly panicPercent: number };
  };
  readonly outliers: RunningOutliers | undefined;
  readonly breaker: RunningBreaker;
  readonly highBreaker: RunningBreaker;
  readonly hosts: ReadonlyMap<string, RunningHost>;
  readonly priorities: readonly (readonly { readonly hosts: readonly { readonly key: string }[] }[])[];
}

/** Localities of a cluster's endpoints, as configured. */
export interface ConfiguredEndpoints {
  readonly priorities: readonly (readonly { readonly locality: string; readonly endpoints: readonly { readonly key: string }[] }[])[];
}

/** What only the process around the proxy can do; a simulated proxy has none. */
export interface ProcessHost {
  /** Flags as envoy.admin.v3.CommandLineOptions names them. */
  options(): Readonly<Record<string, unknown>>;
  memory(): { readonly allocated: number; readonly heapSize: number; readonly total: number };
  /** Throws with a complaint on an unknown word; returns the level now. */
  logging(level: string | undefined): string;
  /** Absent: the clock is the machine's. Puts it forward; returns how far it is ahead, milliseconds. */
  readonly shiftClock?: (ms: number) => number;
  /** Absent: nobody may look at what goes over the wire. */
  readonly tap?: Pick<WireTap, 'arm' | 'connections'>;
  quit(): void;
}

/** What the view is made from. */
export interface RunningParts {
  readonly system: System;
  readonly host: ProcessHost | undefined;
  node(): Readonly<Record<string, unknown>>;
  state(): ServerState;
  clusters(): readonly RunningCluster[];
  isStaticCluster(name: string): boolean;
  endpointsOf(cluster: string): ConfiguredEndpoints | undefined;
  listeners(): readonly { readonly compiled: { readonly name: string }; readonly addresses: readonly SocketAddress[] }[];
  certificates(): readonly ContextStatus[];
  configuration(): DumpedConfiguration;
  drainListeners: AdminActions['drainListeners'];
  failHealthChecks: AdminActions['failHealthChecks'];
  /** Makes further requests open new connections to hosts. */
  renewConnections(): void;
}

/** Envoy's form: revision/version/state of the tree/build/TLS library. */
const VERSION = 'dinghy/0.1.0/Clean/RELEASE/none';

/** Uptime counts from this call. */
export const runningView = (parts: RunningParts): AdminView => {
  const { system, host } = parts;
  const startedAtMs = system.clock.nowMs();
  return {
    node: parts.node,
    version: VERSION,
    options: () => host?.options() ?? {},
    state: parts.state,
    metrics: () => metricsOf(system),
    listeners: () =>
      parts.listeners().map(({ compiled, addresses }) => ({
        name: compiled.name,
        addresses: addresses.map(({ address, port }) => `${address}:${port}`),
      })),
    clusters: () => parts.clusters().map((cluster) => statusOf(cluster, parts)),
    outliers: () => outliersOf(parts.clusters().flatMap(watchedOf), system.clock),
    breakers: () => parts.clusters().map(({ name, breaker, highBreaker }) => breakersOf(name, breaker, highBreaker)),
    certificates: parts.certificates,
    wallTimeMs: () => system.clock.wallTimeMs(),
    configuration: parts.configuration,
    tapped: () => host?.tap?.connections,
    uptimeMs: () => system.clock.nowMs() - startedAtMs,
    memory: () => host?.memory() ?? { allocated: 0, heapSize: 0, total: 0 },
    actions: {
      resetCounters: () => {
        if (system.metrics instanceof MetricRegistry) system.metrics.reset();
      },
      logging: (level) => host?.logging(level) ?? 'off',
      shiftClock: (ms) => {
        if (!host?.shiftClock) throw new Error('this clock cannot be put forward: start with --virtual-clock');
        return host.shiftClock(ms);
      },
      armTap: (connections, ports) => {
        if (!host?.tap) throw new Error('there is no tap: start with --wire-tap');
        host.tap.arm(connections, ports);
        // A connection that was open before cannot be shown from its first byte.
        if (connections > 0) parts.renewConnections();
      },
      quit: () => host?.quit(),
      drainListeners: parts.drainListeners,
      failHealthChecks: parts.failHealthChecks,
    },
  };
};

const watchedOf = ({ name, config, outliers, hosts }: RunningCluster): WatchedCluster[] =>
  outliers ? [{ name, outliers, panicPercent: config.watch.panicPercent, hosts: hosts.values() }] : [];

const metricsOf = ({ metrics }: System): readonly MetricEntry[] => (metrics instanceof MetricRegistry ? metrics.entries() : []);

const statusOf = (cluster: RunningCluster, parts: RunningParts): ClusterStatus => {
  const { discovery, limits, highLimits, statName } = cluster.config;
  const localities = new Map<string, string>();
  for (const group of parts.endpointsOf(cluster.name)?.priorities.flat() ?? [])
    for (const endpoint of group.endpoints) localities.set(endpoint.key, group.locality);
  const priorities = new Map<string, number>();
  for (const [priority, groups] of cluster.priorities.entries())
    for (const { hosts } of groups) for (const { key } of hosts) priorities.set(key, priority);
  return {
    name: cluster.name,
    statName,
    addedViaApi: !parts.isStaticCluster(cluster.name),
    ...(discovery.kind === 'eds' && { edsServiceName: discovery.serviceName ?? cluster.name }),
    ...(cluster.outliers && { rates: cluster.outliers.averages }),
    // A retry budget has no fixed limit: Envoy shows what it is now.
    limits: { ...limits, maxRetries: cluster.breaker.retryLimit },
    highLimits: { ...highLimits, maxRetries: cluster.highBreaker.retryLimit },
    hosts: [...cluster.hosts.values()].map((host) => hostStatus(host, priorities.get(host.key) ?? 0, localities.get(host.key) ?? '')),
  };
};

const hostStatus = (host: RunningHost, priority: number, locality: string): HostStatus => ({
  address: host.address,
  port: host.port,
  hostname: host.hostname,
  configuredHealth: host.configuredHealth,
  marks: host.marks,
  successRate: host.outlier?.external.rate ?? -1,
  localSuccessRate: host.outlier?.local.rate ?? -1,
  weight: host.weight,
  priority,
  locality,
  connections: host.connections,
  openedConnections: host.openedConnections,
  connectFailures: host.connectFailures,
  activeRequests: host.activeRequests,
  pendingRequests: host.pendingRequests,
  requests: host.requests,
  successes: host.successes,
  errors: host.errors,
  timeouts: host.timeouts,
});
