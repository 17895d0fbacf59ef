/** What the site's server tells its pages: both ends are built from these shapes. Types only, so the browser may import them. */
import type { ClusterOutliers, HostOutlier } from '#api/outliers.ts';
import type { ResourceName } from '#api/resource.ts';
import type { Story } from '#api/story.ts';
import type { Figures, LoggedExchange } from '#observability';

export type { ShownCertificate, WireBytes, WireCapture, WireStory } from '#labs';
export type { EdgeFigures, Figures, LoggedExchange } from '#observability';

/** What does not change while the mesh runs. */
export interface MeshFacts {
  readonly name: string;
  readonly mode: string;
  readonly dataPlane: string;
  readonly workloads: readonly { readonly name: string; readonly namespace: string; readonly address: string }[];
  readonly gateways: readonly { readonly name: string; readonly url: string }[];
  /** True when this browser may change things. */
  readonly open: boolean;
}

/** The built-in load. */
export interface LoadState {
  readonly on: boolean;
  readonly perSecond: number;
  /** Empty when the mesh has no way in. */
  readonly url: string;
}

/** What the built-in load met since the site started. */
export interface LoadCounts {
  readonly sent: number;
  /** No answer, or a status of 500 and above. */
  readonly failed: number;
}

/** The last certificate that a workload or gateway was given. */
export interface LeafLife {
  readonly holder: string;
  readonly identity: string;
  readonly serial: string;
  readonly issuedAtMs: number;
  readonly notAfterMs: number;
  readonly rotations: number;
  /** Id of the root above it. */
  readonly authority: string;
}

/** Who certifies whom, until when, and what time it is in the mesh. */
export interface IdentityState {
  readonly nowMs: number;
  /** The mesh's time can be put forward. */
  readonly canSkip: boolean;
  readonly phase: 'steady' | 'begun' | 'switched';
  readonly roots: readonly { readonly id: string; readonly isSigning: boolean; readonly notAfterMs: number }[];
  readonly leaves: readonly LeafLife[];
  readonly load: LoadCounts;
}

/** What one workload or gateway made of a request, and why. */
export interface ToldVerdict {
  readonly workload: string;
  /** `spiffe://…`; empty: it proved nothing. */
  readonly caller: string;
  readonly method: string;
  readonly path: string;
  readonly status: number;
  readonly details: string;
  readonly story: Story;
}

/** What else the stream of events tells. */
export interface MeshState {
  readonly load: LoadState;
  readonly proxies: {
    readonly connected: number;
    readonly expected: number;
    /** Workloads and gateways whose proxies are not connected to the control plane. */
    readonly missing: readonly string[];
    readonly controlPlane: boolean;
  };
}

/** One `figures` event. */
export interface Tick {
  readonly figures: Figures;
  readonly state: MeshState;
}

/** One answer and, once the proxies have told it, who gave it. */
export interface SentAnswer {
  readonly status: number;
  readonly durationMs: number;
  /** First bytes of the body, as text. */
  readonly body: string;
  /** What went wrong on the way, when nothing came back. */
  readonly error: string;
  readonly requestId: string;
  /** Workload that answered; empty when the mesh itself did. */
  readonly servedBy: string;
  readonly flags: string;
  /** Of a call from outside the mesh: what the workload's sidecar told of it. */
  readonly seenAs?: {
    /** Who the caller proved to be; empty for nobody. */
    readonly peer: string;
    readonly tls: string;
    /** Why the connection was refused; empty when it was not. */
    readonly refused: string;
  };
}

/** What a caller's proxy has as the limits of one rule. */
export interface RuleLimits {
  readonly reporter: string;
  readonly resource: string;
  readonly field: string;
  /** Of the whole call, retries included; 0 = none. */
  readonly timeoutMs: number;
  /** Tries after the first. */
  readonly retries: number;
}

/** The ways of some requests: what all proxies told of them. */
export interface ToldWays {
  readonly exchanges: readonly LoggedExchange[];
  readonly limits: readonly RuleLimits[];
}

/** A request that a program was asked to hold. */
export interface HeldRequest {
  /** In the order of sending, from 1. */
  readonly number: number;
  readonly from: string;
  /** Absent while it is under way. */
  readonly answer?: SentAnswer;
}

/** How much of one thing a proxy uses. */
export interface SeatsView {
  readonly used: number;
  /** Absent = no limit. */
  readonly limit?: number;
  /** Refused for that limit since the proxy started. */
  readonly refused: number;
}

/** The circuit breaker that one caller's proxy has before one service. */
export interface BreakerView {
  readonly from: string;
  readonly cluster: string;
  readonly connections: SeatsView;
  /** Requests that wait for a connection. */
  readonly pending: SeatsView;
  readonly requests: SeatsView;
  readonly retries: SeatsView;
}

/** What is held, and the breakers of those who sent it. */
export interface HeldView {
  readonly requests: readonly HeldRequest[];
  readonly breakers: readonly BreakerView[];
}

/** A host of a cluster that detects outliers. */
export interface OutlierHost extends HostOutlier {
  /** Its address when it is no workload's. */
  readonly workload: string;
}

/** A cluster that detects outliers. */
export interface OutlierCluster extends Omit<ClusterOutliers, 'hosts'> {
  readonly hosts: readonly OutlierHost[];
}

/** Hosts of a service as one caller's proxy sees them. */
export interface OutliersView {
  /** The mesh's time, milliseconds. */
  readonly nowMs: number;
  /** The mesh's time can be put forward. */
  readonly canSkip: boolean;
  readonly clusters: readonly OutlierCluster[];
}

/** One proxy's word on one change. */
export interface ProxyAnswer {
  readonly workload: string;
  readonly state: 'waiting' | 'acknowledged' | 'refused' | 'not connected';
  /** Since the control plane took the change, to 10 ms; absent while waiting. */
  readonly ms?: number;
  /** The proxy's own words, with the kind that it refused. */
  readonly reason?: string;
}

/** How far a change has come. */
export interface ChangeProgress {
  readonly version: number;
  readonly ms: number;
  readonly proxies: readonly ProxyAnswer[];
  /** True when every proxy has answered, or nobody waits any longer. */
  readonly settled: boolean;
}

/** A change that was asked for on a page, for the list of the last ones. */
export interface Change extends ChangeProgress {
  readonly at: string;
  readonly resources: readonly (ResourceName & { readonly outcome: string })[];
}

/** Where a rule is written. */
export interface RulePlace {
  readonly file: string;
  /** 1-based, in the file. */
  readonly line: number;
  /** The resource's own lines; `first` is the file's line of the first of them. */
  readonly first: number;
  readonly lines: readonly string[];
  /** First and last line of the rule, in the file. */
  readonly from: number;
  readonly to: number;
}

/** A listener and what its connections become. */
export interface ListenerView {
  readonly name: string;
  readonly address: string;
  readonly bound: boolean;
  /** Whose calls it takes: `outbound` the program's own, `inbound` those of others, `gateway` those from outside. */
  readonly direction: 'outbound' | 'inbound' | 'gateway';
  readonly chains: readonly { readonly port: string; readonly kind: 'http' | 'tcp' | 'other'; readonly to: string }[];
}

/** Where a route sends its requests, with its share of 100. */
export interface RouteTarget {
  readonly cluster: string;
  readonly share: number;
}

/** One route of one virtual host. */
export interface RouteView {
  readonly table: string;
  readonly host: string;
  readonly domains: readonly string[];
  readonly match: string;
  /** Empty for redirects and answers of the proxy's own. */
  readonly targets: readonly RouteTarget[];
  /** What it does when it forwards nothing. */
  readonly action: string;
  /** Milliseconds of the whole call, retries included; 0 = no limit. */
  readonly timeoutMs: number;
  /** Tries after the first. */
  readonly retries: number;
  /** Resource and field that it was made from; empty for the mesh's own routes. */
  readonly resource: string;
  readonly field: string;
}

/** One host of a cluster. */
export interface EndpointView {
  readonly address: string;
  /** Empty when the address is no workload's. */
  readonly workload: string;
  readonly health: string;
  readonly requests: number;
  readonly active: number;
  readonly errors: number;
}

/** A cluster, and its endpoints as they are now. */
export interface ClusterView {
  readonly name: string;
  readonly type: string;
  readonly policy: string;
  readonly endpoints: readonly EndpointView[];
}

/** Everything of one proxy that the panel shows. */
export interface ProxyView {
  readonly name: string;
  readonly version: string;
  readonly state: string;
  /** Seconds since it started; 0 when it does not tell. */
  readonly upSeconds: number;
  readonly listeners: readonly ListenerView[];
  readonly routes: readonly RouteView[];
  readonly clusters: readonly ClusterView[];
}
