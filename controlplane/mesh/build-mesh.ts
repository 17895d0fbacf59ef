/** Store and registry → Mesh. Pure: the same inputs give the same mesh, virtual addresses included. */

import type { Workload } from '../registry/workload.ts';
import type { ResourceOf } from '../resources/resource.ts';
import type { StoreView } from '../store/config-store.ts';
import { markAuthorizers } from './grpc-authorizers.ts';
import { CLUSTER_SUFFIX, resolveHost } from './hostnames.ts';
import { localityLabel } from './labels.ts';
import type { ListedEndpoint, Mesh, MeshConfig, MeshService, ServicePort } from './mesh.ts';
import { toMeshConfig } from './mesh-settings.ts';

/** Joins what is configured with what runs. config: what holds where the ConfigMap says nothing. keySets: what issuers published. */
export const buildMesh = (
  view: StoreView,
  workloads: readonly Workload[],
  config: MeshConfig,
  keySets: Readonly<Record<string, string>> = {},
): Mesh => {
  const services = [
    ...view.of('Service').map(({ resource }) => fromService(resource)),
    ...view.of('ServiceEntry').flatMap(({ resource }) => fromServiceEntry(resource)),
  ];
  const listed = view.of('WorkloadEntry').map(({ resource }) => fromWorkloadEntry(resource));
  const settings: MeshConfig = Object.assign({ ...config }, ...view.of('ConfigMap').map(({ resource }) => toMeshConfig(resource.spec)));
  return {
    version: view.version,
    config: settings,
    services: markAuthorizers(allotVips(uniqueByHost(services)), settings.extensionProviders),
    workloads: [...workloads, ...listed],
    virtualServices: view.of('VirtualService'),
    destinationRules: view.of('DestinationRule'),
    gateways: view.of('Gateway'),
    envoyFilters: view.of('EnvoyFilter'),
    peerAuthentications: view.of('PeerAuthentication'),
    authorizationPolicies: view.of('AuthorizationPolicy'),
    requestAuthentications: view.of('RequestAuthentication'),
    keySets,
  };
};

type Unaddressed = Omit<MeshService, 'vip'> & { readonly address: string | undefined };

const IPV4 = /^\d{1,3}(?:\.\d{1,3}){3}$/;

/** Istio's protocol selection: appProtocol, then the port name's first word. Unnamed ports are HTTP here: nothing sniffs yet. */
const protocolWord = (name: string | undefined, explicit: string | undefined): string =>
  (explicit ?? name?.split('-')[0] ?? 'http').toLowerCase();

/** What the mesh reads of it. */
export const protocolOf = (name: string | undefined, explicit: string | undefined): ServicePort['protocol'] =>
  ['tcp', 'tls', 'https', 'mongo', 'redis', 'mysql'].includes(protocolWord(name, explicit)) ? 'tcp' : 'http';

const tlsOf = (name: string | undefined, explicit: string | undefined): Pick<ServicePort, 'isTls'> =>
  ['tls', 'https'].includes(protocolWord(name, explicit)) ? { isTls: true } : {};

/** Datagrams pass by the mesh. */
const isNoUdp = ({ protocol }: { readonly protocol?: string }): boolean => protocol?.toUpperCase() !== 'UDP';

const fromService = ({ metadata, spec }: ResourceOf<'Service'>): Unaddressed => ({
  hostname: `${metadata.name}.${metadata.namespace}.${CLUSTER_SUFFIX}`,
  namespace: metadata.namespace,
  address: spec.clusterIP && IPV4.test(spec.clusterIP) ? spec.clusterIP : undefined,
  ports: (spec.ports ?? []).filter(isNoUdp).map((port) => ({
    number: port.port ?? 0,
    name: port.name ?? '',
    protocol: protocolOf(port.name, port.appProtocol),
    ...tlsOf(port.name, port.appProtocol),
    targetPort: /^\d{1,5}$/.test(String(port.targetPort ?? '')) ? Number(port.targetPort) : (port.port ?? 0),
  })),
  discovery: 'selected',
  selector: spec.selector ?? {},
  endpoints: [],
  exportTo: metadata.annotations['networking.istio.io/exportTo']?.split(',').map((scope) => scope.trim()) ?? ['*'],
});

const DISCOVERY = { NONE: 'passthrough', STATIC: 'listed', DNS: 'dns', DNS_ROUND_ROBIN: 'dns', DYNAMIC_DNS: 'passthrough' } as const;

const fromServiceEntry = ({ metadata, spec }: ResourceOf<'ServiceEntry'>): Unaddressed[] =>
  (spec.hosts ?? []).map((host) => ({
    hostname: resolveHost(host, metadata.namespace),
    namespace: metadata.namespace,
    address: spec.addresses?.find((address) => IPV4.test(address)),
    ports: (spec.ports ?? []).filter(isNoUdp).map((port) => ({
      number: port.number ?? 0,
      name: port.name ?? '',
      protocol: protocolOf(port.name, port.protocol),
      ...tlsOf(port.name, port.protocol),
      targetPort: port.targetPort ?? port.number ?? 0,
    })),
    discovery: spec.workloadSelector ? 'selected' : DISCOVERY[spec.resolution ?? 'NONE'],
    selector: spec.workloadSelector?.labels ?? {},
    endpoints: listedEndpoints(spec, host),
    exportTo: spec.exportTo ?? ['*'],
  }));

const listedEndpoints = (spec: ResourceOf<'ServiceEntry'>['spec'], host: string): ListedEndpoint[] => {
  const given = (spec.endpoints ?? []).map((endpoint) => ({
    address: endpoint.address ?? '',
    labels: endpoint.labels ?? {},
    weight: endpoint.weight || 1,
    ...localityOf(endpoint.labels, endpoint.locality),
    ports: endpoint.ports ?? {},
  }));
  const resolvesItself = given.length === 0 && (spec.resolution === 'DNS' || spec.resolution === 'DNS_ROUND_ROBIN');
  return resolvesItself ? [{ address: host, labels: {}, weight: 1, ports: {} }] : given;
};

const fromWorkloadEntry = ({ metadata, spec }: ResourceOf<'WorkloadEntry'>): Workload => ({
  type: 'sidecar',
  name: metadata.name,
  namespace: metadata.namespace,
  labels: { ...metadata.labels, ...spec.labels },
  serviceAccount: spec.serviceAccount ?? 'default',
  address: spec.address ?? '',
  appPorts: {},
  ...(spec.ports && { ports: spec.ports }),
  ...(spec.weight && { weight: spec.weight }),
  ...localityOf(spec.labels, spec.locality),
});

/** The label says where it runs, whatever the field says: it is what clusters write. Source: istio pkg/model GetLocalityLabel. */
const localityOf = (labels: Readonly<Record<string, string>> | undefined, field: string | undefined) => {
  const locality = localityLabel(labels ?? {}) ?? field;
  return locality ? { locality } : {};
};

const uniqueByHost = (services: readonly Unaddressed[]): Unaddressed[] =>
  [...new Map([...services].reverse().map((service) => [service.hostname, service])).values()].reverse();

/** FNV-1a, 32 bits. */
const hash = (text: string): number => {
  let value = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) value = Math.imul(value ^ text.charCodeAt(i), 0x01000193) >>> 0;
  return value;
};

/** A wildcard is no name to dial, and a passthrough's destination is the address that its client found out. Source: istio's address auto-allocation. */
const needsVip = ({ hostname, discovery }: Unaddressed): boolean => discovery !== 'passthrough' && !hostname.startsWith('*');

/** 240.240.x.y from the host name, so that a service keeps its address whatever else comes and goes; the rare clash moves on by one. */
const allotVips = (services: readonly Unaddressed[]): MeshService[] => {
  const taken = new Set(services.flatMap(({ address }) => address ?? []));
  const free = (hostname: string): string => {
    for (let slot = hash(hostname) % 65_024; ; slot = (slot + 1) % 65_024) {
      const vip = `240.240.${Math.floor(slot / 254)}.${(slot % 254) + 1}`;
      if (!taken.has(vip)) return vip;
    }
  };
  const byName = [...services].sort((a, b) => (a.hostname < b.hostname ? -1 : 1));
  return byName.map(({ address, ...service }) => {
    const vip = address ?? (needsVip({ address, ...service }) ? free(service.hostname) : undefined);
    if (vip !== undefined) taken.add(vip);
    return { ...service, vip };
  });
};
