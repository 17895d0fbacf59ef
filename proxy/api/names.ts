/** Istio's name forms, written and parsed: the only parser. Source: istio pilot/pkg/model/context.go, BuildSubsetKey and BuildInboundSubsetKey. */

/** Parts of `outbound|PORT|SUBSET|HOST` or `inbound|PORT||`. */
export interface ClusterNameParts {
  readonly direction: 'outbound' | 'inbound';
  readonly port: number;
  /** Empty when no subset is meant. */
  readonly subset: string;
  /** Fully qualified host; empty on inbound clusters. */
  readonly host: string;
}

/** Where traffic to unknown destinations goes when it may pass. */
export const PASSTHROUGH_CLUSTER = 'PassthroughCluster';
/** Where it goes when it may not: a cluster without endpoints. */
export const BLACK_HOLE_CLUSTER = 'BlackHoleCluster';

/** `outbound|9080|v1|reviews.default.svc.cluster.local` */
export const outboundClusterName = (port: number, subset: string, host: string): string => `outbound|${port}|${subset}|${host}`;

/** `inbound|9080||` */
export const inboundClusterName = (port: number): string => `inbound|${port}||`;

/** Undefined when the name has another form. */
export const parseClusterName = (name: string): ClusterNameParts | undefined => {
  const [direction, port, subset, host, ...rest] = name.split('|');
  if ((direction !== 'outbound' && direction !== 'inbound') || subset === undefined || host === undefined || rest.length > 0)
    return undefined;
  if (port === undefined || !/^\d{1,5}$/.test(port)) return undefined;
  return { direction, port: Number(port), subset, host };
};

/** Parts of a node id `sidecar~10.0.0.1~reviews-v1.default~default.svc.cluster.local`. */
export interface NodeIdParts {
  readonly type: 'sidecar' | 'router';
  readonly ip: string;
  readonly workload: string;
  readonly namespace: string;
  readonly domain: string;
}

/** Source: istio pilot/pkg/model/context.go, ServiceNode. */
export const formatNodeId = ({ type, ip, workload, namespace, domain }: NodeIdParts): string =>
  `${type}~${ip}~${workload}.${namespace}~${domain}`;

/** Undefined when the id has another form. */
export const parseNodeId = (id: string): NodeIdParts | undefined => {
  const [type, ip, name, domain, ...rest] = id.split('~');
  if ((type !== 'sidecar' && type !== 'router') || !ip || !name || !domain || rest.length > 0) return undefined;
  const dot = name.lastIndexOf('.');
  if (dot <= 0) return undefined;
  return { type, ip, workload: name.slice(0, dot), namespace: name.slice(dot + 1), domain };
};
