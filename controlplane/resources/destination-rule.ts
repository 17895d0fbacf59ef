/** DestinationRule: how to reach a host once it is chosen. Source: istio.io/api networking/v1 destination_rule.proto. */
import { anything, bool, durationText, int, listOf, mapOf, object, oneOf, str } from './shape.ts';

const loadBalancer = object({
  simple: oneOf('UNSPECIFIED', 'LEAST_CONN', 'RANDOM', 'PASSTHROUGH', 'ROUND_ROBIN', 'LEAST_REQUEST'),
  consistentHash: anything,
  localityLbSetting: anything,
  warmupDurationSecs: durationText,
  warmup: anything,
});

const connectionPool = object({
  tcp: object({
    maxConnections: int,
    connectTimeout: durationText,
    tcpKeepalive: anything,
    maxConnectionDuration: durationText,
    idleTimeout: durationText,
  }),
  http: object({
    http1MaxPendingRequests: int,
    http2MaxRequests: int,
    maxRequestsPerConnection: int,
    maxRetries: int,
    idleTimeout: durationText,
    h2UpgradePolicy: oneOf('DEFAULT', 'DO_NOT_UPGRADE', 'UPGRADE'),
    useClientProtocol: bool,
    maxConcurrentStreams: int,
  }),
});

const outlierDetection = object({
  consecutiveErrors: int,
  consecutive5xxErrors: int,
  consecutiveGatewayErrors: int,
  splitExternalLocalOriginErrors: bool,
  consecutiveLocalOriginFailures: int,
  interval: durationText,
  baseEjectionTime: durationText,
  maxEjectionPercent: int,
  minHealthPercent: int,
});

const sections = { loadBalancer, connectionPool, outlierDetection, tls: anything };

const trafficPolicy = object({
  ...sections,
  portLevelSettings: listOf(object({ port: object({ number: int }), ...sections })),
  tunnel: anything,
  proxyProtocol: anything,
});

/** The fields that a DestinationRule's spec may have. */
export const destinationRuleShape = object({
  host: str,
  trafficPolicy,
  subsets: listOf(object({ name: str, labels: mapOf(str), trafficPolicy })),
  exportTo: listOf(str),
  workloadSelector: object({ matchLabels: mapOf(str) }),
});

/** A DestinationRule as people write it. */
export type DestinationRuleSpec = ReturnType<typeof destinationRuleShape.typeOf>;
/** How to treat the connections to a host. */
export type TrafficPolicy = NonNullable<DestinationRuleSpec['trafficPolicy']>;
/** A named part of a host's workloads. */
export type Subset = NonNullable<DestinationRuleSpec['subsets']>[number];
