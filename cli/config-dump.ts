/** Envoy's admin pages → rows of a table. Pure; unknown shapes give empty cells, never errors. */

/** Any JSON object. */
export type Json = Readonly<Record<string, unknown>>;

const object = (value: unknown): Json => (typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : {});
const list = (value: unknown): Json[] => (Array.isArray(value) ? value.map(object) : []);
const text = (value: unknown): string => (typeof value === 'string' || typeof value === 'number' ? String(value) : '');
const at = (value: unknown, ...path: readonly string[]): unknown => path.reduce<unknown>((inner, key) => object(inner)[key], value);
const words = (value: unknown): string => (Array.isArray(value) ? value.map(text).join(', ') : '');

const section = (dump: Json, type: string): Json => list(dump.configs).find((config) => text(config['@type']).endsWith(`.${type}`)) ?? {};

const address = (value: unknown): string => {
  const port = text(at(value, 'socket_address', 'port_value'));
  return `${text(at(value, 'socket_address', 'address'))}${port === '' ? '' : `:${port}`}`;
};

/** One row a filter chain: listener, where it listens, which connections, where they go. */
export const listenerRows = (dump: Json): string[][] => {
  const { dynamic_listeners, static_listeners } = section(dump, 'ListenersConfigDump');
  const listeners = [
    ...list(dynamic_listeners).map((one) => object(at(one, 'active_state', 'listener'))),
    ...list(static_listeners).map((one) => object(one.listener)),
  ];
  return listeners.flatMap((listener) => {
    const chains = [...list(listener.filter_chains), ...list([listener.default_filter_chain ?? []].flat())];
    const bound = listener.bind_to_port === false ? ' (not bound)' : '';
    return chains.map((chain) => [text(listener.name), `${address(listener.address)}${bound}`, chainMatch(chain), chainTarget(chain)]);
  });
};

const chainMatch = (chain: Json): string => {
  const match = object(chain.filter_chain_match);
  const parts = [
    ['port', text(match.destination_port)],
    ['SNI', words(match.server_names)],
    ['transport', text(match.transport_protocol)],
    ['ALPN', words(match.application_protocols)],
  ];
  return parts.flatMap(([name, value]) => (value ? [`${name} ${value}`] : [])).join('; ') || 'ALL';
};

const chainTarget = (chain: Json): string => {
  const config = object(list(chain.filters).at(-1)?.typed_config);
  const route = text(at(config, 'rds', 'route_config_name'));
  if (route !== '') return `Route: ${route}`;
  const inline = list(at(config, 'route_config', 'virtual_hosts')).flatMap((host) => list(host.routes).map(destination));
  return inline.length > 0 ? `Inline Route: ${inline.join(', ')}` : `Cluster: ${text(config.cluster)}`;
};

/** One row a route, in the order in which they are tried. */
export const routeRows = (dump: Json): string[][] => {
  const { dynamic_route_configs, static_route_configs } = section(dump, 'RoutesConfigDump');
  const tables = [...list(dynamic_route_configs), ...list(static_route_configs)].map((one) => object(one.route_config));
  return tables.flatMap((table) =>
    list(table.virtual_hosts).flatMap((host) =>
      list(host.routes).map((route) => [text(table.name), shortDomains(host), routeMatch(object(route.match)), destination(route)]),
    ),
  );
};

const MAX_DOMAINS = 2;

const shortDomains = (host: Json): string => {
  const domains = Array.isArray(host.domains) ? host.domains.map(text) : [];
  const more = domains.length - MAX_DOMAINS;
  return `${domains.slice(0, MAX_DOMAINS).join(', ')}${more > 0 ? ` + ${more} more` : ''}`;
};

const stringMatch = (value: unknown): string => {
  const [how = '', wanted] = Object.entries(object(value)).find(([key]) => key !== 'ignore_case') ?? [];
  return how === 'safe_regex' ? `~ ${text(at(wanted, 'regex'))}` : `${how} ${text(wanted)}`;
};

const routeMatch = (match: Json): string => {
  const path =
    match.prefix !== undefined
      ? `${text(match.prefix)}*`
      : text(match.path) || text(match.path_separated_prefix) || text(at(match, 'safe_regex', 'regex'));
  const headers = list(match.headers).map(
    (header) =>
      `${header.invert_match === true ? 'not ' : ''}${text(header.name)} ${header.string_match === undefined ? 'present' : stringMatch(header.string_match)}`,
  );
  return [path, ...headers].join('; ');
};

const destination = (route: Json): string => {
  const weighted = list(at(route, 'route', 'weighted_clusters', 'clusters'));
  if (weighted.length > 0) return weighted.map((one) => `${text(one.name)} (${text(one.weight) || '0'})`).join(', ');
  if (route.redirect !== undefined) return 'redirect';
  if (route.direct_response !== undefined) return `answer ${text(at(route, 'direct_response', 'status'))}`;
  return text(at(route, 'route', 'cluster'));
};

/** One row a cluster. */
export const clusterRows = (dump: Json): string[][] => {
  const { dynamic_active_clusters, static_clusters } = section(dump, 'ClustersConfigDump');
  const clusters = [...list(dynamic_active_clusters), ...list(static_clusters)].map((one) => object(one.cluster));
  return clusters.map((cluster) => [text(cluster.name), text(cluster.type) || 'STATIC', text(cluster.lb_policy) || 'ROUND_ROBIN']);
};

/** One row an endpoint, from `/clusters?format=json`. */
export const endpointRows = (page: Json): string[][] =>
  list(page.cluster_statuses).flatMap((cluster) =>
    list(cluster.host_statuses).map((host) => [address(host.address), hostState(object(host.health_status)), text(cluster.name)]),
  );

const hostState = (health: Json): string => {
  if (health.failed_outlier_check === true) return 'EJECTED';
  return health.failed_active_health_check === true ? 'UNHEALTHY' : text(health.eds_health_status) || 'HEALTHY';
};
