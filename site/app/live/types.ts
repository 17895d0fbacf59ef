/** Shapes that the site's server sends to the page. */
import type { Exchange } from '#api/exchange.ts';

/** An exchange with its place in the log and who answered. */
export interface LoggedExchange extends Exchange {
  readonly seq: number;
  readonly to: string;
}

/** One edge over the last ten seconds. */
export interface EdgeFigures {
  readonly from: string;
  readonly to: string;
  readonly rate: number;
  readonly success: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** The header's figures and the graph's edges. */
export interface Figures {
  readonly atMs: number;
  readonly windowMs: number;
  readonly rate: number;
  readonly p99Ms: number;
  readonly edges: readonly EdgeFigures[];
}

/** What else the stream tells. */
export interface MeshState {
  readonly load: { readonly on: boolean; readonly perSecond: number; readonly url: string };
  readonly proxies: { readonly connected: number; readonly expected: number; readonly controlPlane: boolean };
}

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

/** One answer to a request from the send panel. */
export interface SentAnswer {
  readonly status: number;
  readonly durationMs: number;
  readonly body: string;
  readonly error: string;
  readonly requestId: string;
  readonly servedBy: string;
  readonly flags: string;
}
