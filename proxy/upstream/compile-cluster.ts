/** Cluster → what a running cluster needs to know. Generated messages end here. Source: config.cluster.v3.Cluster. */

import { ConfigError, inField, refuseUnsupported } from '#api/config-error.ts';
import { refuseUnlessAds } from '#api/config-source.ts';
import type { Cluster, Duration } from '#envoy';
import { type Balancing, compileBalancing } from './balancing/compile-balancing.ts';
import { compileLimits, type LimitsByPriority } from './breakers/compile-limits.ts';
import { type ConnectionOptions, compileConnectionOptions } from './compile-connection-options.ts';
import { compileEndpoints, type Endpoints, NO_ENDPOINTS } from './compile-endpoints.ts';
import { compileWatch, type WatchRules } from './health-checks/compile-watch.ts';
import { compileTransportSockets, type TransportSockets } from './transport-sockets.ts';

/** How a cluster learns its endpoints. */
export type Discovery =
  | { readonly kind: 'static'; readonly endpoints: Endpoints }
  | {
      readonly kind: 'strict-dns';
      readonly endpoints: Endpoints;
      readonly refreshMs: number;
      readonly afterFailure: FailureRate;
      readonly family: DnsFamily;
    }
  | { readonly kind: 'eds'; readonly serviceName: string }
  | { readonly kind: 'original-dst' };

/** How long to wait after a failure; milliseconds. */
export interface FailureRate {
  readonly baseMs: number;
  readonly maxMs: number;
}

/** Which addresses of a name are used. */
export type DnsFamily = 'any' | 'v4' | 'v6';

/** A cluster as configured, without the endpoints that EDS brings. Frozen. */
export interface ClusterConfig extends LimitsByPriority {
  readonly name: string;
  readonly discovery: Discovery;
  readonly balancing: Balancing;
  /** Its name in statistics. */
  readonly statName: string;
  readonly connections: ConnectionOptions;
  readonly sockets: TransportSockets;
  readonly watch: WatchRules;
}

/** A cluster that can serve: its configuration and its endpoints. Same object as before when neither changed. */
export interface CompiledCluster {
  readonly config: ClusterConfig;
  /** For EDS: what EDS said; else what the cluster itself says. */
  readonly endpoints: Endpoints;
}

/** Milliseconds of a duration; undefined stays undefined. */
export const durationMs = (duration: Duration | undefined): number | undefined =>
  duration === undefined ? undefined : duration.seconds * 1000 + duration.nanos / 1e6;

const DISCOVERY = { static: 0, strictDns: 1, eds: 3, originalDst: 4 } as const;
const DNS_FAMILIES: Readonly<Record<number, DnsFamily>> = { 0: 'any', 1: 'v4', 2: 'v6', 3: 'any', 4: 'any' };

/** Read here or in the files this one calls. */
const READ = [
  'name',
  'altStatName',
  'clusterDiscoveryType',
  'edsClusterConfig',
  'connectTimeout',
  'lbPolicy',
  'loadAssignment',
  'maxRequestsPerConnection',
  'circuitBreakers',
  'commonHttpProtocolOptions',
  'typedExtensionProtocolOptions',
  'dnsRefreshRate',
  'dnsFailureRefreshRate',
  'httpProtocolOptions',
  'http2ProtocolOptions',
  'dnsLookupFamily',
  'lbConfig',
  'commonLbConfig',
  'lbSubsetConfig',
  'loadBalancingPolicy',
  'transportSocket',
  'transportSocketMatches',
  'upstreamConnectionOptions',
  'outlierDetection',
  'healthChecks',
  'ignoreHealthOnHostRemoval',
] as const satisfies readonly (keyof Cluster)[];

/** No behaviour here: readiness details, buffers that pulled bodies do not have, DNS tuning of Envoy's own resolver: answers here carry no TTL. */
const IGNORED = [
  'metadata',
  'perConnectionBufferLimitBytes',
  'respectDnsTtl',
  'typedDnsResolverConfig',
  'waitForWarmOnInit',
  'cleanupInterval',
  'trackTimeoutBudgets',
  'trackClusterStats',
] as const satisfies readonly (keyof Cluster)[];

const compileEds = (cluster: Cluster): Discovery => {
  const eds = cluster.edsClusterConfig;
  if (!eds) throw new ConfigError('eds_cluster_config', 'is required for an EDS cluster');
  inField('eds_cluster_config', () => {
    refuseUnsupported(eds, { read: ['edsConfig', 'serviceName'] });
    const source = eds.edsConfig;
    if (!source) throw new ConfigError('eds_config', 'is required');
    inField('eds_config', () => refuseUnlessAds(source));
  });
  return { kind: 'eds', serviceName: eds.serviceName === '' ? cluster.name : eds.serviceName };
};

/** A resolver that fails is asked again after a random part of a time that doubles up to a ceiling. */
const compileFailureRate = ({ dnsFailureRefreshRate: rate }: Cluster, refreshMs: number): FailureRate => {
  if (!rate) return { baseMs: refreshMs, maxMs: refreshMs };
  const baseMs = durationMs(rate.baseInterval) ?? refreshMs;
  const maxMs = durationMs(rate.maxInterval) ?? baseMs * 10;
  if (maxMs < baseMs) throw new ConfigError('dns_failure_refresh_rate.max_interval', 'must be at least the base_interval');
  return { baseMs, maxMs };
};

const compileDiscovery = (cluster: Cluster): Discovery => {
  if (cluster.clusterDiscoveryType?.$case === 'clusterType') throw new ConfigError('cluster_type', 'not supported by this proxy');
  const type = cluster.clusterDiscoveryType?.value ?? DISCOVERY.static;
  if (type === DISCOVERY.eds) return compileEds(cluster);
  if (cluster.edsClusterConfig) throw new ConfigError('eds_cluster_config', 'cannot be set in a non-EDS cluster');
  if (type === DISCOVERY.originalDst) {
    if (cluster.loadAssignment) throw new ConfigError('load_assignment', 'cannot be set in an ORIGINAL_DST cluster');
    return { kind: 'original-dst' };
  }
  if (type !== DISCOVERY.static && type !== DISCOVERY.strictDns) throw new ConfigError('type', 'not supported by this proxy');
  const assignment = cluster.loadAssignment;
  const endpoints = assignment ? inField('load_assignment', () => compileEndpoints(assignment)) : NO_ENDPOINTS;
  if (type === DISCOVERY.static) return { kind: 'static', endpoints };
  const family = DNS_FAMILIES[cluster.dnsLookupFamily];
  if (family === undefined) throw new ConfigError('dns_lookup_family', `unknown value ${cluster.dnsLookupFamily}`);
  const refreshMs = durationMs(cluster.dnsRefreshRate) ?? 5000;
  return { kind: 'strict-dns', endpoints, family, refreshMs, afterFailure: compileFailureRate(cluster, refreshMs) };
};

/** Throws ConfigError with a path relative to the cluster. */
export const compileCluster = (cluster: Cluster): ClusterConfig => {
  refuseUnsupported(cluster, { read: READ, ignored: IGNORED });
  if (cluster.name === '') throw new ConfigError('name', 'must not be empty');
  const discovery = compileDiscovery(cluster);
  const connections = compileConnectionOptions(cluster);
  return {
    name: cluster.name,
    discovery,
    balancing: compileBalancing(cluster, discovery.kind),
    statName: cluster.altStatName || cluster.name,
    ...compileLimits(cluster.circuitBreakers),
    connections,
    sockets: compileTransportSockets(cluster),
    watch: compileWatch(cluster, connections.protocol === 'http2'),
  };
};
