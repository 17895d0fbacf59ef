/** What a conformance case is: data, one configuration and one function. Failure text, documents, labs' claims and reports are made from it. */

/** `TRAF-WEIGHT-003`: permanent, never reused. */
export type CaseId = `${string}-${number}`;

/** One answer as the client's program would see it, and what the mesh tells about it. */
export interface Answer {
  readonly status: number;
  readonly headers: readonly (readonly [string, string])[];
  readonly body: string;
  /** From the client's proxy: flags such as `UF,URX`, `-` for none; waits for the exchange record. */
  readonly flags: () => Promise<string>;
}

/** A request to send. */
export interface Ask {
  /** Workload that asks, through its own sidecar; `gateway` = from outside, through the ingress gateway. */
  readonly from?: string;
  readonly method?: string;
  /** `http://reviews:9080/path` */
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** The mesh that a case runs on, whatever it is made of. */
export interface MeshUnderTest {
  readonly driver: 'process' | 'simulation';
  readonly dataPlane: 'dinghy' | 'envoy';
  /** Applies YAML and settles when every proxy has acknowledged it. Rejects with the problems as text. */
  apply(yaml: string): Promise<void>;
  /** Applies YAML that must be refused; gives the problems' texts. */
  refused(yaml: string): Promise<readonly string[]>;
  send(ask: Ask): Promise<Answer>;
  /** `count` requests of one kind, `concurrency` at a time. */
  sendMany(ask: Ask, count: number): Promise<readonly Answer[]>;
  /** Bytes straight into the sidecar's outbound port as the capture would deliver them to `to` (`reviews:9080`); gives all bytes until the proxy closes or `quietMs` pass without one. */
  sendBytes(from: string, to: string, bytes: string, quietMs?: number): Promise<string>;
  /** Value of a statistic at a workload's proxy (`cluster.<name>.upstream_rq_total`); 0 when it does not exist. */
  stat(workload: string, name: string): Promise<number>;
  /** JSON of a workload's admin page, e.g. `/config_dump`. */
  admin(workload: string, path: string): Promise<unknown>;
}

/** A behaviour, and how to prove it. */
export interface ConformanceCase {
  readonly id: CaseId;
  /** One sentence that can be false. */
  readonly claim: string;
  /** Where the sentence comes from: seed, RFC section, Istio or Envoy document. */
  readonly source: string;
  readonly profile: 'core' | 'extended';
  /** Cells where it runs; everywhere when absent. */
  readonly drivers?: readonly MeshUnderTest['driver'][];
  readonly dataPlanes?: readonly MeshUnderTest['dataPlane'][];
  /** YAML on top of the mesh's own resources; removed afterwards. */
  readonly apply: string;
  /** Mutants that this case must catch. */
  readonly killedBy: readonly string[];
  /** True for the few cases that a proxy which forwards everything unchanged would pass too. */
  readonly transparent?: true;
  /** Lab steps that show it: `02-canary#3`. */
  readonly labs: readonly string[];
  run(mesh: MeshUnderTest): Promise<void>;
}

/** Declares a case; the identity function, for its types. */
export const defineCase = (definition: ConformanceCase): ConformanceCase => definition;
