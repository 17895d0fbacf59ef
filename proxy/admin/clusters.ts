/** `/clusters`: hosts as they run, in Envoy's lines or as envoy.admin.v3.Clusters. */
import { type AdminAnswer, json, plain } from './answer.ts';
import type { ClusterStatus, HostStatus } from './view.ts';

/** Query: `format=json`. */
export const clusters = (all: readonly ClusterStatus[], query: URLSearchParams): AdminAnswer =>
  query.get('format') === 'json' ? json({ cluster_statuses: all.map(statusOf) }) : plain(all.map(linesOf).join(''));

const LIMITS = [
  ['max_connections', 'maxConnections'],
  ['max_pending_requests', 'maxPending'],
  ['max_requests', 'maxRequests'],
  ['max_retries', 'maxRetries'],
] as const;

/** Requests that came to an answer that was no error. */
const succeeded = (host: HostStatus): number => Math.max(0, host.requests - host.errors - host.activeRequests);

const counters = (host: HostStatus): readonly (readonly [string, number])[] => [
  ['cx_connect_fail', host.connectFailures],
  ['rq_error', host.errors],
  ['rq_success', succeeded(host)],
  ['rq_total', host.requests],
];

const gauges = (host: HostStatus): readonly (readonly [string, number])[] => [
  ['cx_active', host.connections],
  ['rq_active', host.activeRequests],
];

const FLAGS = { healthy: 'healthy', degraded: '/degraded_eds_health', unhealthy: '/failed_eds_health' } as const;

const localityOf = (host: HostStatus): { region: string; zone: string; sub_zone: string } => {
  const [region = '', zone = '', sub_zone = ''] = host.locality.split('/');
  return { region, zone, sub_zone };
};

const linesOf = ({ name, addedViaApi, edsServiceName, limits, hosts }: ClusterStatus): string => {
  const line = (...words: readonly (string | number | boolean)[]): string => `${[name, ...words].join('::')}\n`;
  const head = [
    line('observability_name', name),
    ...LIMITS.map(([word, field]) => line('default_priority', word, limits[field])),
    line('added_via_api', addedViaApi),
    ...(edsServiceName === undefined ? [] : [line('eds_service_name', edsServiceName)]),
  ];
  return [...head, ...hosts.flatMap((host) => factsOf(host).map((fact) => line(`${host.address}:${host.port}`, ...fact)))].join('');
};

const factsOf = (host: HostStatus): (readonly [string, string | number | boolean])[] => [
  ...[...gauges(host), ...counters(host)].toSorted(([a], [b]) => (a < b ? -1 : 1)),
  ['hostname', host.hostname],
  ['health_flags', FLAGS[host.health]],
  ['weight', host.weight],
  ...Object.entries(localityOf(host)),
  ['canary', false],
  ['priority', host.priority],
];

const WORDS = { healthy: 'HEALTHY', degraded: 'DEGRADED', unhealthy: 'UNHEALTHY' } as const;

const statusOf = ({ name, addedViaApi, edsServiceName, limits, hosts }: ClusterStatus): object => ({
  name,
  added_via_api: addedViaApi,
  host_statuses: hosts.map((host) => ({
    address: { socket_address: { address: host.address, port_value: host.port } },
    stats: [
      ...counters(host).map(([stat, value]) => ({ name: stat, value: String(value) })),
      ...gauges(host).map(([stat, value]) => ({ type: 'GAUGE', name: stat, value: String(value) })),
    ],
    health_status: { eds_health_status: WORDS[host.health] },
    weight: host.weight,
    ...(host.hostname !== '' && { hostname: host.hostname }),
    priority: host.priority,
    locality: localityOf(host),
  })),
  circuit_breakers: {
    thresholds: [{ priority: 'DEFAULT', ...Object.fromEntries(LIMITS.map(([word, field]) => [word, limits[field]])) }],
  },
  observability_name: name,
  ...(edsServiceName !== undefined && { eds_service_name: edsServiceName }),
});
