/** What a DestinationRule makes of a cluster, field by field, as istiod writes it. */
import { expect, test } from 'vitest';
import { Cluster, Cluster_LbPolicy, HttpProtocolOptions } from '#envoy';
import { SIDECAR, translated } from '../translate.fixture.ts';

const REVIEWS = `apiVersion: v1
kind: Service
metadata: {name: reviews}
spec: {ports: [{port: 9080, name: http}], selector: {app: reviews}}
---
`;
const rule = (fields: string): string => `${REVIEWS}apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: reviews}
spec: {host: reviews, ${fields}}
`;
const clusterNamed = (yaml: string, name: string): Cluster => {
  const cluster = translated(yaml).clusters.find((known) => known.name === name);
  if (!cluster) throw new Error(`no cluster ${name}`);
  return cluster;
};
const clusterFor = (yaml: string, subset = ''): Cluster => clusterNamed(yaml, `outbound|9080|${subset}|reviews.default.svc.cluster.local`);
const policy = (fields: string): Cluster => clusterFor(rule(`trafficPolicy: {${fields}}`));
const json = (cluster: Cluster) => Cluster.toJSON(cluster) as Record<string, unknown>;
const optionsOf = ({ typedExtensionProtocolOptions }: Cluster): unknown => {
  const any = typedExtensionProtocolOptions['envoy.extensions.upstreams.http.v3.HttpProtocolOptions'];
  return any && HttpProtocolOptions.toJSON(HttpProtocolOptions.decode(any.value));
};

test.each([
  ['', { enforcingSuccessRate: 0 }],
  ['consecutiveErrors: 3', { enforcingSuccessRate: 0 }],
  ['consecutive5xxErrors: 7', { enforcingSuccessRate: 0, consecutive5xx: 7, enforcingConsecutive5xx: 100 }],
  ['consecutive5xxErrors: 0', { enforcingSuccessRate: 0, consecutive5xx: 0, enforcingConsecutive5xx: 0 }],
  ['consecutiveGatewayErrors: 2', { enforcingSuccessRate: 0, consecutiveGatewayFailure: 2, enforcingConsecutiveGatewayFailure: 100 }],
  ['consecutiveGatewayErrors: 0', { enforcingSuccessRate: 0, consecutiveGatewayFailure: 0, enforcingConsecutiveGatewayFailure: 0 }],
  ['interval: 11s, baseEjectionTime: 1500ms', { enforcingSuccessRate: 0, interval: '11s', baseEjectionTime: '1.500s' }],
  ['maxEjectionPercent: 50', { enforcingSuccessRate: 0, maxEjectionPercent: 50 }],
  ['maxEjectionPercent: 0', { enforcingSuccessRate: 0 }],
  [
    'splitExternalLocalOriginErrors: true, consecutiveLocalOriginFailures: 4',
    {
      enforcingSuccessRate: 0,
      splitExternalLocalOriginErrors: true,
      consecutiveLocalOriginFailure: 4,
      enforcingConsecutiveLocalOriginFailure: 100,
      enforcingLocalOriginSuccessRate: 0,
    },
  ],
])('outlierDetection {%s} ejects as istiod has it', (fields, expected) => {
  expect(json(policy(`outlierDetection: {${fields}}`)).outlierDetection).toEqual(expected);
});

test('without outlierDetection nobody is ejected, and minHealthPercent moves the panic threshold from 0', () => {
  expect(clusterFor(REVIEWS).outlierDetection).toBeUndefined();
  expect(clusterFor(REVIEWS).commonLbConfig?.healthyPanicThreshold?.value).toBe(0);
  expect(policy('outlierDetection: {minHealthPercent: 14}').commonLbConfig?.healthyPanicThreshold?.value).toBe(14);
});

const LOW = { slowStartWindow: '60s' };
const FULL = (aggression: number, percent: number) => ({
  slowStartWindow: '30s',
  aggression: { defaultValue: aggression, runtimeKey: '(' },
  minWeightPercent: { value: percent },
});

test.each([
  ['simple: LEAST_CONN', 'LEAST_REQUEST', {}],
  ['simple: RANDOM', 'RANDOM', {}],
  ['consistentHash: {httpHeaderName: x}', 'RING_HASH', { ringHashLbConfig: { minimumRingSize: 1024 } }],
  ['consistentHash: {httpHeaderName: x, minimumRingSize: 512}', 'RING_HASH', { ringHashLbConfig: { minimumRingSize: 512 } }],
  ['consistentHash: {httpHeaderName: x, ringHash: {minimumRingSize: 2048}}', 'RING_HASH', { ringHashLbConfig: { minimumRingSize: 2048 } }],
  ['consistentHash: {httpHeaderName: x, ringHash: {}}', 'RING_HASH', {}],
  ['consistentHash: {httpHeaderName: x, maglev: {tableSize: 1031}}', 'MAGLEV', { maglevLbConfig: { tableSize: 1031 } }],
  ['warmupDurationSecs: 60s', 'LEAST_REQUEST', { leastRequestLbConfig: { slowStartConfig: LOW } }],
  ['simple: ROUND_ROBIN, warmupDurationSecs: 60s', 'ROUND_ROBIN', { roundRobinLbConfig: { slowStartConfig: LOW } }],
  ['simple: ROUND_ROBIN, warmup: {duration: 30s}', 'ROUND_ROBIN', { roundRobinLbConfig: { slowStartConfig: FULL(1, 10) } }],
  [
    'warmup: {duration: 30s, minimumPercent: 20, aggression: 2}, warmupDurationSecs: 60s',
    'LEAST_REQUEST',
    { leastRequestLbConfig: { slowStartConfig: FULL(2, 20) } },
  ],
  ['simple: RANDOM, warmupDurationSecs: 60s', 'RANDOM', {}],
] as const)('loadBalancer {%s} is %s', (fields, lbPolicy, config) => {
  const cluster = policy(`loadBalancer: {${fields}}`);
  expect(cluster.lbPolicy).toBe(Cluster_LbPolicy[lbPolicy]);
  const names = ['ringHashLbConfig', 'maglevLbConfig', 'leastRequestLbConfig', 'roundRobinLbConfig'];
  expect(Object.fromEntries(Object.entries(json(cluster)).filter(([name]) => names.includes(name)))).toEqual(config);
});

test('every limit of the connection pool is a threshold, and 0 is none', () => {
  const limits = (fields: string) => policy(`connectionPool: {${fields}}`).circuitBreakers?.thresholds[0];
  const all = 'tcp: {maxConnections: 1}, http: {http1MaxPendingRequests: 2, http2MaxRequests: 3, maxRetries: 4}';
  expect(limits(all)).toMatchObject({ maxConnections: 1, maxPendingRequests: 2, maxRequests: 3, maxRetries: 4 });
  expect(limits('tcp: {maxConnections: 0}, http: {maxRetries: 0}')).toMatchObject({ maxConnections: 2 ** 32 - 1, maxRetries: 2 ** 32 - 1 });
});

test.each([
  ['http: {idleTimeout: 15s}, tcp: {idleTimeout: 5s}', { idleTimeout: '15s' }],
  ['tcp: {idleTimeout: 5s}', { idleTimeout: '5s' }],
  ['tcp: {maxConnectionDuration: 60s}', { maxConnectionDuration: '60s' }],
  ['http: {maxRequestsPerConnection: 13}', { maxRequestsPerConnection: 13 }],
  ['http: {maxConcurrentStreams: 16}', {}],
])('connectionPool {%s} is of HTTP/1.1 connections', (fields, common) => {
  const options = optionsOf(policy(`connectionPool: {${fields}}`)) as Record<string, object>;
  expect(options.commonHttpProtocolOptions).toMatchObject(common);
  expect(options.explicitHttpConfig).toHaveProperty('httpProtocolOptions');
});

test('HTTP/2 where a rule asks for it, with its streams; the protocol of the caller where a rule asks for that', () => {
  const upgraded = optionsOf(policy('connectionPool: {http: {h2UpgradePolicy: UPGRADE, maxConcurrentStreams: 16}}'));
  expect(upgraded).toHaveProperty('explicitHttpConfig.http2ProtocolOptions.maxConcurrentStreams', 16);
  const alive = optionsOf(policy('connectionPool: {http: {h2UpgradePolicy: UPGRADE, http2KeepAlive: {interval: 30s, timeout: 5s}}}'));
  expect(alive).toHaveProperty('explicitHttpConfig.http2ProtocolOptions.connectionKeepalive', { interval: '30s', timeout: '5s' });
  expect(optionsOf(policy('connectionPool: {http: {useClientProtocol: true}}'))).toHaveProperty('useDownstreamProtocolConfig');
  expect(optionsOf(policy('connectionPool: {http: {h2UpgradePolicy: DO_NOT_UPGRADE}}'))).toBeUndefined();
});

test('keepalive of TCP is whole seconds, and what is not said stays the system’s', () => {
  const keepalive = (fields: string) =>
    policy(`connectionPool: {tcp: {tcpKeepalive: {${fields}}}}`).upstreamConnectionOptions?.tcpKeepalive;
  expect(keepalive('time: 7200s, interval: 75500ms, probes: 3')).toMatchObject({
    keepaliveTime: 7200,
    keepaliveInterval: 75,
    keepaliveProbes: 3,
  });
  expect(keepalive('')?.keepaliveTime).toBeUndefined();
  expect(keepalive('')).toBeDefined();
  expect(policy('connectionPool: {tcp: {maxConnections: 1}}').upstreamConnectionOptions).toBeUndefined();
});

test('a budget of retries is 20 % of the calls under way and at least 3, where it says less', () => {
  const budget = (fields: string) => policy(`retryBudget: {${fields}}`).circuitBreakers?.thresholds[0]?.retryBudget;
  expect(budget('')).toMatchObject({ budgetPercent: { value: 20 }, minRetryConcurrency: 3 });
  expect(budget('percent: 12.5, minRetryConcurrency: 7')).toMatchObject({ budgetPercent: { value: 12.5 }, minRetryConcurrency: 7 });
});

const inbound = (yaml: string): Cluster => clusterNamed(yaml, 'inbound|9080||');

test('the server, too, has the connection pool of the rule for its service, of that port, and nothing else of it', () => {
  const asked = `trafficPolicy: {connectionPool: {tcp: {maxConnections: 5, tcpKeepalive: {time: 60s}}, http: {h2UpgradePolicy: UPGRADE}},
    outlierDetection: {interval: 1s}, loadBalancer: {simple: RANDOM}`;
  const whole = inbound(rule(`${asked}}`));
  expect(whole.circuitBreakers?.thresholds[0]?.maxConnections).toBe(5);
  expect(whole.upstreamConnectionOptions?.tcpKeepalive?.keepaliveTime).toBe(60);
  expect([whole.outlierDetection, whole.lbPolicy, optionsOf(whole)]).toEqual([undefined, Cluster_LbPolicy.ROUND_ROBIN, undefined]);
  expect(whole.metadata?.filterMetadata['dinghy.source']).toMatchObject({ resource: 'DestinationRule default/reviews' });
  const ofPort = inbound(rule(`${asked}, portLevelSettings: [{port: {number: 9080}, connectionPool: {tcp: {maxConnections: 7}}}]}`));
  expect(ofPort.circuitBreakers?.thresholds[0]?.maxConnections).toBe(7);
  expect(inbound(REVIEWS).metadata).toBeUndefined();
});

const SUBSET = 'subsets: [{name: v1, labels: {version: v1}, trafficPolicy:';

test('a subset replaces the sections that it has, and a port’s settings replace all of their level', () => {
  const base = 'trafficPolicy: {outlierDetection: {interval: 1s}, retryBudget: {percent: 5}, connectionPool: {tcp: {maxConnections: 1}}';
  const own = clusterFor(rule(`${base}}, ${SUBSET} {connectionPool: {http: {maxRetries: 2}}}}]`), 'v1');
  expect(own.circuitBreakers?.thresholds[0]).toMatchObject({
    maxConnections: 2 ** 32 - 1,
    maxRetries: 2,
    retryBudget: { budgetPercent: { value: 5 } },
  });
  expect(own.outlierDetection?.interval?.seconds).toBe(1);
  const ofPort = 'portLevelSettings: [{port: {number: 9080}, connectionPool: {tcp: {maxConnections: 9}}}]';
  const below = clusterFor(rule(`${base}, ${ofPort}}, ${SUBSET} {outlierDetection: {interval: 2s}}}]`), 'v1');
  expect([below.circuitBreakers?.thresholds[0]?.maxConnections, below.outlierDetection?.interval?.seconds]).toEqual([9, 2]);
  const above = clusterFor(rule(`${base}}, ${SUBSET} {outlierDetection: {interval: 2s}, ${ofPort}}}]`), 'v1');
  expect([above.circuitBreakers?.thresholds[0]?.maxConnections, above.outlierDetection]).toEqual([9, undefined]);
});

const selective = (name: string, selector: string, connections: number): string => `---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: ${name}}
spec: {host: reviews, ${selector} trafficPolicy: {connectionPool: {tcp: {maxConnections: ${connections}}}}}
`;

test('a rule with a workloadSelector is for those callers only, before one without, and never for servers', () => {
  const limit = (yaml: string) => clusterFor(yaml).circuitBreakers?.thresholds[0]?.maxConnections;
  const everybody = selective('everybody', '', 1);
  const mine = selective('mine', `workloadSelector: {matchLabels: {app: ${SIDECAR.labels.app}}},`, 2);
  const others = selective('others', 'workloadSelector: {matchLabels: {app: nobody}},', 3);
  expect(limit(REVIEWS + everybody + mine + others)).toBe(2);
  expect(limit(REVIEWS + everybody + others)).toBe(1);
  expect(limit(REVIEWS + others)).toBe(2 ** 32 - 1);
  expect(inbound(REVIEWS + mine).circuitBreakers?.thresholds[0]?.maxConnections).toBe(2 ** 32 - 1);
});
