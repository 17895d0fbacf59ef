/** EnvoyFilters that this mesh takes, and what they change; what it refuses, and where it says so. */
import { expect, test } from 'vitest';
import { Cluster, HttpConnectionManager, type Listener, Route } from '#envoy';
import { parseFiles } from '../../resources/parse-documents.ts';
import { GATEWAY, translated } from '../translate.fixture.ts';
import type { TranslatedResources } from '../translated-resources.ts';

const REVIEWS = `apiVersion: v1
kind: Service
metadata: {name: reviews}
spec: {ports: [{port: 9080, name: http}], selector: {app: reviews}}
---
`;
const filter = (patches: string, more = '', namespace = 'istio-system'): string => `apiVersion: networking.istio.io/v1alpha3
kind: EnvoyFilter
metadata: {name: ef, namespace: ${namespace}}
spec: {${more}configPatches: [${patches}]}
`;
const LIMIT = 'type.googleapis.com/envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit';
const BUCKET = 'stat_prefix: limited, token_bucket: {max_tokens: 4, tokens_per_fill: 4, fill_interval: 60s}';
const STRUCT = `{"@type": type.googleapis.com/udpa.type.v1.TypedStruct, type_url: ${LIMIT}, value: {${BUCKET}}}`;
const HCM_NAME = 'envoy.filters.network.http_connection_manager';
const insert = (context: string, { typed = STRUCT, operation = 'INSERT_BEFORE', filterMatch = `name: ${HCM_NAME}` } = {}): string =>
  `{applyTo: HTTP_FILTER, match: {context: ${context}, listener: {filterChain: {filter: {${filterMatch}}}}},
    patch: {operation: ${operation}, value: {name: envoy.filters.http.local_ratelimit, typed_config: ${typed}}}}`;

const managers = ({ filterChains }: Listener) =>
  filterChains
    .flatMap(({ filters }) => filters)
    .flatMap(({ configType }) =>
      configType?.$case === 'typedConfig' && configType.value.typeUrl.endsWith('HttpConnectionManager')
        ? [HttpConnectionManager.decode(configType.value.value)]
        : [],
    );
const filtersAt = ({ listeners }: TranslatedResources, name: string): string[] =>
  listeners
    .filter((listener) => listener.name === name)
    .flatMap(managers)
    .flatMap(({ httpFilters }) => httpFilters.map((known) => known.name.replace('envoy.filters.http.', '')));
const inboundRoute = ({ listeners }: TranslatedResources): Route => {
  const [manager] = listeners.filter(({ name }) => name === 'virtualInbound').flatMap(managers);
  const route = manager?.routeSpecifier?.$case === 'routeConfig' ? manager.routeSpecifier.value.virtualHosts[0]?.routes[0] : undefined;
  if (!route) throw new Error('no route');
  return route;
};

test('a local rate limit is put in where it is asked for: in front of all, or before the router', () => {
  const inbound = translated(REVIEWS + filter(insert('SIDECAR_INBOUND')));
  expect(filtersAt(inbound, 'virtualInbound')).toEqual(['local_ratelimit', 'grpc_stats', 'fault', 'cors', 'router']);
  expect(filtersAt(inbound, '0.0.0.0_9080')).not.toContain('local_ratelimit');
  const router = `name: ${HCM_NAME}, subFilter: {name: envoy.filters.http.router}`;
  const outbound = translated(REVIEWS + filter(insert('SIDECAR_OUTBOUND', { filterMatch: router })));
  expect(filtersAt(outbound, '0.0.0.0_9080')).toEqual(['grpc_stats', 'fault', 'cors', 'local_ratelimit', 'router']);
  expect(filtersAt(outbound, 'virtualInbound')).not.toContain('local_ratelimit');
  const first = translated(REVIEWS + filter(insert('ANY', { filterMatch: router, operation: 'INSERT_FIRST' })));
  expect([filtersAt(first, 'virtualInbound')[0], filtersAt(first, '0.0.0.0_9080')[0]]).toEqual(['local_ratelimit', 'local_ratelimit']);
});

test('its settings are the same whether they are written as they are or in a TypedStruct', () => {
  const settings = (typed: string) => {
    const [manager] = translated(REVIEWS + filter(insert('SIDECAR_INBOUND', { typed })))
      .listeners.filter(({ name }) => name === 'virtualInbound')
      .flatMap(managers);
    return manager && (HttpConnectionManager.toJSON(manager) as { httpFilters: { typedConfig: object }[] }).httpFilters[0]?.typedConfig;
  };
  expect(settings(STRUCT)).toMatchObject({ '@type': LIMIT, statPrefix: 'limited', tokenBucket: { maxTokens: 4, fillInterval: '60s' } });
  expect(settings(`{"@type": ${LIMIT}, ${BUCKET}}`)).toEqual(settings(STRUCT));
});

test('an EnvoyFilter is for the workloads it selects in its namespace; in the root namespace, for all', () => {
  const isIn = (more: string, namespace: string) =>
    filtersAt(translated(REVIEWS + filter(insert('SIDECAR_INBOUND'), more, namespace)), 'virtualInbound').includes('local_ratelimit');
  expect(isIn('workloadSelector: {labels: {app: reviews}}, ', 'default')).toBe(true);
  expect(isIn('workloadSelector: {labels: {app: other}}, ', 'default')).toBe(false);
  expect(isIn('', 'elsewhere')).toBe(false);
  expect(isIn('', 'istio-system')).toBe(true);
});

const route = (vhost: string, value: string, context = 'SIDECAR_INBOUND'): string =>
  `{applyTo: HTTP_ROUTE, match: {context: ${context}, routeConfiguration: {vhost: {name: "${vhost}", route: {action: ANY}}}}, patch: {operation: MERGE, value: {${value}}}}`;
const LIMITS = `route: {rate_limits: [{actions: [{remote_address: {}}]}]}, typed_per_filter_config: {envoy.filters.http.local_ratelimit: {"@type": ${LIMIT}, ${BUCKET}}}`;

test('limits by descriptor are taken for Envoy, with a warning that our own proxy refuses them', () => {
  const told = (patch: string) => parseFiles({ 'a.yaml': filter(patch) }).problems.map(({ severity, path }) => `${severity} ${path}`);
  expect(told(route('v', LIMITS))).toEqual(['warning spec.configPatches[0].patch.value.route.rate_limits']);
  const typed = `{"@type": ${LIMIT}, ${BUCKET}, descriptors: [{entries: [{key: a, value: b}], token_bucket: {max_tokens: 1, fill_interval: 60s}}]}`;
  expect(told(insert('ANY', { typed }))).toEqual(['warning spec.configPatches[0].patch.value.typed_config.descriptors']);
  expect(told(insert('ANY'))).toEqual([]);
});

test('limits are merged into the routes of the virtual host that is named, which say who did it', () => {
  const patched = Route.toJSON(inboundRoute(translated(REVIEWS + filter(route('inbound|http|9080', LIMITS))))) as Record<string, object>;
  expect(patched).toMatchObject({
    route: { rateLimits: [{ actions: [{ remoteAddress: {} }] }] },
    typedPerFilterConfig: { 'envoy.filters.http.local_ratelimit': { '@type': LIMIT, statPrefix: 'limited' } },
    metadata: { filterMetadata: { 'dinghy.patches': { by: ['EnvoyFilter istio-system/ef spec.configPatches[0]'] } } },
  });
  expect(inboundRoute(translated(REVIEWS + filter(route('inbound|http|1', LIMITS)))).typedPerFilterConfig).toEqual({});
  const outbound = translated(REVIEWS + filter(route('reviews.default.svc.cluster.local:9080', LIMITS, 'SIDECAR_OUTBOUND')));
  const tables = outbound.routes.flatMap(({ virtualHosts }) => virtualHosts);
  expect(tables.map(({ name, routes }) => [name, Object.keys(routes[0]?.typedPerFilterConfig ?? {})])).toEqual([
    ['reviews.default.svc.cluster.local:9080', ['envoy.filters.http.local_ratelimit']],
    ['allow_any', []],
  ]);
});

const CHECKS =
  'health_checks: [{timeout: 1s, interval: 5s, unhealthy_threshold: 2, healthy_threshold: 1, http_health_check: {path: /healthz}}]';
const checks = (cluster: string, context = 'SIDECAR_OUTBOUND', value = CHECKS): string =>
  `{applyTo: CLUSTER, match: {context: ${context}, cluster: {${cluster}}}, patch: {operation: MERGE, value: {${value}}}}`;

test.each([
  ['service: reviews.default.svc.cluster.local', true],
  ['service: reviews.default.svc.cluster.local, portNumber: 9080', true],
  ['portNumber: 80', false],
  ['subset: v1', false],
  ['name: outbound|9080||reviews.default.svc.cluster.local', true],
  ['service: other.default.svc.cluster.local', false],
])('active health checks are merged into the clusters of {%s}', (match, isMerged) => {
  const { clusters } = translated(REVIEWS + filter(checks(match)));
  const cluster = clusters.find(({ name }) => name.includes('reviews'));
  expect(cluster && (Cluster.toJSON(cluster) as { healthChecks?: object[] }).healthChecks).toEqual(
    isMerged
      ? [{ timeout: '1s', interval: '5s', unhealthyThreshold: 2, healthyThreshold: 1, httpHealthCheck: { path: '/healthz' } }]
      : undefined,
  );
  expect(clusters.find(({ name }) => name.startsWith('inbound'))?.healthChecks).toEqual([]);
});

test('a gateway has its own context', () => {
  const healthChecksAt = (context: string) =>
    translated(REVIEWS + filter(checks('portNumber: 9080', context)), GATEWAY).clusters.find(({ name }) => name.includes('reviews'))
      ?.healthChecks.length;
  expect([healthChecksAt('GATEWAY'), healthChecksAt('SIDECAR_OUTBOUND'), healthChecksAt('ANY')]).toEqual([1, 0, 1]);
});

test.each([
  ['{applyTo: NETWORK_FILTER, patch: {operation: MERGE}}', 'spec.configPatches[0].applyTo', /^NETWORK_FILTER is not supported/],
  [
    '{applyTo: CLUSTER, patch: {operation: ADD, value: {}}}',
    'spec.configPatches[0].patch.operation',
    /^ADD is not supported by this mesh for CLUSTER/,
  ],
  [checks('portNumber: 1', 'ANY', 'connect_timeout: 3s'), 'spec.configPatches[0].patch.value.connect_timeout', /not supported/],
  [checks('portNumber: 1', 'ANY', 'healthchecks: []'), 'spec.configPatches[0].patch.value.healthchecks', /did you mean health_checks/],
  [
    checks('portNumber: 1', 'ANY', 'health_checks: [{timeout: soon}]'),
    'spec.configPatches[0].patch.value.health_checks[0].timeout',
    /duration/,
  ],
  [route('v', 'route: {timeout: 9s}'), 'spec.configPatches[0].patch.value.route.timeout', /not supported/],
  [
    insert('ANY', { typed: '{"@type": type.googleapis.com/envoy.extensions.filters.http.fault.v3.HTTPFault}' }),
    'spec.configPatches[0].patch.value',
    /HTTPFault is not supported/,
  ],
  [
    insert('ANY', { filterMatch: 'name: envoy.filters.network.tcp_proxy' }),
    'spec.configPatches[0].match.listener.filterChain.filter.name',
    /must be envoy.filters.network.http_connection_manager/,
  ],
  [
    insert('ANY', { filterMatch: `name: ${HCM_NAME}, subFilter: {name: istio.alpn}` }),
    'spec.configPatches[0].match.listener.filterChain.filter.subFilter.name',
    /must be envoy.filters.http.router/,
  ],
  [
    '{applyTo: CLUSTER, match: {proxy: {proxyVersion: x}}, patch: {operation: MERGE, value: {}}}',
    'spec.configPatches[0].match.proxy.proxyVersion',
    /CLUSTER may go by context, cluster/,
  ],
])('%s is refused at its field', (patch, path, message) => {
  const { problems, resources } = parseFiles({ 'a.yaml': filter(patch) });
  expect([problems.map((problem) => problem.path), resources]).toEqual([[path], []]);
  expect(problems[0]?.message).toMatch(message);
});
