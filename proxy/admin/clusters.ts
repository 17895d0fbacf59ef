/** `/clusters`: hosts as they run, in Envoy's lines or as envoy.admin.v3.Clusters. */
import { type AdminAnswer, json, plain } from './answer.ts';
import { healthFlags, healthStatus } from './health-flags.ts';
import { search } from './search.ts';
import type { ClusterStatus, HostStatus, LimitsStatus } from './view.ts';

/** Query: `format=json`, and `filter`, a regular expression for names. */
export const clusters = (all: readonly ClusterStatus[], query: URLSearchParams): AdminAnswer => {
  const wanted = search(query.get('filter'));
  const chosen = wanted ? all.filter(({ name }) => wanted(name)) : all;
  return query.get('format') === 'json' ? json({ cluster_statuses: chosen.map(statusOf) }) : plain(chosen.map(linesOf).join(''));
};

const LIMITS = [
  ['max_connections', 'maxConnections'],
  ['max_pending_requests', 'maxPending'],
  ['max_requests', 'maxRequests'],
  ['max_retries', 'maxRetries'],
] as const;

type Facts = readonly (readonly [string, number])[];

const counters = (host: HostStatus): Facts => [
  ['cx_connect_fail', host.connectFailures],
  ['cx_total', host.openedConnections],
  ['rq_error', host.errors],
  ['rq_success', host.successes],
  ['rq_timeout', host.timeouts],
  ['rq_total', host.requests],
];

const gauges = (host: HostStatus): Facts => [
  ['cx_active', host.connections],
  ['rq_active', host.activeRequests],
  ['rq_pending_active', host.pendingRequests],
];

/** Six digits, as Envoy writes these. */
const short = (value: number): string => String(Number(value.toPrecision(6)));

type Rates = NonNullable<ClusterStatus['rates']>;

const rateFacts = ({ external, local }: Rates): (readonly [string, string])[] => [
  ['success_rate_average', short(external.average)],
  ['success_rate_ejection_threshold', short(external.threshold)],
  ['local_origin_success_rate_average', short(local.average)],
  ['local_origin_success_rate_ejection_threshold', short(local.threshold)],
];

const thresholdsOf = ({ external, local }: Rates): object => ({
  ...(external.threshold > 0 && { success_rate_ejection_threshold: { value: external.threshold } }),
  ...(local.threshold > 0 && { local_origin_success_rate_ejection_threshold: { value: local.threshold } }),
});

const localityOf = (host: HostStatus): { region: string; zone: string; sub_zone: string } => {
  const [region = '', zone = '', sub_zone = ''] = host.locality.split('/');
  return { region, zone, sub_zone };
};

const linesOf = ({ name, statName, addedViaApi, edsServiceName, limits, highLimits, hosts, rates }: ClusterStatus): string => {
  const line = (...words: readonly (string | number | boolean)[]): string => `${[name, ...words].join('::')}\n`;
  const limitLines = (priority: string, of: LimitsStatus) => LIMITS.map(([word, field]) => line(priority, word, of[field]));
  const head = [
    line('observability_name', statName),
    ...(rates ? rateFacts(rates).map((fact) => line('outlier', ...fact)) : []),
    ...limitLines('default_priority', limits),
    ...limitLines('high_priority', highLimits),
    line('added_via_api', addedViaApi),
    ...(edsServiceName === undefined ? [] : [line('eds_service_name', edsServiceName)]),
  ];
  return [...head, ...hosts.flatMap((host) => factsOf(host).map((fact) => line(`${host.address}:${host.port}`, ...fact)))].join('');
};

const factsOf = (host: HostStatus): (readonly [string, string | number | boolean])[] => [
  ...[...gauges(host), ...counters(host)].toSorted(([a], [b]) => (a < b ? -1 : 1)),
  ['hostname', host.hostname],
  ['health_flags', healthFlags(host.configuredHealth, host.marks)],
  ['weight', host.weight],
  ...Object.entries(localityOf(host)),
  ['canary', false],
  ['priority', host.priority],
  ['success_rate', host.successRate],
  ['local_origin_success_rate', host.localSuccessRate],
];

/** Protobuf's JSON leaves out what is zero, empty or the first of an enum. */
const set = (fields: Readonly<Record<string, unknown>>): object =>
  Object.fromEntries(
    Object.entries(fields).filter(([, value]) => value !== 0 && value !== '' && value !== '0' && value !== false && value !== undefined),
  );

const statusOf = ({ name, statName, addedViaApi, edsServiceName, limits, highLimits, hosts, rates }: ClusterStatus): object => {
  const threshold = (of: LimitsStatus) => Object.fromEntries(LIMITS.map(([word, field]) => [word, of[field]]));
  return {
    name,
    ...set({ added_via_api: addedViaApi }),
    ...(rates && thresholdsOf(rates)),
    ...(hosts.length > 0 && { host_statuses: hosts.map(hostOf) }),
    circuit_breakers: { thresholds: [threshold(limits), { priority: 'HIGH', ...threshold(highLimits) }] },
    observability_name: statName,
    ...set({ eds_service_name: edsServiceName }),
  };
};

const hostOf = (host: HostStatus): object => ({
  address: { socket_address: { address: host.address, port_value: host.port } },
  stats: [
    ...counters(host).map(([name, value]) => ({ ...set({ value: String(value) }), name })),
    ...gauges(host).map(([name, value]) => ({ type: 'GAUGE', ...set({ value: String(value) }), name })),
  ],
  health_status: healthStatus(host.configuredHealth, host.marks),
  ...(host.successRate >= 0 && { success_rate: set({ value: host.successRate }) }),
  ...(host.localSuccessRate >= 0 && { local_origin_success_rate: set({ value: host.localSuccessRate }) }),
  ...set({ weight: host.weight, hostname: host.hostname, priority: host.priority }),
  locality: set(localityOf(host)),
});
