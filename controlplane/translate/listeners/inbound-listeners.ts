/** Where a sidecar takes calls to its program. Pure. One listener on the workload's own address; the port decides the chain. */
import { inboundClusterName } from '#api/names.ts';
import { type Filter, FilterChain, type FilterChainMatch, Listener, RetryPolicy, RouteConfiguration, type TransportSocket } from '#envoy';
import { type InboundMode, inboundModes } from '../../mesh/effective-policy.ts';
import { selects } from '../../mesh/labels.ts';
import type { Mesh, MeshService, ProxyNode } from '../../mesh/mesh.ts';
import { socketAddress } from '../endpoints/endpoints.ts';
import { toDuration } from '../pack.ts';
import { emptyRouteAction } from '../routes/route-action.ts';
import { toRouteMatch } from '../routes/route-match.ts';
import { securityOf, type WorkloadSecurity } from '../security/workload-security.ts';
import { hasIdentity, MESH_PROTOCOLS, serverTls } from '../tls-contexts.ts';
import { connectionLogs, refusalLogs } from './access-log.ts';
import { connectionManager, direction, originalDestinationFilter, tcpProxy, tlsInspector } from './listener-parts.ts';

/** The port that inbound connections go to where the network redirects them. */
export const INBOUND_PORT = 15_006;

/** A port of the workload, and how its program listens to it. */
export interface InboundPort {
  readonly number: number;
  readonly protocol: 'http' | 'tcp';
  readonly appPort: number;
  /** The service that it belongs to, and its port there. */
  readonly service: MeshService;
  readonly servicePort: number;
}

/** Ports of the sidecar itself: a program cannot be reached on them, and a listener that could not be bound would take all others with it. */
const OWN_PORTS: ReadonlySet<number> = new Set([15_000, 15_001, INBOUND_PORT]);

/** Ports of the workload that some service leads to and its program listens on. */
export const inboundPorts = (mesh: Mesh, proxy: ProxyNode): InboundPort[] => {
  const own = mesh.services.filter((service) => service.namespace === proxy.namespace && selects(service.selector, proxy.labels));
  const ports = own
    .flatMap((service) => service.ports.map((port) => inboundPort(service, port, proxy)))
    .filter(({ number }) => !OWN_PORTS.has(number));
  return [...new Map(ports.map((port) => [port.number, port])).values()].sort((a, b) => a.number - b.number);
};

const inboundPort = (
  service: MeshService,
  { number, targetPort, protocol }: MeshService['ports'][number],
  { appPorts }: ProxyNode,
): InboundPort => ({
  number: targetPort,
  protocol,
  appPort: appPorts[String(targetPort)] ?? targetPort,
  service,
  servicePort: number,
});

/** virtualInbound, or nothing for a workload that no service leads to. */
export const inboundListeners = (mesh: Mesh, proxy: ProxyNode): Listener[] => {
  const ports = inboundPorts(mesh, proxy);
  if (ports.length === 0) return [];
  const security = securityOf(mesh, proxy);
  const modeOf = hasIdentity(proxy.labels) ? inboundModes(mesh, proxy) : () => 'DISABLE' as const;
  const chains = ports.flatMap((port) => chainsOf(mesh, port, security, modeOf(port.number)));
  const inspects = ports.some(({ number }) => modeOf(number) !== 'DISABLE');
  return [
    Listener.fromPartial({
      name: 'virtualInbound',
      ...entrance(proxy, ports),
      listenerFilters: [...(proxy.interception ? [originalDestinationFilter()] : []), ...(inspects ? [tlsInspector()] : [])],
      filterChains: chains,
      accessLog: refusalLogs(
        mesh.config,
        ports.map(({ number }) => [number, modeOf(number)]),
      ),
      ...direction('inbound'),
    }),
  ];
};

/**
 * STRICT has no chain that would take plain text, so such a connection ends at once. PERMISSIVE knows the mesh's own clients by what they offer;
 * other TLS is the program's own and, where it is not HTTP, passes as it is.
 */
const chainsOf = (mesh: Mesh, port: InboundPort, security: WorkloadSecurity, mode: InboundMode): FilterChain[] => {
  const isTcp = port.protocol === 'tcp';
  const filters = isTcp ? tcpFilters(mesh, port, security) : [httpChain(mesh, port, security)];
  const chain = (match: Partial<FilterChainMatch>, transportSocket?: TransportSocket): FilterChain =>
    FilterChain.fromPartial({
      name: `0.0.0.0_${port.number}`,
      filters,
      filterChainMatch: { destinationPort: port.number, ...match },
      ...(transportSocket && { transportSocket }),
    });
  if (mode === 'DISABLE') return [chain({})];
  const secured = serverTls(mesh.config);
  if (mode === 'STRICT') return [chain({ transportProtocol: 'tls' }, secured)];
  return [
    chain({ transportProtocol: 'tls', applicationProtocols: [...MESH_PROTOCOLS] }, secured),
    ...(isTcp ? [chain({ transportProtocol: 'tls' })] : []),
    chain({ transportProtocol: 'raw_buffer' }),
  ];
};

const tcpFilters = ({ config }: Mesh, { number }: InboundPort, { tcp }: WorkloadSecurity): Filter[] => [
  ...tcp,
  tcpProxy(inboundClusterName(number), { accessLog: tcp.length > 0 ? connectionLogs(config) : [] }),
];

/** Redirected connections all come to one port and keep where they were going; else the sidecar listens where it is dialled. */
const entrance = ({ ip, interception }: ProxyNode, ports: readonly InboundPort[]) =>
  interception
    ? { address: socketAddress('0.0.0.0', INBOUND_PORT) }
    : {
        address: socketAddress(ip, INBOUND_PORT),
        additionalAddresses: ports.map(({ number }) => ({ address: socketAddress(ip, number) })),
      };

const httpChain = ({ config }: Mesh, port: InboundPort, security: WorkloadSecurity) =>
  connectionManager({
    config,
    statPrefix: `inbound_0.0.0.0_${port.number};`,
    routes: { inline: inboundRoutes(port) },
    edge: false,
    serverName: 'istio-envoy',
    security: security.http,
    clientCertificate: 'added',
  });

/** A call that never reached the program may be tried again, whatever it asks for. Source: istio's default inbound retry policy. */
const INBOUND_RETRIES = RetryPolicy.fromPartial({ retryOn: 'reset-before-request', numRetries: 2 });

const inboundRoutes = ({ number, service: { hostname } }: InboundPort): RouteConfiguration => {
  const cluster = inboundClusterName(number);
  const clusterSpecifier = { $case: 'cluster', value: cluster } as const;
  const action = { ...emptyRouteAction(), clusterSpecifier, timeout: toDuration(0), retryPolicy: INBOUND_RETRIES };
  const route = {
    name: 'default',
    match: toRouteMatch(undefined),
    action: { $case: 'route', value: action } as const,
    decorator: { operation: `${hostname}:${number}/*` },
  };
  return RouteConfiguration.fromPartial({
    name: cluster,
    virtualHosts: [{ name: `inbound|http|${number}`, domains: ['*'], routes: [route] }],
    validateClusters: false,
  });
};
