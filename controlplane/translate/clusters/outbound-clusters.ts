/** Services and their subsets → clusters. Pure. Defaults are Istio's: least request, 10 s to connect, no limits, no panic. */
import { BLACK_HOLE_CLUSTER, inboundClusterName, outboundClusterName, PASSTHROUGH_CLUSTER } from '#api/names.ts';
import { Cluster, Cluster_DiscoveryType, Cluster_LbPolicy, type Metadata } from '#envoy';
import type { Mesh, MeshService, ProxyNode, ServicePort } from '../../mesh/mesh.ts';
import { durationMs } from '../../resources/checks.ts';
import type { TrafficPolicy } from '../../resources/destination-rule.ts';
import { ADS } from '../config-source.ts';
import { accountsBehind, endpointsOf, toLoadAssignment } from '../endpoints/endpoints.ts';
import { pack, toDuration } from '../pack.ts';
import { type EffectiveRule, policyFor, type RuleSource, type Sections } from '../subsets.ts';
import { automaticSockets, hasIdentity, identitiesOf, meshClientTls, ownClientTls } from '../tls-contexts.ts';

const UNLIMITED = 4_294_967_295;
const HTTP_OPTIONS = 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions';

const POLICIES = {
  UNSPECIFIED: Cluster_LbPolicy.LEAST_REQUEST,
  LEAST_CONN: Cluster_LbPolicy.LEAST_REQUEST,
  LEAST_REQUEST: Cluster_LbPolicy.LEAST_REQUEST,
  ROUND_ROBIN: Cluster_LbPolicy.ROUND_ROBIN,
  RANDOM: Cluster_LbPolicy.RANDOM,
  PASSTHROUGH: Cluster_LbPolicy.CLUSTER_PROVIDED,
} as const;

type Pool = NonNullable<TrafficPolicy['connectionPool']>;

/** Who calls: only a proxy that has an identity can show it. */
export type Caller = Pick<ProxyNode, 'labels'>;

/** The cluster of each port, and of each subset of it, as that proxy reaches it. */
export const outboundClusters = (mesh: Mesh, caller: Caller, { service, rule }: { service: MeshService; rule: EffectiveRule }): Cluster[] =>
  service.ports.flatMap((port) =>
    [undefined, ...rule.subsets].map((subset) => {
      const name = outboundClusterName(port.number, subset?.name ?? '', service.hostname);
      const policy = policyFor(rule.trafficPolicy, subset?.trafficPolicy, port.number);
      const source = subset?.source ?? rule.source;
      return outboundCluster({ mesh, caller, service, port, name, labels: subset?.labels ?? {}, policy, source, subset: subset?.name });
    }),
  );

/** Whether clients are sent where they dial, so that nobody's endpoints are asked for. */
export const isPassthrough = ({ discovery }: MeshService, { loadBalancer }: Pick<TrafficPolicy, 'loadBalancer'>): boolean =>
  discovery === 'passthrough' || loadBalancer?.simple === 'PASSTHROUGH';

interface OutboundInput {
  readonly mesh: Mesh;
  readonly caller: Caller;
  readonly service: MeshService;
  readonly port: ServicePort;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly policy: Sections;
  readonly source: RuleSource | undefined;
  readonly subset: string | undefined;
}

const outboundCluster = (input: OutboundInput): Cluster => {
  const { name, policy } = input;
  const simple = policy.loadBalancer?.simple ?? 'UNSPECIFIED';
  return Cluster.fromPartial({
    name,
    ...(isPassthrough(input.service, policy) ? ORIGINAL_DESTINATION : { ...discoveryOf(input), lbPolicy: POLICIES[simple] }),
    ...(input.source && { metadata: sourceMetadata(input.source, input.subset) }),
    commonLbConfig: { healthyPanicThreshold: { value: 0 } },
    ...connectionSettings(policy.connectionPool, input.port),
    ...securityOf(input),
  });
};

/** What a DestinationRule says; else mutual TLS with every endpoint that can. A rule without a word on TLS leaves that as it is. */
const securityOf = (input: OutboundInput) => {
  const { mesh, service, policy, caller } = input;
  const { tls } = policy;
  if (tls?.mode === 'DISABLE') return {};
  if (tls?.mode === 'SIMPLE' || tls?.mode === 'MUTUAL') {
    const names = identitiesOf(mesh.config, accountsBehind(mesh, service));
    return { transportSocket: ownClientTls(tls, { host: service.hostname, names }) };
  }
  if (tls?.mode === 'ISTIO_MUTUAL') return { transportSocket: mutualTls(input) };
  const canBoth = hasIdentity(caller.labels) && mesh.config.enableAutoMtls && !isPassthrough(service, policy);
  return canBoth && accountsBehind(mesh, service).length > 0 ? { transportSocketMatches: automaticSockets(mutualTls(input)) } : {};
};

const mutualTls = ({ mesh, service, port, subset, policy }: OutboundInput) =>
  meshClientTls(mesh.config, {
    sni: policy.tls?.sni || `outbound_.${port.number}_.${subset ?? ''}_.${service.hostname}`,
    names: policy.tls?.subjectAltNames ?? [],
    accounts: accountsBehind(mesh, service),
    protocol: port.protocol,
  });

/** Which rule made it so. Without the rule's generation: it would make all clusters of the host new when one of them changes. */
const sourceMetadata = ({ namespace, name, fieldPath }: RuleSource, subset: string | undefined): Metadata => ({
  filterMetadata: {
    istio: {
      config: `/apis/networking.istio.io/v1/namespaces/${namespace}/destination-rule/${name}`,
      ...(subset && { subset }),
    },
    'dinghy.source': { resource: `DestinationRule ${namespace}/${name}`, fieldPath },
  },
  typedFilterMetadata: {},
});

const ORIGINAL_DESTINATION = {
  clusterDiscoveryType: { $case: 'type', value: Cluster_DiscoveryType.ORIGINAL_DST },
  lbPolicy: Cluster_LbPolicy.CLUSTER_PROVIDED,
} as const;

const discoveryOf = ({ mesh, service, port, name, labels }: OutboundInput) => {
  if (service.discovery !== 'dns')
    return {
      clusterDiscoveryType: { $case: 'type', value: Cluster_DiscoveryType.EDS } as const,
      edsClusterConfig: { edsConfig: ADS, serviceName: name },
    };
  return {
    clusterDiscoveryType: { $case: 'type', value: Cluster_DiscoveryType.STRICT_DNS } as const,
    dnsLookupFamily: 1 as const,
    dnsRefreshRate: toDuration(60_000),
    respectDnsTtl: true,
    loadAssignment: toLoadAssignment(name, endpointsOf(mesh, service, port, labels)),
  };
};

/** In Istio a limit of 0 means "not set", not "none". */
const connectionSettings = (pool: Pool | undefined, { isGrpcAuthorizer }: ServicePort) => {
  const http = {
    ...(pool?.http?.maxRequestsPerConnection ? { maxRequestsPerConnection: pool.http.maxRequestsPerConnection } : {}),
    ...(pool?.http?.idleTimeout === undefined ? {} : { idleTimeout: toDuration(durationMs(pool.http.idleTimeout)) }),
  };
  const options = {
    commonHttpProtocolOptions: http,
    upstreamProtocolOptions: {
      $case: 'explicitHttpConfig',
      value: { protocolConfig: { $case: isGrpcAuthorizer ? 'http2ProtocolOptions' : 'httpProtocolOptions', value: {} } },
    },
  };
  return {
    connectTimeout: toDuration(pool?.tcp?.connectTimeout === undefined ? 10_000 : durationMs(pool.tcp.connectTimeout)),
    circuitBreakers: {
      thresholds: [
        {
          maxConnections: pool?.tcp?.maxConnections || UNLIMITED,
          maxPendingRequests: pool?.http?.http1MaxPendingRequests || UNLIMITED,
          maxRequests: pool?.http?.http2MaxRequests || UNLIMITED,
          maxRetries: pool?.http?.maxRetries || UNLIMITED,
        },
      ],
    },
    ...(Object.keys(http).length === 0 && !isGrpcAuthorizer
      ? {}
      : { typedExtensionProtocolOptions: { [HTTP_OPTIONS]: pack(HTTP_OPTIONS, options) } }),
  };
};

/** The program behind a sidecar: on 127.0.0.1, at the port that it was given. */
export const inboundCluster = (port: number, appPort: number): Cluster => {
  const name = inboundClusterName(port);
  return Cluster.fromPartial({
    name,
    clusterDiscoveryType: { $case: 'type', value: Cluster_DiscoveryType.STATIC },
    connectTimeout: toDuration(10_000),
    loadAssignment: toLoadAssignment(name, [{ address: '127.0.0.1', port: appPort, weight: 1 }]),
    circuitBreakers: {
      thresholds: [{ maxConnections: UNLIMITED, maxPendingRequests: UNLIMITED, maxRequests: UNLIMITED, maxRetries: UNLIMITED }],
    },
  });
};

/** Where unknown destinations go: nowhere, or wherever they wanted. */
export const standingClusters = (): Cluster[] => [
  Cluster.fromPartial({
    name: BLACK_HOLE_CLUSTER,
    clusterDiscoveryType: { $case: 'type', value: Cluster_DiscoveryType.STATIC },
    connectTimeout: toDuration(10_000),
    loadAssignment: { clusterName: BLACK_HOLE_CLUSTER },
  }),
  Cluster.fromPartial({ name: PASSTHROUGH_CLUSTER, ...ORIGINAL_DESTINATION, connectTimeout: toDuration(10_000) }),
];
