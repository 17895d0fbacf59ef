/** What one proxy runs: its admin pages, boiled down to lists that fit a panel. Works with our proxy and with Envoy. */

/** A listener and what its connections become. */
export interface ListenerView {
  readonly name: string;
  readonly address: string;
  /** One line a filter chain: `http → 9080`, `tcp → cluster`. */
  readonly chains: readonly string[];
}

/** One route of one virtual host. */
export interface RouteView {
  readonly table: string;
  readonly domains: string;
  readonly match: string;
  readonly action: string;
}

/** A cluster, and its endpoints as they are now. */
export interface ClusterView {
  readonly name: string;
  readonly type: string;
  readonly policy: string;
  readonly endpoints: readonly { readonly address: string; readonly health: string; readonly requests: number }[];
}

/** Everything of one proxy that the panel shows. */
export interface ProxyView {
  readonly name: string;
  readonly version: string;
  readonly state: string;
  readonly listeners: readonly ListenerView[];
  readonly routes: readonly RouteView[];
  readonly clusters: readonly ClusterView[];
}

type Json = Readonly<Record<string, unknown>>;

const object = (value: unknown): Json => (typeof value === 'object' && value !== null ? (value as Json) : {});
const list = (value: unknown): readonly Json[] => (Array.isArray(value) ? value.map(object) : []);
const text = (value: unknown): string => (typeof value === 'string' || typeof value === 'number' ? String(value) : '');
const at = (value: unknown, ...path: readonly string[]): unknown => path.reduce((inner, key) => object(inner)[key], value);

const socket = (address: unknown): string => {
  const inner = object(at(address, 'socket_address'));
  return `${text(inner.address)}:${text(inner.port_value)}`;
};

const chainLine = (chain: Json): string => {
  const port = text(at(chain, 'filter_chain_match', 'destination_port'));
  const where = port === '' ? '' : `port ${port}: `;
  const last = list(chain.filters).at(-1);
  const config = object(last?.typed_config);
  const table = text(at(config, 'rds', 'route_config_name')) || text(at(config, 'route_config', 'name'));
  if (table !== '') return `${where}http → route table ${table}`;
  if (text(config.cluster) !== '') return `${where}tcp → ${text(config.cluster)}`;
  return `${where}${text(last?.name) || 'nothing'}`;
};

const listenerView = (listener: Json): ListenerView => ({
  name: text(listener.name),
  address: `${socket(listener.address)}${listener.bind_to_port === false ? ' (not bound: handed on by virtualOutbound)' : ''}`,
  chains: [...list(listener.filter_chains), ...(listener.default_filter_chain ? [object(listener.default_filter_chain)] : [])].map(
    chainLine,
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

const actionLine = (route: Json): string => {
  const weighted = list(at(route, 'route', 'weighted_clusters', 'clusters'));
  if (weighted.length > 0) return weighted.map((cluster) => `${text(cluster.weight)} → ${text(cluster.name)}`).join('\n');
  const cluster = text(at(route, 'route', 'cluster'));
  if (cluster !== '') return cluster;
  if (route.redirect !== undefined) return 'redirect';
  return route.direct_response === undefined ? '' : `answer ${text(at(route, 'direct_response', 'status'))}`;
};

const routeViews = (table: Json): readonly RouteView[] =>
  list(table.virtual_hosts).flatMap((host) =>
    list(host.routes).map((route) => ({
      table: text(table.name),
      domains: (Array.isArray(host.domains) ? host.domains : []).map(text).join(', '),
      match: matchLine(object(route.match)),
      action: actionLine(route),
    })),
  );

const clusterViews = (clusters: readonly Json[], statuses: readonly Json[]): readonly ClusterView[] =>
  clusters.map((cluster) => {
    const status = statuses.find((candidate) => candidate.name === cluster.name);
    return {
      name: text(cluster.name),
      type: text(cluster.type) || text(at(cluster, 'cluster_type', 'name')) || 'STATIC',
      policy: text(cluster.lb_policy) || 'ROUND_ROBIN',
      endpoints: list(status?.host_statuses).map((host) => ({
        address: socket(host.address),
        health: text(at(host, 'health_status', 'eds_health_status')) || 'HEALTHY',
        requests: Number(text(list(host.stats).find((stat) => stat.name === 'rq_total')?.value) || '0'),
      })),
    };
  });

/** Reads the admin pages' JSON. */
export const proxyView = (
  name: string,
  pages: { readonly dump: unknown; readonly clusters: unknown; readonly info: unknown },
): ProxyView => {
  const sections = list(at(pages.dump, 'configs'));
  const section = (type: string): Json => sections.find((candidate) => text(candidate['@type']).endsWith(type)) ?? {};
  const { static_listeners, dynamic_listeners } = section('ListenersConfigDump');
  const { static_clusters, dynamic_active_clusters } = section('ClustersConfigDump');
  const { static_route_configs, dynamic_route_configs } = section('RoutesConfigDump');
  const listeners = [
    ...list(dynamic_listeners).map((entry) => at(entry, 'active_state', 'listener')),
    ...list(static_listeners).map((entry) => entry.listener),
  ];
  const clusters = [...list(dynamic_active_clusters), ...list(static_clusters)].map((entry) => object(entry.cluster));
  const tables = [...list(dynamic_route_configs), ...list(static_route_configs)].map((entry) => object(entry.route_config));
  return {
    name,
    version: text(at(pages.info, 'version')),
    state: text(at(pages.info, 'state')),
    listeners: listeners.map((listener) => listenerView(object(listener))),
    routes: tables.flatMap(routeViews),
    clusters: clusterViews(clusters, list(at(pages.clusters, 'cluster_statuses'))),
  };
};

/** Asks a proxy's admin port. */
export const readProxy = async (name: string, adminUrl: string): Promise<ProxyView> => {
  const page = async (path: string): Promise<unknown> => {
    const response = await fetch(new URL(path, adminUrl), { signal: AbortSignal.timeout(5_000) });
    if (!response.ok) throw new Error(`the proxy answered ${response.status} to ${path}`);
    return response.json();
  };
  const [dump, clusters, info] = await Promise.all([page('/config_dump'), page('/clusters?format=json'), page('/server_info')]);
  return proxyView(name, { dump, clusters, info });
};
