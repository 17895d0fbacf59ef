/** What a conformance case is: data, one configuration and one function. Failure text, documents, labs' claims and reports are made from it. */
import type { OpenAdsStream } from '#api/ads-stream.ts';
import type { SyncStatus } from '#api/sync.ts';
import type { Environment } from '#environment';
import type { CertificateFacts } from '#system/tls/tls-facts.ts';
import type { LeafWishes } from './certificates/leaf-wishes.ts';
import type { CaseId } from './registry.ts';

/** How a case meets a mesh: real processes, or everything in one process with simulated network and clock. */
export type Driver = 'process' | 'simulation';

/** Whose proxy is in the sidecar's and the gateway's seat. */
export type DataPlane = 'dinghy' | 'envoy';

/** Who configures the proxies. */
export type ControlPlane = 'dinghy' | 'istiod';

/** Requests of the suite carry this user-agent, so that a learner's figures can leave them out. */
export const PROBE_USER_AGENT = 'dinghy-probe';

/** What one proxy told of one exchange. */
export interface Told {
  /** `UF,URX`, `-` for none. */
  readonly flags: string;
  readonly details: string;
  readonly cluster: string;
  /** `address:port` of the last endpoint that was tried; empty when there was none. */
  readonly upstreamHost: string;
  /** Name of the route that was taken. */
  readonly route: string;
  /** How many tries were made. */
  readonly attempts: number;
  readonly requestId: string;
  readonly authority: string;
  /** As the request had it when it came to that proxy. */
  readonly path: string;
  readonly status: number;
  readonly durationMs: number;
  /** Of the connection to the other proxy. */
  readonly security: 'mutual_tls' | 'tls' | 'none';
  /** `spiffe://…` that the client, or the host, proved to be; empty = none. */
  readonly downstreamPeer: string;
  readonly upstreamPeer: string;
  /** Why a connection or a handshake failed, spaces as `_`; empty = it did not. */
  readonly transportFailure: string;
}

/** One answer as the client's program would see it, and what the mesh tells about it. */
export interface Answer {
  readonly status: number;
  /** Names as they came. */
  readonly headers: readonly (readonly [string, string])[];
  readonly body: string;
  /** Workload whose program answered: from the echo's words, else from the exchange record. Empty when the mesh itself answered. */
  servedBy(): Promise<string>;
  /** Waits for the exchange record of the caller's proxy, or of another workload's that saw the same request. */
  told(workload?: string): Promise<Told>;
}

/** A request to send. */
export interface Ask {
  /** Workload that asks, through its own sidecar; `gateway` = from outside, through the ingress gateway. Default: `productpage-v1`. */
  readonly from?: string;
  readonly method?: string;
  /** `http://reviews:9080/path` */
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** What an admin page answered. */
export interface Page {
  readonly status: number;
  readonly headers: readonly (readonly [string, string])[];
  readonly body: string;
}

/** Bytes of one connection, both ways; text is latin-1, one character a byte. */
export interface Wire extends AsyncDisposable {
  write(bytes: string): void;
  /** Everything received so far, once it contains `text`. Fails with what came instead when the other side closes or says nothing for too long. */
  until(text: string): Promise<string>;
  /** Everything received, once the other side has closed. */
  untilClosed(): Promise<string>;
}

/** What a client of the case's own shows and offers in a TLS handshake. */
export interface Stranger {
  /** Whose root signed its certificate; absent: it shows none. */
  readonly signedBy?: 'mesh' | 'foreign';
  /** What the certificate says; that of productpage where nothing is said. */
  readonly certificate?: LeafWishes;
  /** Application protocols that it offers; none when absent. */
  readonly alpn?: readonly string[];
  /** SNI; none when absent. */
  readonly serverName?: string;
  /** Lowest and highest version that it speaks; 1.2 and 1.3 when absent. Versions before 1.2 do not exist in the simulation. */
  readonly versions?: readonly [TlsVersion, TlsVersion];
}

/** As OpenSSL names them. */
export type TlsVersion = 'TLSv1.1' | 'TLSv1.2' | 'TLSv1.3';

/** A connection on which TLS was agreed. */
export interface Shaken extends Wire {
  /** The leaf that the server showed; nobody has verified it. */
  readonly server: CertificateFacts;
  readonly version: string;
  /** Empty: none was chosen. */
  readonly alpn: string;
}

/** A proxy beside the mesh's that no control plane configures. */
export interface Lone extends AsyncDisposable {
  readonly address: string;
  /** A request to its listener; the ports are what its configuration says. */
  send(ask: LoneAsk): Promise<Page>;
  /** `count` of them, a few connections at once. */
  sendMany(ask: LoneAsk, count: number): Promise<readonly Page[]>;
  stat(name: string): Promise<number>;
  page(path: string, method?: string): Promise<Page>;
  /** Waits for a line of its access log with that text. */
  line(text: string): Promise<string>;
}

/** port: 10000 when absent. */
export interface LoneAsk {
  readonly method?: string;
  readonly path: string;
  readonly port?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** Who certifies the mesh's workloads. */
export type MeshIdentity = Environment['identity'];

/** The mesh that a case runs on, whatever it is made of. */
export interface MeshUnderTest {
  readonly driver: Driver;
  readonly dataPlane: DataPlane;
  readonly configuredBy: ControlPlane;
  /** Applies YAML and settles when every proxy has acknowledged it. Rejects with the problems as text. */
  apply(yaml: string): Promise<void>;
  /** Takes the resources of that YAML away and settles when every proxy has acknowledged it. */
  remove(yaml: string): Promise<void>;
  /** Takes away whatever was applied through this view and is still there. */
  clear(): Promise<void>;
  /** Applies YAML that must be refused; gives the problems' texts, none when it was accepted. */
  refused(yaml: string): Promise<readonly string[]>;
  send(ask: Ask): Promise<Answer>;
  /** `count` requests of one kind, a few connections at once. */
  sendMany(ask: Ask, count: number): Promise<readonly Answer[]>;
  /** The same, one after another on one connection. */
  sendInTurn(ask: Ask, count: number): Promise<readonly Answer[]>;
  /** What a workload's proxy told of the request that carried `user-agent: dinghy-probe/<probe>`, for conversations byte by byte. side: of the callee, where a stranger asked it. */
  told(workload: string, probe: string, side?: 'inbound'): Promise<Told>;
  /** Waits until that workload's proxy says why it would not have a connection; gives the sentence with that text. */
  turnedAway(workload: string, text: string): Promise<string>;
  /** A connection of that workload's program to `to` (`reviews:9080`), as the capture would hand it to the sidecar. */
  dial(from: string, to: string): Promise<Wire>;
  /** A stranger's connection, from outside the mesh, straight to a port of that workload. */
  reach(workload: string, port: number): Promise<Wire>;
  /** A stranger's handshake with a port of that workload. Rejects with HandshakeFailed; what a server of TLS 1.3 refuses is seen later, as a wire that ends without a byte. */
  shake(workload: string, port: number, stranger: Stranger): Promise<Shaken>;
  /** Value of a statistic at a workload's proxy (`cluster.<name>.upstream_rq_total`); 0 when it does not exist. */
  stat(workload: string, name: string): Promise<number>;
  /** JSON of a workload's admin page, e.g. `/config_dump`. */
  admin(workload: string, path: string): Promise<unknown>;
  /** A workload's admin page as it stands; method: GET when absent. */
  page(workload: string, path: string, method?: string): Promise<Page>;
  /** A request straight to that workload's program, past every proxy. */
  program(workload: string, headers: Readonly<Record<string, string>>): Promise<Page>;
  /** Port of that workload's program on 127.0.0.1. */
  programPort(workload: string): number;
  /** A proxy of that kind with a configuration of the case's own: YAML of `static_resources`, made for the address that it gets. */
  alone(resources: (address: string) => string): Promise<Lone>;
  /** The mesh's own idea of now, milliseconds since the epoch. */
  readonly wallTimeMs: () => number;
  /** Lets that much time pass; simulation only. */
  readonly pass?: (ms: number) => Promise<void>;
  /** Absent where nobody certifies. */
  readonly identity?: MeshIdentity;
  /** Loopback address that a workload or gateway owns. */
  address(workload: string): string;
  /** Virtual address that a workload's resolver gives for a host name. */
  vip(host: string): Promise<string>;
  /** What the control plane says of its proxies. */
  sync(): Promise<SyncStatus>;
  /** A stream to the control plane for a client of the case's own. */
  readonly openAds: OpenAdsStream;
  /** Ends the control plane's process and starts it again at the same addresses; absent where that cannot be done. */
  readonly restartControlPlane?: (meanwhile: () => Promise<void>) => Promise<void>;
  /** What explains a failure, by file name, as the mesh is now. Never rejects: what cannot be had says why. */
  evidence(): Promise<Readonly<Record<string, string>>>;
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
  readonly drivers?: readonly Driver[];
  readonly dataPlanes?: readonly DataPlane[];
  /** Why it runs there only, for whoever reads that it was skipped. */
  readonly because?: string;
  /** Where it is about one control plane's own words or ways; absent: it holds for each. */
  readonly controlPlanes?: readonly ControlPlane[];
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
