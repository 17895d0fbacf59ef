/** Gateways and the VirtualServices bound to them → what an ingress gateway opens. Pure. */
import { Listener, type Route, RouteConfiguration, VirtualHost } from '#envoy';
import { bySpecificity } from '../../mesh/hostnames.ts';
import type { Mesh, ProxyNode } from '../../mesh/mesh.ts';
import { isGatewayHttp } from '../../resources/gateway.ts';
import { socketAddress } from '../endpoints/endpoints.ts';
import { boundVirtualServices, type RouteView } from '../routes/route-view.ts';
import { routesOf } from '../routes/routes.ts';
import { securityOf, type WorkloadSecurity } from '../security/workload-security.ts';
import { gatewayConnections } from './gateway-connections.ts';
import { type OpenServer, openHosts, openServers } from './gateway-servers.ts';
import { connectionManager, direction, filterChain } from './listener-parts.ts';

/** One open HTTP port: which Gateways ask for it, and for which hosts. */
interface OpenPort {
  readonly number: number;
  readonly servers: readonly {
    readonly gateway: string;
    readonly hosts: OpenServer['hosts'];
    /** Plain requests are sent to https. */
    readonly toHttps: boolean;
  }[];
}

/** HTTP ports of all Gateways that select this proxy. */
const openPorts = (mesh: Mesh, proxy: ProxyNode): OpenPort[] => {
  const ports = new Map<number, OpenPort['servers'][number][]>();
  for (const { server, number, gateway, hosts } of openServers(mesh, proxy)) {
    if (!isGatewayHttp(server.port?.protocol)) continue;
    ports.set(number, [...(ports.get(number) ?? []), { gateway, hosts, toHttps: server.tls?.httpsRedirect === true }]);
  }
  return [...ports].map(([number, servers]) => ({ number, servers }));
};

/** Listeners and their RDS, `http.PORT`. */
export const gatewayResources = (view: Omit<RouteView, 'gateway'>): { listeners: Listener[]; routes: RouteConfiguration[] } => {
  const { mesh, proxy } = view;
  const ports = openPorts(mesh, proxy);
  const security = securityOf(mesh, proxy);
  return {
    listeners: [
      ...ports.map((port) => listenerOf(mesh, proxy, port, security)),
      ...gatewayConnections(
        view,
        ports.map(({ number }) => number),
      ),
    ],
    routes: ports.map((port) => routesOfPort({ ...view, gateway: '' }, port)),
  };
};

/** VirtualHost.TlsRequirementType. */
const ALL_OVER_TLS = 2;

const listenerOf = ({ config }: Mesh, { ip }: ProxyNode, { number }: OpenPort, security: WorkloadSecurity): Listener => {
  const name = `0.0.0.0_${number}`;
  const manager = connectionManager({
    config,
    statPrefix: `outbound_${name};`,
    routes: { rds: `http.${number}` },
    edge: true,
    serverName: 'istio-envoy',
    clientCertificate: 'only',
    security: security.http,
  });
  return Listener.fromPartial({
    name,
    address: socketAddress(ip, number),
    filterChains: [filterChain(name, [manager])],
    ...direction('outbound'),
  });
};

/** On gateways VirtualServices for one host are joined, oldest first, and what takes everything comes last. A port without any still answers: 404. */
const routesOfPort = (view: RouteView, { number, servers }: OpenPort): RouteConfiguration => {
  const byHost = new Map<string, VirtualHost>();
  for (const server of servers) {
    const bound: RouteView = { ...view, gateway: server.gateway };
    for (const stored of boundVirtualServices(bound))
      for (const host of openHosts(stored, server.hosts)) {
        hostOf(byHost, host, number).routes.push(...routesOf(bound, stored, number));
        if (server.toHttps) hostOf(byHost, host, number).requireTls = ALL_OVER_TLS;
      }
    // Also where no VirtualService leads anywhere yet.
    if (server.toHttps) for (const [, host] of server.hosts) hostOf(byHost, host, number).requireTls = ALL_OVER_TLS;
  }
  const virtualHosts = [...byHost.entries()]
    .sort(([a], [b]) => bySpecificity(a, b))
    .map(([, virtualHost]) => ({ ...virtualHost, routes: catchAllsLast(virtualHost.routes) }));
  return RouteConfiguration.fromPartial({
    name: `http.${number}`,
    virtualHosts: virtualHosts.length > 0 ? virtualHosts : [nobody(number)],
    validateClusters: false,
    ignorePortInHostMatching: true,
  });
};

const hostOf = (byHost: Map<string, VirtualHost>, host: string, port: number): VirtualHost => {
  const known = byHost.get(host) ?? VirtualHost.fromPartial({ name: `${host}:${port}`, domains: [host], includeRequestAttemptCount: true });
  byHost.set(host, known);
  return known;
};

/** Otherwise the catch-all of the older VirtualService would hide the younger one whole. Source: istio SortVHostRoutes. */
const catchAllsLast = (routes: readonly Route[]): Route[] => [
  ...routes.filter((route) => !takesEverything(route)),
  ...routes.filter(takesEverything),
];

const takesEverything = ({ match }: Route): boolean => {
  const path = match?.pathSpecifier;
  const anyPath = (path?.$case === 'prefix' && path.value === '/') || (path?.$case === 'safeRegex' && path.value.regex === '.*');
  return anyPath && match?.headers.length === 0 && match.queryParameters.length === 0 && match.dynamicMetadata.length === 0;
};

const nobody = (port: number): VirtualHost => VirtualHost.fromPartial({ name: `blackhole:${port}`, domains: ['*'] });
