/** Gateways and the VirtualServices bound to them → what an ingress gateway opens. Pure. */
import { Listener, RouteConfiguration, VirtualHost } from '#envoy';
import { bySpecificity, hostCovers, resolveHost } from '../mesh/hostnames.ts';
import { selects } from '../mesh/labels.ts';
import type { Mesh, MeshService, ProxyNode, StoredVirtualService } from '../mesh/mesh.ts';
import { isGatewayHttp } from '../resources/gateway.ts';
import { socketAddress } from './endpoints.ts';
import { connectionManager, direction, filterChain } from './listener-parts.ts';
import { boundVirtualServices, type RouteView, routesOf } from './routes.ts';

/** One open HTTP port: which Gateways ask for it, and for which hosts. */
interface OpenPort {
  readonly number: number;
  /** hosts: `namespace/host` restrictions are resolved to [namespace or `*`, host]. */
  readonly servers: readonly {
    readonly gateway: string;
    readonly namespace: string;
    readonly hosts: readonly (readonly [string, string])[];
  }[];
}

/** HTTP ports of all Gateways that select this proxy. */
const openPorts = (mesh: Mesh, proxy: ProxyNode): OpenPort[] => {
  const ports = new Map<number, OpenPort['servers'][number][]>();
  for (const { resource } of mesh.gateways) {
    const { metadata, spec } = resource;
    if (Object.keys(spec.selector ?? {}).length > 0 && !selects(spec.selector ?? {}, proxy.labels)) continue;
    for (const server of spec.servers ?? []) {
      const number = server.port?.number;
      if (number === undefined || !isGatewayHttp(server.port?.protocol)) continue;
      const hosts = (server.hosts ?? []).map((host) => splitHost(host, metadata.namespace));
      ports.set(number, [
        ...(ports.get(number) ?? []),
        { gateway: `${metadata.namespace}/${metadata.name}`, namespace: metadata.namespace, hosts },
      ]);
    }
  }
  return [...ports].map(([number, servers]) => ({ number, servers }));
};

const splitHost = (host: string, namespace: string): readonly [string, string] => {
  const [scope, name] = host.includes('/') ? host.split('/', 2) : ['*', host];
  return [scope === '.' ? namespace : (scope ?? '*'), (name ?? '*').toLowerCase()];
};

/** Listeners and their RDS, `http.PORT`. */
export const gatewayResources = (
  mesh: Mesh,
  proxy: ProxyNode,
  services: readonly MeshService[],
): { listeners: Listener[]; routes: RouteConfiguration[] } => {
  const ports = openPorts(mesh, proxy);
  return {
    listeners: ports.map((port) => listenerOf(mesh, proxy, port)),
    routes: ports.map((port) => routesOfPort({ mesh, proxy, services, gateway: '' }, port)),
  };
};

const listenerOf = ({ config }: Mesh, { ip }: ProxyNode, { number }: OpenPort): Listener => {
  const name = `0.0.0.0_${number}`;
  const manager = connectionManager({
    config,
    statPrefix: `outbound_${name};`,
    routes: { rds: `http.${number}` },
    edge: true,
    serverName: 'istio-envoy',
  });
  return Listener.fromPartial({
    name,
    address: socketAddress(ip, number),
    filterChains: [filterChain(name, [manager])],
    ...direction('outbound'),
  });
};

/** On gateways VirtualServices for one host are joined, oldest first. A port without any still answers: 404. */
const routesOfPort = (view: RouteView, { number, servers }: OpenPort): RouteConfiguration => {
  const byHost = new Map<string, VirtualHost>();
  for (const server of servers) {
    const bound: RouteView = { ...view, gateway: server.gateway };
    for (const stored of boundVirtualServices(bound))
      for (const host of openHosts(stored, server.hosts)) addRoutes(byHost, bound, { stored, host, port: number });
  }
  const virtualHosts = [...byHost.entries()].sort(([a], [b]) => bySpecificity(a, b)).map(([, virtualHost]) => virtualHost);
  return RouteConfiguration.fromPartial({
    name: `http.${number}`,
    virtualHosts: virtualHosts.length > 0 ? virtualHosts : [nobody(number)],
    validateClusters: false,
    ignorePortInHostMatching: true,
  });
};

/** Hosts that both the Gateway opens and the VirtualService names: the narrower of the two. */
const openHosts = ({ resource: { spec, metadata } }: StoredVirtualService, opened: OpenPort['servers'][number]['hosts']): string[] => {
  const wanted = (spec.hosts ?? []).map((host) =>
    host.includes('.') || host === '*' ? host.toLowerCase() : resolveHost(host, metadata.namespace),
  );
  const pairs = opened
    .filter(([scope]) => scope === '*' || scope === metadata.namespace)
    .flatMap(([, open]) => wanted.map((host) => [open, host] as const));
  return [...new Set(pairs.flatMap(([open, host]) => (hostCovers(open, host) ? [host] : hostCovers(host, open) ? [open] : [])))];
};

const addRoutes = (
  byHost: Map<string, VirtualHost>,
  view: RouteView,
  { stored, host, port }: { stored: StoredVirtualService; host: string; port: number },
): void => {
  const routes = routesOf(view, stored, port);
  const known = byHost.get(host);
  if (known) known.routes.push(...routes);
  else byHost.set(host, VirtualHost.fromPartial({ name: `${host}:${port}`, domains: [host], routes, includeRequestAttemptCount: true }));
};

const nobody = (port: number): VirtualHost => VirtualHost.fromPartial({ name: `blackhole:${port}`, domains: ['*'] });
