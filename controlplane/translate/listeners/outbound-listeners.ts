/** Where a sidecar takes its program's calls. Pure. Shape as Istio's: one bound port, and unbound listeners by original destination. */
import { BLACK_HOLE_CLUSTER, outboundClusterName, PASSTHROUGH_CLUSTER } from '#api/names.ts';
import { Listener } from '#envoy';
import type { Mesh, MeshService, ProxyNode } from '../../mesh/mesh.ts';
import { socketAddress } from '../endpoints/endpoints.ts';
import { connectionManager, direction, filterChain, proxyProtocolFilter, tcpProxy } from './listener-parts.ts';

/** The port that captured connections go to. */
export const OUTBOUND_PORT = 15_001;

/** Ports on which at least one visible service speaks HTTP; each has an RDS of that name. */
export const httpPorts = (services: readonly MeshService[]): number[] =>
  [...new Set(services.flatMap(({ ports }) => ports.filter(({ protocol }) => protocol === 'http').map(({ number }) => number)))].sort(
    (a, b) => a - b,
  );

/** virtualOutbound, one `0.0.0.0_PORT` per HTTP port, one `VIP_PORT` per TCP port. */
export const outboundListeners = (mesh: Mesh, proxy: ProxyNode, services: readonly MeshService[]): Listener[] => [
  virtualOutbound(mesh, proxy),
  ...httpPorts(services).map((port) => httpListener(mesh, port)),
  ...services.flatMap((service) =>
    service.ports.filter(({ protocol }) => protocol === 'tcp').map(({ number }) => tcpListener(service, number)),
  ),
];

/** Bound to every address where the packet filter brings the connections: they arrive on loopback. */
const virtualOutbound = ({ config }: Mesh, { ip, interception }: ProxyNode): Listener => {
  const cluster = config.outboundTrafficPolicy === 'ALLOW_ANY' ? PASSTHROUGH_CLUSTER : BLACK_HOLE_CLUSTER;
  return Listener.fromPartial({
    name: 'virtualOutbound',
    address: socketAddress(interception ? '0.0.0.0' : ip, OUTBOUND_PORT),
    useOriginalDst: true,
    listenerFilters: interception ? [] : [proxyProtocolFilter()],
    filterChains: [
      // Whoever dials this very port would be passed on to it for ever.
      filterChain('virtualOutbound-blackhole', [tcpProxy(BLACK_HOLE_CLUSTER)], OUTBOUND_PORT),
      filterChain('virtualOutbound-catchall-tcp', [tcpProxy(cluster)]),
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

const tcpListener = ({ vip, hostname }: MeshService, port: number): Listener => {
  const address = vip ?? '0.0.0.0';
  const name = `${address}_${port}`;
  const filters = [tcpProxy(outboundClusterName(port, '', hostname))];
  return Listener.fromPartial({
    name,
    address: socketAddress(address, port),
    bindToPort: false,
    filterChains: [filterChain(name, filters)],
    ...direction('outbound'),
  });
};
