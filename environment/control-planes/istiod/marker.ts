/** Which state of the files a proxy runs: a host that names it, last in what istiod pushes (clusters, endpoints, listeners, routes). Pure. */
import type { Seat } from '../../seats.ts';
import { OWN_LABEL } from './seat-resources.ts';
import type { Document } from './without-kubernetes.ts';

/** Nobody else's. */
export const MARKER_PORT = 15_999;

/** Names that state. */
export const markerHost = (state: number): string => `s${state}.marker.dinghy.internal`;

const resource = (kind: string, name: string, namespace: string, spec: object): Document => ({
  apiVersion: 'networking.istio.io/v1',
  kind,
  metadata: { name, namespace },
  spec,
});

/** For sidecars a service of that name; for each gateway a port whose routes name it. */
export const markers = (state: number, seats: readonly Seat[]): Document[] => [
  resource('ServiceEntry', 'marker', 'istio-system', {
    hosts: [markerHost(state)],
    location: 'MESH_INTERNAL',
    resolution: 'STATIC',
    ports: [{ number: MARKER_PORT, name: 'http', protocol: 'HTTP' }],
  }),
  ...seats
    .filter(({ kind }) => kind === 'gateway')
    .flatMap(({ definition: { name, namespace } }) => [
      resource('Gateway', `marker-${name}`, namespace, {
        selector: { [OWN_LABEL]: name },
        servers: [{ port: { number: MARKER_PORT, name: 'http', protocol: 'HTTP' }, hosts: ['*'] }],
      }),
      resource('VirtualService', `marker-${name}`, namespace, {
        hosts: [markerHost(state)],
        gateways: [`marker-${name}`],
        http: [{ directResponse: { status: 200 } }],
      }),
    ]),
];

/** The admin page that shows it. */
export const MARKER_PAGE = `/config_dump?resource=dynamic_route_configs&name_regex=^(http\\.)?${MARKER_PORT}$`;

/** The state that the page shows; 0 = none yet. */
export const stateIn = (page: string): number =>
  Math.max(0, ...[...page.matchAll(/s(\d+)\.marker\.dinghy\.internal/g)].map(([, state]) => Number(state)));
