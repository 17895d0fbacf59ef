/** What a mesh consists of: plain data, the same for every mode. */

/** One program and its sidecar. */
export interface WorkloadDefinition {
  /** Unique in the mesh: `reviews-v1`. */
  readonly name: string;
  readonly namespace: string;
  readonly serviceAccount: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Where it runs, `region/zone/subzone`; absent: nobody knows. */
  readonly locality?: string;
  /** Its share among those behind the same service; absent: 1. */
  readonly weight?: number;
  /** Program to start, relative to the project's root. It listens on 127.0.0.1 at the port in its PORT variable. */
  readonly program: string;
  readonly env: Readonly<Record<string, string>>;
  /** Workload port that its service's targetPort names. */
  readonly port: number;
}

/** An ingress gateway: a proxy without a program. */
export interface GatewayDefinition {
  readonly name: string;
  readonly namespace: string;
  readonly serviceAccount: string;
  readonly labels: Readonly<Record<string, string>>;
  /** As a workload's. */
  readonly locality?: string;
  /** Ports that an Istio Gateway resource may open on it. */
  readonly ports: readonly number[];
}

/** A whole mesh. Kubernetes Service documents and the first configuration come as YAML. */
export interface MeshDefinition {
  readonly name: string;
  readonly workloads: readonly WorkloadDefinition[];
  readonly gateways: readonly GatewayDefinition[];
  /** YAML texts applied before anything starts: Services, Gateways, routes. Key: file name to show in messages. */
  readonly resources: Readonly<Record<string, string>>;
}
