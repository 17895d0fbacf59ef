import { expect, test } from 'vitest';
import { MetricRegistry } from '../system/metric-registry.ts';
import { breakersOf } from './breakers.ts';
import { adminAnswer } from './pages.ts';
import type { AdminView, DumpedResource, HostStatus } from './view.ts';

const metrics = new MetricRegistry();
metrics.scope('cluster', 'a').counter('upstream_rq_total').value = 3;

const HOST: HostStatus = {
  address: '127.0.0.1',
  port: 80,
  hostname: '',
  configuredHealth: 'healthy',
  marks: {
    failedActiveCheck: false,
    failedOutlierCheck: false,
    degradedActiveCheck: false,
    pendingRemoval: false,
    pendingActiveCheck: false,
    excludedAtOnce: false,
    activeCheckTimedOut: false,
  },
  successRate: -1,
  localSuccessRate: -1,
  weight: 7,
  priority: 0,
  locality: 'r/z/s',
  connections: 1,
  openedConnections: 2,
  connectFailures: 0,
  activeRequests: 1,
  pendingRequests: 4,
  requests: 5,
  successes: 2,
  errors: 2,
  timeouts: 1,
};

const LIMITS = { maxConnections: 1, maxPending: 2, maxRequests: 3, maxRetries: 4 };

const BREAKER = {
  limits: { ...LIMITS, maxConnectionsPerHost: Number.POSITIVE_INFINITY },
  connections: 1,
  pending: 2,
  requests: 1,
  retries: 0,
  retryLimit: 4,
  refused: { connections: 3, pending: 5, requests: 0, retries: 0 },
};

const resource = (name: string, extra: Partial<DumpedResource> = {}): DumpedResource => ({
  name,
  json: () => ({ '@type': 'x', name }),
  isStatic: false,
  warming: false,
  version: 'v7',
  updatedAtMs: 0,
  ...extra,
});

const acted: string[] = [];
const view: AdminView = {
  state: () => 'INITIALIZING',
  metrics: () => metrics.entries(),
  listeners: () => [{ name: 'web', addresses: ['127.0.0.1:8080'] }],
  clusters: () => [
    { name: 'a', statName: 'a;', addedViaApi: true, limits: LIMITS, highLimits: { ...LIMITS, maxRetries: 0 }, hosts: [HOST] },
    { name: 'b', statName: 'b', addedViaApi: false, limits: LIMITS, highLimits: LIMITS, hosts: [] },
  ],
  outliers: () => ({ nowMs: 0, clusters: [] }),
  breakers: () => [breakersOf('a', BREAKER, { ...BREAKER, limits: { ...LIMITS, maxConnectionsPerHost: 1, retryBudget: {} } })],
  configuration: () => ({
    bootstrap: () => ({ node: {} }),
    startedAtMs: 0,
    versions: { cds: 'v8', lds: '' },
    clusters: [resource('live'), resource('waits', { warming: true }), resource('fixed', { isStatic: true, version: '' })],
    listeners: [resource('web')],
    routes: [],
    endpoints: [resource('live')],
  }),
  tapped: () => undefined,
  wallTimeMs: () => Date.UTC(2026, 10, 24),
  certificates: () => [
    {
      rootsName: 'ROOTCA',
      roots: [{ uris: [], dnsNames: [], serial: '1ec2', notBeforeMs: Date.UTC(2026, 10, 1), notAfterMs: Date.UTC(2026, 11, 24, 15) }],
      chainName: '/etc/chain.pem',
      chain: [
        {
          uris: ['spiffe://cluster.local/ns/default/sa/reviews'],
          dnsNames: ['reviews.example'],
          serial: '52a1',
          notBeforeMs: Date.UTC(2026, 10, 1),
          notAfterMs: Date.UTC(2026, 10, 23),
        },
      ],
    },
  ],
  uptimeMs: () => 61_500,
  memory: () => ({ allocated: 1, heapSize: 2, total: 3 }),
  node: () => ({ id: 'n', user_agent_name: 'dinghy' }),
  version: 'v/1',
  options: () => ({ drain_time: '5s' }),
  actions: {
    resetCounters: () => void acted.push('reset'),
    logging: (level) => level ?? 'info',
    drainListeners: (which) => void acted.push(JSON.stringify(which)),
    failHealthChecks: (failing) => void acted.push(`failing ${failing}`),
    shiftClock: (ms) => ms * 2,
    armTap: (connections, ports) => void acted.push(`tap ${connections} ${ports}`),
    quit: () => void acted.push('quit'),
  },
};
const get = (path: string, extra: object = {}) =>
  adminAnswer({ method: 'GET', path, authority: '127.0.0.1:9901', origin: undefined, ...extra }, view);
const sections = (path: string): Record<string, unknown>[] => JSON.parse(get(path).text).configs;

test('readiness is 503 with the state name until live', () => {
  expect(get('/ready')).toMatchObject({ status: 503, text: 'INITIALIZING\n' });
});

test('numbers are told in dotted names and, for Prometheus, with the scope as a label', () => {
  expect(get('/stats?filter=rq').text).toBe('cluster.a.upstream_rq_total: 3\n');
  expect(get('/stats/prometheus').text).toContain('envoy_cluster_upstream_rq_total{envoy_cluster_name="a"} 3');
  expect(get('/stats?filter=(').status).toBe(400);
});

test('changing pages want POST, unknown ones list what there is, foreign names and origins are refused', () => {
  expect(get('/reset_counters').status).toBe(405);
  expect(get('/nope').text).toContain('/ready');
  expect(get('/nope').status).toBe(404);
  expect(get('/ready', { authority: 'evil.example' }).status).toBe(403);
  expect(get('/ready', { origin: 'http://evil.example' }).status).toBe(403);
  expect(acted).toEqual([]);
});

test('a POST reaches its action with what the query says', () => {
  get('/drain_listeners?inboundonly', { method: 'POST' });
  get('/healthcheck/fail', { method: 'POST' });
  get('/quitquitquit', { method: 'POST' });
  expect(acted).toEqual(['{"inboundOnly":true,"graceful":false}', 'failing true', 'quit']);
  expect(get('/logging?level=debug', { method: 'POST' }).text).toContain('dinghy: debug');
  expect(JSON.parse(get('/clock?advance_ms=30000', { method: 'POST' }).text)).toEqual({ ahead_ms: 60_000 });
  for (const wrong of ['-1', '1.5', '', '1e3', '999999999999'])
    expect(get(`/clock?advance_ms=${wrong}`, { method: 'POST' }).status).toBe(400);
});

test('a tap is armed for ports, and what it recorded is shown where there is one', () => {
  acted.length = 0;
  get('/tap/arm?connections=4&ports=15001,9080', { method: 'POST' });
  expect(acted).toEqual(['tap 4 15001,9080']);
  expect(get('/tap/arm?connections=4', { method: 'POST' }).status).toBe(400);
  expect(get('/tap').status).toBe(404);
});

test('the dump tells static, active and warming clusters apart, with versions, and endpoints only when asked', () => {
  const [, clusters] = sections('/config_dump');
  expect(clusters).toMatchObject({
    '@type': 'type.googleapis.com/envoy.admin.v3.ClustersConfigDump',
    version_info: 'v8',
    static_clusters: [{ cluster: { name: 'fixed' } }],
    dynamic_active_clusters: [{ version_info: 'v7', cluster: { name: 'live' }, last_updated: '1970-01-01T00:00:00.000Z' }],
    dynamic_warming_clusters: [{ cluster: { name: 'waits' } }],
  });
  const types = (path: string) => sections(path).map((section) => String(section['@type']).split('.').at(-1));
  expect(types('/config_dump')).toEqual(['BootstrapConfigDump', 'ClustersConfigDump', 'ListenersConfigDump', 'RoutesConfigDump']);
  expect(types('/config_dump?include_eds')).toContain('EndpointsConfigDump');
});

test('the dump can be cut down to one list and to names, and refuses what it does not know', () => {
  expect(sections('/config_dump?resource=dynamic_listeners')).toMatchObject([
    { '@type': 'type.googleapis.com/envoy.admin.v3.ListenersConfigDump.DynamicListener', name: 'web', active_state: { listener: {} } },
  ]);
  expect(sections('/config_dump?name_regex=fix')[1]).toMatchObject({ dynamic_active_clusters: [], static_clusters: [{}] });
  expect(get('/config_dump?shape=x').status).toBe(400);
});

test('a mask leaves only the fields that it names, and complains when nothing has them', () => {
  const { configs } = JSON.parse(get('/config_dump?resource=dynamic_active_clusters&mask=cluster.name,nope').text);
  expect(configs).toEqual([
    { '@type': 'type.googleapis.com/envoy.admin.v3.ClustersConfigDump.DynamicCluster', cluster: { '@type': 'x', name: 'live' } },
  ]);
  expect(JSON.parse(get('/config_dump?mask=bootstrap').text).configs).toEqual([
    { '@type': 'type.googleapis.com/envoy.admin.v3.BootstrapConfigDump', bootstrap: { node: {} } },
  ]);
  expect(get('/config_dump?mask=nope')).toMatchObject({ status: 400, text: expect.stringContaining('FieldMask nope') });
  expect(get('/config_dump?resource=nope').status).toBe(404);
});

test('patterns are RE2: what another engine would go on about for ever ends at once, and a wrong one is told', () => {
  expect(get(`/stats?filter=${encodeURIComponent('^(\\w+\\.?)+$')}`).status).toBe(200);
  expect(get('/clusters?filter=^b$').text).not.toContain('a::');
  expect(get('/clusters?filter=(')).toMatchObject({ status: 400, text: expect.stringContaining('Invalid re2 regex') });
});

test('hosts are told with their numbers, as lines and as JSON', () => {
  const { text } = get('/clusters');
  for (const line of [
    'a::observability_name::a;',
    'a::high_priority::max_retries::0',
    'a::127.0.0.1:80::cx_active::1',
    'a::127.0.0.1:80::cx_total::2',
    'a::127.0.0.1:80::rq_timeout::1',
    'a::127.0.0.1:80::rq_success::2',
    'a::127.0.0.1:80::weight::7',
    'a::127.0.0.1:80::zone::z',
  ])
    expect(text).toContain(`${line}\n`);
  const [host] = JSON.parse(get('/clusters?format=json').text).cluster_statuses[0].host_statuses;
  expect(host).toMatchObject({
    address: { socket_address: { port_value: 80 } },
    health_status: { eds_health_status: 'HEALTHY' },
    weight: 7,
  });
  expect(host.stats).toContainEqual({ name: 'rq_total', value: '5' });
  expect(host.stats).toContainEqual({ type: 'GAUGE', name: 'rq_pending_active', value: '4' });
});

test('a limit of 0 is told as such: only a field that is not there means the default', () => {
  const [status] = JSON.parse(get('/clusters?format=json').text).cluster_statuses;
  expect(status.circuit_breakers.thresholds[1]).toMatchObject({ priority: 'HIGH', max_retries: 0 });
});

test('/breakers tells how much is in use, and of how much; without a bound in the number that Istio writes', () => {
  const { clusters } = JSON.parse(get('/breakers').text);
  expect(clusters[0].breakers[0]).toEqual({
    priority: 'default',
    connections: { used: 1, limit: 1, refused: 3 },
    pending: { used: 2, limit: 2, refused: 5 },
    requests: { used: 1, limit: 3, refused: 0 },
    retries: { used: 0, limit: 4, refused: 0 },
    hasRetryBudget: false,
    perHostConnections: 4_294_967_295,
  });
  expect(clusters[0].breakers[1]).toMatchObject({ priority: 'high', hasRetryBudget: true, perHostConnections: 1 });
  expect(JSON.parse(get('/breakers?filter=b').text)).toEqual({ clusters: [] });
});

test('/certs tells of each context what it believes and what it shows, and how long that holds', () => {
  const { text } = adminAnswer({ method: 'GET', path: '/certs', authority: 'localhost', origin: undefined }, view);
  const times = (notAfter: string) => ({ valid_from: '2026-11-01T00:00:00Z', expiration_time: notAfter });
  expect(JSON.parse(text)).toEqual({
    certificates: [
      {
        ca_cert: [
          { path: '<inline>', serial_number: '1ec2', subject_alt_names: [], days_until_expiration: '30', ...times('2026-12-24T15:00:00Z') },
        ],
        cert_chain: [
          {
            path: '/etc/chain.pem',
            serial_number: '52a1',
            subject_alt_names: [{ dns: 'reviews.example' }, { uri: 'spiffe://cluster.local/ns/default/sa/reviews' }],
            days_until_expiration: '0',
            ...times('2026-11-23T00:00:00Z'),
          },
        ],
      },
    ],
  });
});
