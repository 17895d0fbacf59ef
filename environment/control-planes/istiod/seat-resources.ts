/**
 * Where everybody lives, in istiod's words. Pure. A WorkloadEntry says it to the others; a Sidecar says where the program listens; EnvoyFilters put the
 * listeners on the workload's own address, as here many sidecars share one machine: what they serve stays istiod's.
 */
import { OUTBOUND_PORT, type Seat } from '../../seats.ts';
import type { Document } from './without-kubernetes.ts';

/** A label that names one workload, by which its own resources select it. */
export const OWN_LABEL = 'dinghy.dev/workload';
/** istiod's. */
const INBOUND_PORT = 15_006;
const PROXY_PROTOCOL = 'type.googleapis.com/envoy.extensions.filters.listener.proxy_protocol.v3.ProxyProtocol';

interface ServiceSpec {
  readonly workloadSelector?: { readonly labels: Readonly<Record<string, string>> };
  readonly ports: readonly { readonly targetPort: number; readonly protocol: string }[];
}

/** The seat, with that label. */
export const labelled = <S extends Seat>(seat: S): S => ({
  ...seat,
  definition: { ...seat.definition, labels: { ...seat.definition.labels, [OWN_LABEL]: seat.definition.name } },
});

const named = (kind: string, { definition: { name, namespace } }: Seat, spec: object): Document => ({
  apiVersion: kind === 'EnvoyFilter' ? 'networking.istio.io/v1alpha3' : 'networking.istio.io/v1',
  kind,
  metadata: { name: `seat-${name}`, namespace },
  spec,
});

const socket = (address: string, port: number) => ({ socket_address: { address, port_value: port } });

const listenerPatch = (context: string, listener: object, value: object) => ({
  applyTo: 'LISTENER',
  match: { context, listener },
  patch: { operation: 'MERGE', value },
});

const ofWorkload = (seat: Seat & { readonly kind: 'workload' }, protocol: string): Document[] => {
  const { definition, address, appPort } = seat;
  const own = { labels: { [OWN_LABEL]: definition.name } };
  const { locality, weight, serviceAccount } = definition;
  const place = { ...(locality && { locality }), ...(weight && { weight }) };
  const entry = { address, labels: { ...definition.labels, ...own.labels }, serviceAccount, ...place };
  const ingress = [{ port: { number: definition.port, name: 'served', protocol }, defaultEndpoint: `127.0.0.1:${appPort}` }];
  const inbound = { address: socket(address, INBOUND_PORT), additional_addresses: [{ address: socket(address, definition.port) }] };
  return [
    named('WorkloadEntry', seat, entry),
    named('Sidecar', seat, { workloadSelector: own, ingress }),
    named('EnvoyFilter', seat, {
      workloadSelector: own,
      configPatches: [
        listenerPatch(
          'SIDECAR_OUTBOUND',
          { name: 'virtualOutbound' },
          {
            address: socket(address, OUTBOUND_PORT),
            listener_filters: [{ name: 'envoy.filters.listener.proxy_protocol', typed_config: { '@type': PROXY_PROTOCOL } }],
          },
        ),
        listenerPatch('SIDECAR_INBOUND', { name: 'virtualInbound' }, inbound),
      ],
    }),
  ];
};

const ofGateway = (seat: Seat & { readonly kind: 'gateway' }, markerPort: number): Document[] => {
  const { definition, address } = seat;
  const own = { labels: { [OWN_LABEL]: definition.name } };
  const patches = [...definition.ports, markerPort].map((port) =>
    listenerPatch('GATEWAY', { portNumber: port }, { address: socket(address, port) }),
  );
  return [named('EnvoyFilter', seat, { workloadSelector: own, configPatches: patches })];
};

/** What some service says is spoken at that workload's port; HTTP when none leads there yet. */
const servedProtocol = (seat: Seat & { readonly kind: 'workload' }, services: readonly Document[]): string => {
  const { namespace, labels, port } = seat.definition;
  for (const { metadata, spec } of services) {
    const { workloadSelector, ports } = spec as ServiceSpec;
    const wanted = Object.entries(workloadSelector?.labels ?? {});
    const found = ports.find(({ targetPort }) => targetPort === port);
    if (metadata.namespace === namespace && wanted.length > 0 && wanted.every(([name, value]) => labels[name] === value) && found)
      return found.protocol;
  }
  return 'HTTP';
};

/** services: ServiceEntries of the mesh's own. markerPort: a port on which gateways are shown what has been reached. */
export const seatResources = (seats: readonly Seat[], services: readonly Document[], markerPort: number): Document[] =>
  seats.flatMap((seat) => (seat.kind === 'workload' ? ofWorkload(seat, servedProtocol(seat, services)) : ofGateway(seat, markerPort)));
