/**
 * What a gRPC program gets that is its own proxy (`xds:///HOST:PORT`, node metadata GENERATOR: grpc). Pure.
 * It asks by name: one API listener a service's port, its route table, then the clusters that the table names. Source: istio pilot/pkg/networking/grpcgen; gRFC A27, A28.
 */
import { outboundClusterName } from '#api/names.ts';
import { Cluster, Cluster_LbPolicy, Listener, type Route, RouteConfiguration, type VirtualHost } from '#envoy';
import type { MeshService } from '../mesh/mesh.ts';
import { ADS } from './config-source.ts';
import { proxylessHttpFilters } from './listeners/http-filters.ts';
import { HCM } from './listeners/listener-parts.ts';
import { pack } from './pack.ts';
import type { RouteView } from './routes/route-view.ts';
import { sidecarRoutes } from './routes/routes.ts';
import type { TranslatedResources } from './translated-resources.ts';

/** all: clusters and endpoints as a sidecar of that workload would have them. */
export const proxylessResources = (
  view: RouteView,
  { clusters, endpoints }: Pick<TranslatedResources, 'clusters' | 'endpoints'>,
): TranslatedResources => {
  const ports = view.services.flatMap((service) =>
    service.ports.filter(({ protocol }) => protocol === 'http').map(({ number }) => ({ service, number })),
  );
  return {
    listeners: ports.map(({ service, number }) => apiListener(service, number)),
    routes: ports.map(({ service, number }) => routeTable(view, service, number)),
    clusters: clusters.map(balancedEvenly),
    endpoints,
  };
};

const apiListener = ({ hostname }: MeshService, port: number): Listener => {
  const name = `${hostname}:${port}`;
  const routeConfigName = outboundClusterName(port, '', hostname);
  const manager = pack(HCM, {
    statPrefix: name,
    routeSpecifier: { $case: 'rds', value: { configSource: ADS, routeConfigName } },
    httpFilters: proxylessHttpFilters(),
  });
  return Listener.fromPartial({ name, apiListener: { apiListener: manager } });
};

/** The sidecar's virtual host of that service. The listener is the service's own, so whatever the program calls it is right. */
const routeTable = (view: RouteView, { hostname }: MeshService, port: number): RouteConfiguration => {
  const host = sidecarRoutes(view, port).virtualHosts.find(({ name }) => name === `${hostname}:${port}`);
  return RouteConfiguration.fromPartial({
    name: outboundClusterName(port, '', hostname),
    virtualHosts: host === undefined ? [] : [{ ...host, domains: ['*'], routes: host.routes.map(understood) } satisfies VirtualHost],
  });
};

/** gRPC refuses a table whose filter settings it does not know, and has deadlines of its own in place of the timeout. */
const understood = (route: Route): Route => {
  const { 'envoy.filters.http.fault': fault } = route.typedPerFilterConfig;
  const action = route.action;
  const timeout = action?.$case === 'route' ? action.value.timeout : undefined;
  const hasTimeout = timeout !== undefined && (timeout.seconds > 0 || timeout.nanos > 0);
  return {
    ...route,
    typedPerFilterConfig: fault === undefined ? {} : { 'envoy.filters.http.fault': fault },
    ...(action?.$case === 'route' &&
      hasTimeout && { action: { $case: 'route', value: { ...action.value, maxStreamDuration: { maxStreamDuration: timeout } } } }),
  };
};

/** Every gRPC library has round robin; not all have least request. Source: grpcgen, which sends it too. */
const balancedEvenly = (cluster: Cluster): Cluster => Cluster.fromPartial({ ...cluster, lbPolicy: Cluster_LbPolicy.ROUND_ROBIN });
