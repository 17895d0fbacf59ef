/** Cluster → what a running cluster needs to know. Generated messages end here. Source: config.cluster.v3.Cluster. */

import { ConfigError, inField, refuseUnsupported } from '#api/config-error.ts';
import { refuseUnlessAds } from '#api/config-source.ts';
import type { Cluster, Duration } from '#envoy';
import type { BalancerPolicy } from './balancers/policies.ts';
import { compileLimits, type LimitsByPriority } from './breakers/compile-limits.ts';
import { type ConnectionOptions, compileConnectionOptions } from './compile-connection-options.ts';
import { compileEndpoints, type Endpoints } from './compile-endpoints.ts';
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
  readonly balancer: BalancerPolicy;
  /** 0…1; below this share of healthy hosts health is ignored; 0 = never. */
  readonly panicShare: number;
  readonly localityWeighted: boolean;
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
const POLICY = { roundRobin: 0, leastRequest: 1, random: 3, clusterProvided: 6 } as const;
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
  'dnsLookupFamily',
  'lbConfig',
  'commonLbConfig',
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
  const endpoints = assignment ? inField('load_assignment', () => compileEndpoints(assignment)) : { priorities: [], overprovisioning: 1.4 };
  if (type === DISCOVERY.static) return { kind: 'static', endpoints };
  const family = DNS_FAMILIES[cluster.dnsLookupFamily];
  if (family === undefined) throw new ConfigError('dns_lookup_family', `unknown value ${cluster.dnsLookupFamily}`);
  const refreshMs = durationMs(cluster.dnsRefreshRate) ?? 5000;
  return { kind: 'strict-dns', endpoints, family, refreshMs, afterFailure: compileFailureRate(cluster, refreshMs) };
};

const lbConfigName = ({ $case }: NonNullable<Cluster['lbConfig']>): string =>
  $case.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

const compileChoices = (cluster: Cluster): number => {
  if (cluster.lbConfig === undefined) return 2;
  if (cluster.lbConfig.$case !== 'leastRequestLbConfig') throw new ConfigError(lbConfigName(cluster.lbConfig), 'does not fit lb_policy');
  const config = cluster.lbConfig.value;
  inField('least_request_lb_config', () => refuseUnsupported(config, { read: ['choiceCount'] }));
  const choices = config.choiceCount ?? 2;
  if (choices < 2) throw new ConfigError('least_request_lb_config.choice_count', 'must be at least 2');
  return choices;
};

const compileBalancer = (cluster: Cluster, discovery: Discovery): BalancerPolicy => {
  const policy = cluster.lbPolicy;
  if ((discovery.kind === 'original-dst') !== (policy === POLICY.clusterProvided))
    throw new ConfigError('lb_policy', 'CLUSTER_PROVIDED and type ORIGINAL_DST belong together');
  if (policy === POLICY.leastRequest) return { kind: 'least-request', choices: compileChoices(cluster) };
  if (cluster.lbConfig?.$case === 'roundRobinLbConfig' && policy === POLICY.roundRobin) {
    const config = cluster.lbConfig.value;
    inField('round_robin_lb_config', () => refuseUnsupported(config, { read: [] }));
  } else if (cluster.lbConfig)
    throw new ConfigError(lbConfigName(cluster.lbConfig), 'does not fit lb_policy, or is not supported by this proxy');
  if (policy === POLICY.random) return { kind: 'random' };
  if (policy === POLICY.roundRobin || policy === POLICY.clusterProvided) return { kind: 'round-robin' };
  throw new ConfigError('lb_policy', 'not supported by this proxy');
};

const compileCommonLb = (cluster: Cluster): { panicShare: number; localityWeighted: boolean } => {
  const common = cluster.commonLbConfig;
  if (!common) return { panicShare: 0.5, localityWeighted: false };
  return inField('common_lb_config', () => {
    refuseUnsupported(common, {
      read: ['healthyPanicThreshold', 'localityConfigSpecifier'],
      ignored: ['updateMergeWindow', 'ignoreNewHostsUntilFirstHc'],
    });
    if (common.localityConfigSpecifier?.$case === 'zoneAwareLbConfig')
      throw new ConfigError('zone_aware_lb_config', 'not supported by this proxy');
    const percent = common.healthyPanicThreshold?.value ?? 50;
    if (percent < 0 || percent > 100) throw new ConfigError('healthy_panic_threshold', 'must be between 0 and 100');
    return { panicShare: percent / 100, localityWeighted: common.localityConfigSpecifier !== undefined };
  });
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
    balancer: compileBalancer(cluster, discovery),
    ...compileCommonLb(cluster),
    statName: cluster.altStatName || cluster.name,
    ...compileLimits(cluster.circuitBreakers),
    connections,
    sockets: compileTransportSockets(cluster),
    watch: compileWatch(cluster, connections.wantsHttp2),
  };
};
