/** What translation made, and EnvoyFilters → what the proxy gets. Pure. Validation has seen that nothing else is in them. */
import { parseClusterName } from '#api/names.ts';
import {
  type Any,
  Cluster,
  type FilterChain,
  HttpConnectionManager,
  HttpFilter,
  type Listener,
  Route,
  type RouteConfiguration,
} from '#envoy';
import type { Mesh, ProxyNode } from '../../mesh/mesh.ts';
import { HCM } from '../listeners/listener-parts.ts';
import { pack } from '../pack.ts';
import type { TranslatedResources } from '../translated-resources.ts';
import { changedBy, isIn, type Patch, type PatchContext, patchesFor } from './patches.ts';

/** The same resources where no EnvoyFilter is for this proxy. */
export const withEnvoyFilters = (mesh: Mesh, proxy: ProxyNode, resources: TranslatedResources): TranslatedResources => {
  const patches = patchesFor(mesh, proxy);
  if (patches.length === 0) return resources;
  const outward: PatchContext = proxy.type === 'router' ? 'GATEWAY' : 'SIDECAR_OUTBOUND';
  return {
    ...resources,
    clusters: resources.clusters.map((cluster) => patchedCluster(cluster, patches, outward)),
    listeners: resources.listeners.map((listener) => patchedListener(listener, patches, outward)),
    routes: resources.routes.map((table) => patchedRoutes(table, patches, outward)),
  };
};

const patchedCluster = (cluster: Cluster, patches: readonly Patch[], outward: PatchContext): Cluster => {
  const here = cluster.name.startsWith('inbound|') ? 'SIDECAR_INBOUND' : outward;
  const mine = patches.filter((patch) => patch.applyTo === 'CLUSTER' && isIn(patch, here) && isOfCluster(patch, cluster.name));
  if (mine.length === 0) return cluster;
  const healthChecks = mine.flatMap(({ value }) => Cluster.fromJSON(value).healthChecks);
  const sources = mine.map(({ source }) => source);
  return { ...cluster, healthChecks: [...cluster.healthChecks, ...healthChecks], metadata: changedBy(cluster.metadata, sources) };
};

/** A name decides alone. Clusters that stand for no service have no host. */
const isOfCluster = ({ match: { cluster } }: Patch, name: string): boolean => {
  if (!cluster) return true;
  if (cluster.name) return cluster.name === name;
  const known = parseClusterName(name);
  if (cluster.subset && cluster.subset !== known?.subset) return false;
  if (cluster.service && cluster.service !== known?.host) return false;
  return !cluster.portNumber || cluster.portNumber === known?.port;
};

const patchedListener = (listener: Listener, patches: readonly Patch[], outward: PatchContext): Listener => {
  const here = listener.name === 'virtualInbound' ? 'SIDECAR_INBOUND' : outward;
  const inserts = patches.filter(
    (patch) => patch.applyTo === 'HTTP_FILTER' && isIn(patch, here) && (patch.match.listener?.name ?? listener.name) === listener.name,
  );
  const merges = here === 'SIDECAR_INBOUND' ? patches.filter((patch) => patch.applyTo === 'HTTP_ROUTE') : [];
  if (inserts.length + merges.length === 0) return listener;
  const address = listener.address?.address;
  const port =
    address?.$case === 'socketAddress' && address.value.portSpecifier?.$case === 'portValue' ? address.value.portSpecifier.value : 0;
  return { ...listener, filterChains: listener.filterChains.map((chain) => patchedChain(chain, { inserts, merges, port })) };
};

interface ChainPatches {
  readonly inserts: readonly Patch[];
  readonly merges: readonly Patch[];
  /** Of the listener; a chain may be for one of its own. */
  readonly port: number;
}

const patchedChain = (chain: FilterChain, { inserts, merges, port }: ChainPatches): FilterChain => {
  const own = chain.filterChainMatch?.destinationPort ?? port;
  const mine = inserts.filter(({ match }) => (match.listener?.portNumber || own) === own);
  const filters = chain.filters.map((filter) => {
    if (filter.configType?.$case !== 'typedConfig' || !filter.configType.value.typeUrl.endsWith(`/${HCM}`)) return filter;
    const manager = HttpConnectionManager.decode(filter.configType.value.value);
    const { routeSpecifier } = manager;
    const routes =
      routeSpecifier?.$case === 'routeConfig'
        ? ({ $case: 'routeConfig', value: patchedRoutes(routeSpecifier.value, merges, 'SIDECAR_INBOUND') } as const)
        : routeSpecifier;
    const patched = { ...manager, httpFilters: mine.reduce(inserted, manager.httpFilters), ...(routes && { routeSpecifier: routes }) };
    return { ...filter, configType: { $case: 'typedConfig', value: pack(HCM, patched) as Any } as const };
  });
  return { ...chain, filters };
};

/** Without a filter to stand before it is the first. */
const inserted = (filters: readonly HttpFilter[], { match, operation, value }: Patch): HttpFilter[] => {
  const filter = HttpFilter.fromJSON(value);
  const before = operation === 'INSERT_FIRST' ? undefined : match.listener?.filterChain?.filter?.subFilter?.name;
  if (before === undefined) return [filter, ...filters];
  const index = filters.findIndex(({ name }) => name === before);
  return index === -1 ? [...filters] : [...filters.slice(0, index), filter, ...filters.slice(index)];
};

const patchedRoutes = (table: RouteConfiguration, patches: readonly Patch[], here: PatchContext): RouteConfiguration => {
  const ofTable = patches.filter((patch) => patch.applyTo === 'HTTP_ROUTE' && isIn(patch, here) && isOfTable(patch, table.name));
  if (ofTable.length === 0) return table;
  return {
    ...table,
    virtualHosts: table.virtualHosts.map((host) => {
      const ofHost = ofTable.filter(({ match }) => (match.routeConfiguration?.vhost?.name || host.name) === host.name);
      return {
        ...host,
        routes: host.routes.map((route) =>
          patchedRoute(
            route,
            ofHost.filter((patch) => isOfRoute(patch, route)),
          ),
        ),
      };
    }),
  };
};

/** Tables are named by their port: `9080`, `http.8080`, `inbound|9080||`. */
const isOfTable = ({ match: { routeConfiguration: wanted } }: Patch, name: string): boolean => {
  if (wanted?.name && wanted.name !== name) return false;
  return !wanted?.portNumber || wanted.portNumber === Number(/\d+/.exec(name)?.[0]);
};

const ACTIONS = { ROUTE: 'route', REDIRECT: 'redirect', DIRECT_RESPONSE: 'directResponse' } as const;

const isOfRoute = ({ match }: Patch, { name, action }: Route): boolean => {
  const { name: wanted, action: kind = 'ANY' } = match.routeConfiguration?.vhost?.route ?? {};
  return (!wanted || wanted === name) && (kind === 'ANY' || ACTIONS[kind] === action?.$case);
};

/** Limits are added to those that are there; settings of a filter replace those of the same name. Answers that are made here have no limits of a route. */
const patchedRoute = (route: Route, patches: readonly Patch[]): Route => {
  if (patches.length === 0) return route;
  const merged = patches.map(({ value }) => Route.fromJSON(value));
  const limits = merged.flatMap(({ action }) => (action?.$case === 'route' ? action.value.rateLimits : []));
  const { action } = route;
  return {
    ...route,
    ...(action?.$case === 'route' && {
      action: { $case: 'route', value: { ...action.value, rateLimits: [...action.value.rateLimits, ...limits] } } as const,
    }),
    typedPerFilterConfig: Object.assign(
      { ...route.typedPerFilterConfig },
      ...merged.map(({ typedPerFilterConfig }) => typedPerFilterConfig),
    ),
    metadata: changedBy(
      route.metadata,
      patches.map(({ source }) => source),
    ),
  };
};
