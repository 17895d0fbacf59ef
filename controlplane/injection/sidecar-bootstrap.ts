/** A workload → the bootstrap that its proxy starts with. The same text is for Envoy and for the proxy of this project. */
import { formatNodeId } from '#api/names.ts';

/** Where something listens. */
interface SocketAddress {
  readonly address: string;
  readonly port: number;
}

/** What a proxy tells the control plane of itself and its program. */
export interface SidecarNode {
  readonly type: 'sidecar' | 'router';
  readonly ip: string;
  readonly workload: string;
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly serviceAccount: string;
  /** Workload port → port of the program on 127.0.0.1. */
  readonly appPorts: Readonly<Record<string, number>>;
  /** `region/zone/subzone`. */
  readonly locality?: string;
  /** Its share among those behind the same service. */
  readonly weight?: number;
  /** The packet filter sends it every connection, as Istio's init container arranges; absent: connections are dialled to its own ports. */
  readonly interception?: 'REDIRECT';
}

/** Who starts, where its admin pages are, and where it finds the control plane. */
export interface SidecarBootstrapOptions {
  readonly node: SidecarNode;
  readonly adminAddress: SocketAddress;
  readonly xdsAddress: SocketAddress;
  /** Where its agent serves the workload's certificate; absent: it has none. A proxy that gets its certificates itself does not dial it. */
  readonly sdsSocket?: string;
}

const XDS_CLUSTER = 'xds-grpc';
/** The label by which translation knows a workload that has a certificate. Source: istio pkg/model TLSModeLabelName. */
const TLS_MODE = 'security.istio.io/tlsMode';
/** Istio's name; secrets called `default` are asked for there. */
const SDS_CLUSTER = 'sds-grpc';
const ADS = { ads: {}, resource_api_version: 'V3', initial_fetch_timeout: '0s' } as const;

/** JSON text. The proxy is not ready before its first configuration came, however long that takes. */
export const sidecarBootstrap = ({ node, adminAddress, xdsAddress, sdsSocket }: SidecarBootstrapOptions): string =>
  JSON.stringify(
    {
      node: nodeMessage(sdsSocket === undefined ? node : withIdentity(node)),
      admin: { address: socketAddress(adminAddress) },
      dynamic_resources: {
        ads_config: {
          api_type: 'GRPC',
          transport_api_version: 'V3',
          set_node_on_first_message_only: true,
          grpc_services: [{ envoy_grpc: { cluster_name: XDS_CLUSTER } }],
        },
        cds_config: ADS,
        lds_config: ADS,
      },
      static_resources: {
        clusters: [
          http2Cluster(XDS_CLUSTER, socketAddress(xdsAddress)),
          ...(sdsSocket === undefined ? [] : [http2Cluster(SDS_CLUSTER, { pipe: { path: sdsSocket } })]),
        ],
      },
    },
    null,
    2,
  );

/** Others speak mutual TLS with it, and it with them. */
const withIdentity = (node: SidecarNode): SidecarNode => ({ ...node, labels: { ...node.labels, [TLS_MODE]: 'istio' } });

const nodeMessage = ({ type, ip, workload, namespace, labels, serviceAccount, appPorts, locality, weight, interception }: SidecarNode) => ({
  id: formatNodeId({ type, ip, workload, namespace, domain: `${namespace}.svc.cluster.local` }),
  cluster: `${labels.app ?? workload}.${namespace}`,
  metadata: {
    LABELS: labels,
    NAMESPACE: namespace,
    SERVICE_ACCOUNT: serviceAccount,
    WORKLOAD_NAME: workload,
    APP_PORTS: JSON.stringify(appPorts),
    ...(weight && { WEIGHT: weight }),
    ...(interception && { INTERCEPTION_MODE: interception }),
  },
  ...(locality && { locality: localityMessage(locality) }),
});

const localityMessage = (locality: string) => {
  const [region = '', zone = '', subZone = ''] = locality.split('/');
  return { region, zone, sub_zone: subZone };
};

const socketAddress = ({ address, port }: SocketAddress) => ({ socket_address: { address, port_value: port } });

const http2Cluster = (name: string, address: object) => ({
  name,
  type: 'STATIC',
  connect_timeout: '1s',
  typed_extension_protocol_options: {
    'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': {
      '@type': 'type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions',
      explicit_http_config: { http2_protocol_options: {} },
    },
  },
  load_assignment: {
    cluster_name: name,
    endpoints: [{ lb_endpoints: [{ endpoint: { address } }] }],
  },
});
