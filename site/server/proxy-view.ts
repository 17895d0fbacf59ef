/** What one proxy runs: its admin pages, boiled down to lists that fit a panel. Works with our proxy and with Envoy. */

import type { ClusterView, EndpointView, ListenerView, ProxyView, RouteTarget, RouteView } from './told.ts';

type Json = Readonly<Record<string, unknown>>;

const object = (value: unknown): Json => (typeof value === 'object' && value !== null ? (value as Json) : {});
const list = (value: unknown): readonly Json[] => (Array.isArray(value) ? value.map(object) : []);
const text = (value: unknown): string => (typeof value === 'string' || typeof value === 'number' ? String(value) : '');
const at = (value: unknown, ...path: readonly string[]): unknown => path.reduce((inner, key) => object(inner)[key], value);

const socket = (address: unknown): string => {
  const inner = object(at(address, 'socket_address'));
  return `${text(inner.address)}:${text(inner.port_value)}`;
};

const chainView = (chain: Json): ListenerView['chains'][number] => {
  const port = text(at(chain, 'filter_chain_match', 'destination_port'));
  const last = list(chain.filters).at(-1);
  const config = object(last?.typed_config);
  const table = text(at(config, 'rds', 'route_config_name')) || text(at(config, 'route_config', 'name'));
  if (table !== '') return { port, kind: 'http', to: table };
  if (text(config.cluster) !== '') return { port, kind: 'tcp', to: text(config.cluster) };
  return { port, kind: 'other', to: text(last?.name) || 'nothing' };
};

/** Envoy's own name for whose traffic a listener takes; our gateways' listeners have none. */
const directionOf = (listener: Json): ListenerView['direction'] => {
  if (listener.traffic_direction === 'INBOUND') return 'inbound';
  return listener.traffic_direction === 'OUTBOUND' ? 'outbound' : 'gateway';
};

const listenerView = (listener: Json): ListenerView => ({
  name: text(listener.name),
  address: socket(listener.address),
  bound: listener.bind_to_port !== false,
  direction: directionOf(listener),
  chains: [...list(listener.filter_chains), ...(listener.default_filter_chain ? [object(listener.default_filter_chain)] : [])].map(
    chainView,
  ),
});

const matchLine = (match: Json): string => {
  const path = ['prefix', 'path', 'path_separated_prefix']
    .map((key) => (match[key] === undefined ? '' : `${key} ${text(match[key])}`))
    .join('');
  const regex = text(at(match, 'safe_regex', 'regex'));
  const headers = list(match.headers).map((header) => {
    const value = object(header.string_match);
    const how = ['exact', 'prefix', 'suffix', 'contains'].find((key) => value[key] !== undefined);
    const wanted = how === undefined ? text(at(value, 'safe_regex', 'regex')) || 'present' : `${how} ${text(value[how])}`;
    return `${header.invert_match === true ? 'not ' : ''}${text(header.name)}: ${wanted}`;
  });
  return [path || (regex && `regex ${regex}`), ...headers].filter((part) => part !== '').join(' and ');
};

const targetsOf = (route: Json): readonly RouteTarget[] => {
  const weighted = list(at(route, 'route', 'weighted_clusters', 'clusters'));
  const total = weighted.reduce((sum, { weight }) => sum + Number(weight ?? 0), 0);
  if (weighted.length > 0)
    return weighted.map(({ name, weight }) => ({ cluster: text(name), share: total === 0 ? 0 : (Number(weight ?? 0) / total) * 100 }));
  const cluster = text(at(route, 'route', 'cluster'));
  return cluster === '' ? [] : [{ cluster, share: 100 }];
};

const ownAction = (route: Json): string => {
  if (route.redirect !== undefined) return `redirect ${text(at(route, 'redirect', 'response_code')) || '301'}`;
  return route.direct_response === undefined ? '' : `answer ${text(at(route, 'direct_response', 'status'))}`;
};

/** `10s`, `0.250s` as protobuf writes durations in JSON; 0 when there is none. */
const durationMs = (value: unknown): number => Math.round((Number.parseFloat(text(value)) || 0) * 1_000);

const retriesOf = (policy: Json): number => (text(policy.retry_on) === '' ? 0 : Number(policy.num_retries ?? 1));

const routeViews = (table: Json): readonly RouteView[] =>
  list(table.virtual_hosts).flatMap((host) =>
    list(host.routes).map((route) => {
      const source = object(at(route, 'metadata', 'filter_metadata', 'dinghy.source'));
      return {
        table: text(table.name),
        host: text(host.name),
        domains: (Array.isArray(host.domains) ? host.domains : []).map(text),
        match: matchLine(object(route.match)),
        targets: targetsOf(route),
        action: ownAction(route),
        timeoutMs: durationMs(at(route, 'route', 'timeout')),
        retries: retriesOf(object(at(route, 'route', 'retry_policy'))),
        resource: text(source.resource),
        field: text(source.fieldPath),
      };
    }),
  );

const endpointView = (host: Json, workloadAt: (address: string) => string): EndpointView => {
  const stat = (name: string) => Number(text(list(host.stats).find((one) => one.name === name)?.value) || '0');
  const address = socket(host.address);
  return {
    address,
    workload: workloadAt(address.slice(0, address.lastIndexOf(':'))),
    health: text(at(host, 'health_status', 'eds_health_status')) || 'HEALTHY',
    requests: stat('rq_total'),
    active: stat('rq_active'),
    errors: stat('rq_error'),
  };
};

/** Admin pages of one proxy, as JSON. */
export interface AdminPages {
  readonly dump: unknown;
  readonly clusters: unknown;
  readonly info: unknown;
}

/** Whose proxy, and whose the addresses are that it knows. */
export interface Viewed {
  readonly name: string;
  readonly workloadAt: (address: string) => string;
}

const upSeconds = (info: unknown): number => Number.parseInt(text(at(info, 'uptime_current_epoch')), 10) || 0;

/** Reads the admin pages' JSON. */
export const proxyView = ({ name, workloadAt }: Viewed, pages: AdminPages): ProxyView => {
  const sections = list(at(pages.dump, 'configs'));
  const section = (type: string): Json => sections.find((candidate) => text(candidate['@type']).endsWith(`.${type}`)) ?? {};
  const { static_listeners, dynamic_listeners } = section('ListenersConfigDump');
  const { static_clusters, dynamic_active_clusters } = section('ClustersConfigDump');
  const { static_route_configs, dynamic_route_configs } = section('RoutesConfigDump');
  const listeners = [
    ...list(dynamic_listeners).map((entry) => at(entry, 'active_state', 'listener')),
    ...list(static_listeners).map((entry) => entry.listener),
  ];
  const clusters = [...list(dynamic_active_clusters), ...list(static_clusters)].map((entry) => object(entry.cluster));
  const tables = [...list(dynamic_route_configs), ...list(static_route_configs)].map((entry) => object(entry.route_config));
  const statuses = list(at(pages.clusters, 'cluster_statuses'));
  const clusterView = (cluster: Json): ClusterView => ({
    name: text(cluster.name),
    type: text(cluster.type) || text(at(cluster, 'cluster_type', 'name')) || 'STATIC',
    policy: text(cluster.lb_policy) || 'ROUND_ROBIN',
    endpoints: list(statuses.find((status) => status.name === cluster.name)?.host_statuses).map((host) => endpointView(host, workloadAt)),
  });
  return {
    name,
    version: text(at(pages.info, 'version')),
    state: text(at(pages.info, 'state')),
    upSeconds: upSeconds(pages.info),
    listeners: listeners.map((listener) => listenerView(object(listener))),
    routes: tables.flatMap(routeViews),
    clusters: clusters.map(clusterView),
  };
};

/** Asks a proxy's admin port. */
export const readProxy = async (viewed: Viewed, adminUrl: string): Promise<ProxyView> => {
  const page = async (path: string): Promise<unknown> => {
    const response = await fetch(new URL(path, adminUrl), { signal: AbortSignal.timeout(5_000) });
    if (!response.ok) throw new Error(`the proxy answered ${response.status} to ${path}`);
    return response.json();
  };
  const [dump, clusters, info] = await Promise.all([page('/config_dump'), page('/clusters?format=json'), page('/server_info')]);
  return proxyView(viewed, { dump, clusters, info });
};
