/** RouteAction → where a request goes, changed how, under which rules. Source: config.route.v3.RouteAction. */
import { ConfigError, inField, refuseUnsupported } from '#api/config-error.ts';
import { durationMs, shareOf } from '#api/units.ts';
import { type RetryPolicy, type RouteAction, RoutingPriority, type WeightedCluster } from '#envoy';
import { compileHashPolicy, type HashPolicy } from './hash-policy.ts';
import { asksRouter, compileLayer, type HeaderEdit } from './header-edits.ts';
import type { PathMatch } from './match.ts';
import { compileMetadataCriteria, type MetadataCriteria } from './metadata-criteria.ts';
import { compileHostRewrite, compilePathRewrite, literalHost, type RewriteHost, type RewritePath } from './rewrite.ts';

/** One cluster that a route may lead to, with the header edits that only it has. */
export interface Target {
  readonly cluster: string;
  readonly weight: number;
  readonly requestEdits: readonly HeaderEdit[];
  /** See RoutePlan. */
  readonly editsAsk: boolean;
  readonly responseEdits: readonly HeaderEdit[];
  readonly hostRewrite: RewriteHost | undefined;
  /** Labels that its hosts must have, where the cluster groups them. */
  readonly subset: MetadataCriteria | undefined;
}

/** A copy of the request that goes elsewhere, its answer unread. */
export interface MirrorPlan {
  readonly cluster: string;
  readonly share: number;
  readonly shadowSuffix: boolean;
}

/** Where a request goes. Times in milliseconds, 0 = none. */
export interface ForwardPlan {
  readonly targets: readonly Target[];
  readonly rewritePath: RewritePath | undefined;
  readonly appendForwardedHost: boolean;
  readonly timeoutMs: number;
  /** For gRPC: the caller's grpc-timeout counts, up to this; 0 = without bound; undefined = it does not count. */
  readonly maxGrpcTimeoutMs: number | undefined;
  readonly grpcOffsetMs: number;
  /** Undefined where the route says nothing, and so the connection manager's own limit holds. */
  readonly streamLimit: { readonly ms: number | undefined; readonly grpcMs: number | undefined; readonly grpcOffsetMs: number };
  /** How long nothing may move; undefined where the connection manager's own limit holds. */
  readonly idleTimeoutMs: number | undefined;
  /** Whose limits and connections its requests use; undefined = default. */
  readonly priority: 'high' | undefined;
  /** As written; the router compiles it. Absent = no retries. */
  readonly retry: RetryPolicy | undefined;
  /** Whether the route itself says so, or its virtual host. */
  readonly retryOnRoute: boolean;
  readonly mirrors: readonly MirrorPlan[];
  /** What of a request says which host serves it. */
  readonly hash: HashPolicy | undefined;
  readonly clusterNotFoundStatus: number;
}

/** What a virtual host says for those of its routes that do not say it themselves. */
export interface Inherited {
  readonly retry: RetryPolicy | undefined;
  readonly mirrors: readonly MirrorPlan[];
}

const DEFAULT_TIMEOUT_MS = 15_000;
const NOT_FOUND_STATUS: Readonly<Record<number, number>> = { 0: 503, 1: 404, 2: 500 };

type MirrorPolicy = RouteAction['requestMirrorPolicies'][number];
type ClusterWeight = WeightedCluster['clusters'][number];

const compileMirror = (policy: MirrorPolicy): MirrorPlan => {
  refuseUnsupported(policy, { read: ['cluster', 'runtimeFraction', 'disableShadowHostSuffixAppend'], ignored: ['traceSampled'] });
  if (policy.cluster === '') throw new ConfigError('cluster', 'must not be empty');
  const share = policy.runtimeFraction ? shareOf(policy.runtimeFraction.defaultValue, 0) : 1;
  return { cluster: policy.cluster, share, shadowSuffix: !policy.disableShadowHostSuffixAppend };
};

/** Throws ConfigError with a path relative to the message that has the list. */
export const compileMirrors = (policies: readonly MirrorPolicy[]): MirrorPlan[] =>
  policies.map((policy, index) => inField(`request_mirror_policies[${index}]`, () => compileMirror(policy)));

const compileTarget = (entry: ClusterWeight, { metadataMatch }: RouteAction): Target => {
  refuseUnsupported(entry, {
    read: [
      'name',
      'weight',
      'metadataMatch',
      'requestHeadersToAdd',
      'requestHeadersToRemove',
      'responseHeadersToAdd',
      'responseHeadersToRemove',
      'hostRewriteSpecifier',
    ],
  });
  if (entry.name === '') throw new ConfigError('name', 'must not be empty');
  return {
    cluster: entry.name,
    weight: entry.weight ?? 0,
    editsAsk: asksRouter(entry.requestHeadersToAdd),
    requestEdits: compileLayer({ add: entry.requestHeadersToAdd, remove: entry.requestHeadersToRemove }, REQUEST_FIELDS),
    responseEdits: compileLayer({ add: entry.responseHeadersToAdd, remove: entry.responseHeadersToRemove }, RESPONSE_FIELDS),
    hostRewrite: literalHost(entry.hostRewriteSpecifier?.value ?? ''),
    subset: compileMetadataCriteria(metadataMatch, entry.metadataMatch),
  };
};

/** Proto names of the two lists of edits. */
export const REQUEST_FIELDS = { add: 'request_headers_to_add', remove: 'request_headers_to_remove' } as const;
/** Proto names of the two lists of edits. */
export const RESPONSE_FIELDS = { add: 'response_headers_to_add', remove: 'response_headers_to_remove' } as const;

const compileTargets = (action: RouteAction): Target[] => {
  const specifier = action.clusterSpecifier;
  const hostRewrite = compileHostRewrite(action);
  if (specifier?.$case === 'cluster') {
    if (specifier.value === '') throw new ConfigError('cluster', 'must not be empty');
    const subset = compileMetadataCriteria(action.metadataMatch);
    return [{ cluster: specifier.value, weight: 1, editsAsk: false, requestEdits: [], responseEdits: [], hostRewrite, subset }];
  }
  if (specifier?.$case !== 'weightedClusters')
    throw new ConfigError(
      specifier ? specifier.$case.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`) : 'cluster_specifier',
      'only cluster and weighted_clusters are supported',
    );
  return inField('weighted_clusters', () => {
    refuseUnsupported(specifier.value, { read: ['clusters'], ignored: ['totalWeight', 'runtimeKeyPrefix'] });
    const targets = specifier.value.clusters.map((entry, index) => inField(`clusters[${index}]`, () => compileTarget(entry, action)));
    const sum = targets.reduce((total, { weight }) => total + weight, 0);
    if (sum === 0) throw new ConfigError('clusters', 'the weights must add up to more than 0');
    if (sum > 0xffff_ffff) throw new ConfigError('clusters', 'the weights must add up to less than 2^32');
    // Envoy applies both, the route's last.
    return targets.filter(({ weight }) => weight > 0).map((target) => ({ ...target, hostRewrite: hostRewrite ?? target.hostRewrite }));
  });
};

const streamLimitOf = (action: RouteAction): ForwardPlan['streamLimit'] => {
  const duration = action.maxStreamDuration;
  if (!duration) return { ms: undefined, grpcMs: undefined, grpcOffsetMs: 0 };
  return inField('max_stream_duration', () => {
    refuseUnsupported(duration, { read: ['maxStreamDuration', 'grpcTimeoutHeaderMax', 'grpcTimeoutHeaderOffset'] });
    return {
      ms: durationMs(duration.maxStreamDuration),
      grpcMs: durationMs(duration.grpcTimeoutHeaderMax),
      grpcOffsetMs: durationMs(duration.grpcTimeoutHeaderOffset) ?? 0,
    };
  });
};

/** Throws ConfigError with a path relative to the action. */
export const compileAction = (action: RouteAction, match: PathMatch, inherited: Inherited): ForwardPlan => {
  refuseUnsupported(action, {
    read: [
      'clusterSpecifier',
      'clusterNotFoundResponseCode',
      'prefixRewrite',
      'regexRewrite',
      'hostRewriteSpecifier',
      'appendXForwardedHost',
      'timeout',
      'retryPolicy',
      'priority',
      'requestMirrorPolicies',
      'hashPolicy',
      'metadataMatch',
      'maxGrpcTimeout',
      'grpcTimeoutOffset',
      'maxStreamDuration',
      'idleTimeout',
    ],
    ignored: ['includeVhRateLimits'],
  });
  const mirrors = compileMirrors(action.requestMirrorPolicies);
  return {
    targets: compileTargets(action),
    rewritePath: compilePathRewrite(action, match),
    appendForwardedHost: action.appendXForwardedHost,
    // A route that limits its streams has no timeout beside. (Envoy 1.40)
    timeoutMs: action.maxStreamDuration ? 0 : (durationMs(action.timeout) ?? DEFAULT_TIMEOUT_MS),
    maxGrpcTimeoutMs: action.maxStreamDuration ? undefined : durationMs(action.maxGrpcTimeout),
    grpcOffsetMs: durationMs(action.grpcTimeoutOffset) ?? 0,
    streamLimit: streamLimitOf(action),
    idleTimeoutMs: durationMs(action.idleTimeout),
    priority: action.priority === RoutingPriority.HIGH ? 'high' : undefined,
    retry: action.retryPolicy ?? inherited.retry,
    retryOnRoute: action.retryPolicy !== undefined,
    mirrors: mirrors.length > 0 ? mirrors : inherited.mirrors,
    hash: compileHashPolicy(action.hashPolicy),
    clusterNotFoundStatus: NOT_FOUND_STATUS[action.clusterNotFoundResponseCode] ?? 503,
  };
};
