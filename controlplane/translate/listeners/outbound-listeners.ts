/** Where a sidecar takes its program's calls. Pure. Shape as Istio's: one bound port, and unbound listeners by original destination. */
import { BLACK_HOLE_CLUSTER, PASSTHROUGH_CLUSTER } from '#api/names.ts';
import { FilterChain, Listener } from '#envoy';
import type { Mesh, MeshService, ProxyNode } from '../../mesh/mesh.ts';
import { socketAddress } from '../endpoints/endpoints.ts';
import type { RouteView } from '../routes/route-view.ts';
import { type ConnectionChain, connectionChains, distinct } from './connection-routes.ts';
import { connectionManager, direction, filterChain, proxyProtocolFilter, tcpProxy, tlsInspector } from './listener-parts.ts';

/** The port that captured connections go to. */
export const OUTBOUND_PORT = 15_001;

/** Ports on which at least one visible service speaks HTTP; each has an RDS of that name. */
export const httpPorts = (services: readonly MeshService[]): number[] =>
  [...new Set(services.flatMap(({ ports }) => ports.filter(({ protocol }) => protocol === 'http').map(({ number }) => number)))].sort(
    (a, b) => a - b,
  );

/** virtualOutbound, one `0.0.0.0_PORT` per HTTP port, one `VIP_PORT` per TCP or TLS port. */
export const outboundListeners = (view: RouteView): Listener[] => {
  const http = httpPorts(view.services).map((port) => httpListener(view.mesh, port));
  return [virtualOutbound(view.mesh, view.proxy), ...http, ...connectionListeners(view, http)];
};

const unknownCluster = ({ outboundTrafficPolicy }: Mesh['config']): string =>
  outboundTrafficPolicy === 'ALLOW_ANY' ? PASSTHROUGH_CLUSTER : BLACK_HOLE_CLUSTER;

/** Bound to every address where the packet filter brings the connections: they arrive on loopback. */
const virtualOutbound = ({ config }: Mesh, { ip, interception }: ProxyNode): Listener => {
  return Listener.fromPartial({
    name: 'virtualOutbound',
    address: socketAddress(interception ? '0.0.0.0' : ip, OUTBOUND_PORT),
    useOriginalDst: true,
    listenerFilters: interception ? [] : [proxyProtocolFilter()],
    filterChains: [
      // Whoever dials this very port would be passed on to it for ever.
      filterChain('virtualOutbound-blackhole', [tcpProxy(BLACK_HOLE_CLUSTER)], OUTBOUND_PORT),
      filterChain('virtualOutbound-catchall-tcp', [tcpProxy(unknownCluster(config))]),
    ],
    ...direction('outbound'),
  });
};

const httpListener = ({ config }: Mesh, port: number): Listener => {
  const name = `0.0.0.0_${port}`;
  const manager = connectionManager({
    config,
    statPrefix: `outbound_${name};`,
    routes: { rds: String(port) },
    edge: false,
    serverName: '',
  });
  return Listener.fromPartial({
    name,
    address: socketAddress('0.0.0.0', port),
    bindToPort: false,
    filterChains: [filterChain(name, [manager])],
    ...direction('outbound'),
  });
};

/** One listener for each address and port; services that have no address of their own share one, and their names tell them apart. HTTP on the same keeps it. */
const connectionListeners = (view: RouteView, taken: readonly Listener[]): Listener[] => {
  const byAddress = new Map<string, { address: string; port: number; chains: ConnectionChain[] }>();
  for (const service of view.services)
    for (const port of service.ports.filter(({ protocol }) => protocol === 'tcp')) {
      const address = service.vip ?? '0.0.0.0';
      const name = `${address}_${port.number}`;
      const known = byAddress.get(name) ?? { address, port: port.number, chains: [] };
      byAddress.set(name, { ...known, chains: [...known.chains, ...connectionChains(view, service, port)] });
    }
  return [...byAddress.entries()]
    .filter(([name]) => !taken.some((listener) => listener.name === name))
    .map(([name, { address, port, chains }]) => connectionListener(view.mesh, { name, address, port, chains: distinct(chains) }));
};

interface Connections {
  readonly name: string;
  readonly address: string;
  readonly port: number;
  readonly chains: readonly ConnectionChain[];
}

/** What no chain is for goes where connections to unknown places go. */
const connectionListener = ({ config }: Mesh, { name, address, port, chains }: Connections): Listener => {
  const toChain = ({ match, filters, metadata }: ConnectionChain, chainName: string): FilterChain =>
    FilterChain.fromPartial({
      name: chainName,
      filters: [...filters],
      ...(match && { filterChainMatch: match }),
      ...(metadata && { metadata }),
    });
  const matching = chains.filter(({ match }) => match !== undefined);
  const rest = chains.find(({ match }) => match === undefined);
  const elsewhere: ConnectionChain = { match: {}, filters: [tcpProxy(unknownCluster(config))] };
  const asksForName = matching.some(({ match }) => (match?.serverNames?.length ?? 0) > 0);
  return Listener.fromPartial({
    name,
    address: socketAddress(address, port),
    bindToPort: false,
    listenerFilters: asksForName ? [tlsInspector()] : [],
    ...(matching.length === 0 && rest
      ? { filterChains: [toChain(rest, name)] }
      : {
          filterChains: matching.map((chain, index) => toChain(chain, `${name}_${index}`)),
          defaultFilterChain: rest ? toChain(rest, name) : toChain(elsewhere, 'PassthroughFilterChain'),
        }),
    ...direction('outbound'),
  });
};
