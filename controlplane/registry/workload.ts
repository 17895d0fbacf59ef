/** An instance that runs: one proxy and, behind a sidecar, one program. */

/**
 * type: sidecars stand in front of a program; routers are gateways. appPorts: workload port → port of the program on 127.0.0.1.
 * ports: by the service port's name, where they differ from its target port. weight: 1 when absent. locality: `region/zone/subzone`.
 */
export interface Workload {
  readonly type: 'sidecar' | 'router';
  readonly name: string;
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly serviceAccount: string;
  readonly address: string;
  readonly appPorts: Readonly<Record<string, number>>;
  readonly ports?: Readonly<Record<string, number>>;
  readonly weight?: number;
  readonly locality?: string;
}

/** A proxy as its first message on the stream describes it. appPorts: workload port → port of the program on 127.0.0.1. locality: `region/zone/subzone`. */
export interface ConnectedProxy {
  readonly id: string;
  readonly type: 'sidecar' | 'router';
  readonly ip: string;
  readonly workload: string;
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly serviceAccount: string;
  readonly appPorts: Readonly<Record<string, number>>;
  readonly weight?: number;
  readonly locality?: string;
  /** Who brings connections to the proxy: the packet filter of its network namespace, or (absent) whoever dials its own ports. */
  readonly interception?: 'REDIRECT';
  /** A gRPC program that is its own proxy. */
  readonly isProxyless?: true;
}
