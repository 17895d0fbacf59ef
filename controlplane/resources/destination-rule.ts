/** DestinationRule: how to reach a host once it is chosen. Source: istio.io/api networking/v1 destination_rule.proto. */
import { anything, bool, durationText, int, listOf, mapOf, num, object, oneOf, str, uint } from './shape.ts';

const consistentHash = object({
  httpHeaderName: str,
  httpCookie: object({ name: str, path: str, ttl: durationText, attributes: listOf(object({ name: str, value: str })) }),
  useSourceIp: bool,
  httpQueryParameterName: str,
  ringHash: object({ minimumRingSize: uint }),
  maglev: object({ tableSize: uint }),
  minimumRingSize: uint,
});

/** Whom calls go to by where endpoints are; the whole mesh may have one, too. */
export const localityLbSetting = object({
  enabled: bool,
  distribute: listOf(object({ from: str, to: mapOf(uint) })),
  failover: listOf(object({ from: str, to: str })),
  failoverPriority: listOf(str),
});

const loadBalancer = object({
  simple: oneOf('UNSPECIFIED', 'LEAST_CONN', 'RANDOM', 'PASSTHROUGH', 'ROUND_ROBIN', 'LEAST_REQUEST'),
  consistentHash,
  localityLbSetting,
  zoneAwareLbSetting: anything,
  warmupDurationSecs: durationText,
  warmup: object({ duration: durationText, minimumPercent: num, aggression: num }),
});

const connectionPool = object({
  tcp: object({
    maxConnections: int,
    connectTimeout: durationText,
    tcpKeepalive: object({ probes: uint, time: durationText, interval: durationText }),
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
    http2KeepAlive: object({ interval: durationText, timeout: durationText }),
  }),
});

const outlierDetection = object({
  consecutiveErrors: int,
  consecutive5xxErrors: uint,
  consecutiveGatewayErrors: uint,
  splitExternalLocalOriginErrors: bool,
  consecutiveLocalOriginFailures: uint,
  interval: durationText,
  baseEjectionTime: durationText,
  maxEjectionPercent: int,
  minHealthPercent: int,
});

const tls = object({
  mode: oneOf('DISABLE', 'SIMPLE', 'MUTUAL', 'ISTIO_MUTUAL'),
  clientCertificate: str,
  privateKey: str,
  caCertificates: str,
  credentialName: str,
  subjectAltNames: listOf(str),
  sni: str,
  insecureSkipVerify: bool,
  caCrl: str,
});

const sections = { loadBalancer, connectionPool, outlierDetection, tls };

const trafficPolicy = object({
  ...sections,
  portLevelSettings: listOf(object({ port: object({ number: uint }), ...sections })),
  tunnel: object({ protocol: str, targetHost: str, targetPort: uint }),
  proxyProtocol: object({ version: oneOf('V1', 'V2') }),
  retryBudget: object({ percent: num, budgetInterval: durationText, minRetryConcurrency: uint }),
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
