/** The facts of one request/response exchange: the only per-request state. It is a record; it only ever grows. */
import type { SocketAddress } from '#system/network.ts';
import type { TlsFacts } from '#system/tls/tls-facts.ts';
import type { ResponseFlag } from './response-flags.ts';

/** Who is on the other side of the listener. */
export interface DownstreamConnection {
  readonly id: number;
  readonly local: SocketAddress;
  /** Who the client is: from the socket, from a PROXY line, or what trusted proxies say in x-forwarded-for. */
  readonly remote: SocketAddress;
  /** Who is at the other end, where that is somebody else. */
  readonly direct?: SocketAddress;
  /** Peer's `spiffe://…` from mutual TLS; absent on plain text. */
  readonly peerIdentity?: string;
  readonly serverName?: string;
  /** Absent on plain text. */
  readonly tls?: TlsFacts;
  /** Absent: HTTP/1.1. */
  readonly protocol?: 'HTTP/2';
  /** Why the client's handshake failed, in words like Envoy's; only of connections that carried nothing. */
  readonly transportFailure?: string;
}

/** One upstream try. */
export interface Attempt {
  readonly cluster: string;
  /** `address:port` of the picked host; absent when none could be picked. */
  readonly host?: string;
  readonly startedAtMs: number;
  /** Local end of the upstream connection, once there is one. */
  local?: SocketAddress;
  /** What was agreed on that connection; absent on plain text. */
  tls?: TlsFacts;
  /** Spoken on that connection; absent: HTTP/1.1. */
  protocol?: 'HTTP/2';
  /** Milliseconds from start to the response head, once it came. */
  headMs?: number;
  status?: number;
  /** Why it failed, when it did. */
  flag?: ResponseFlag;
  /** `%RESPONSE_CODE_DETAILS%` of this try alone, when it failed. */
  details?: string;
  /** Milliseconds from start to the failure. */
  failedMs?: number;
  /** Back-off before it in milliseconds; absent of a first try. */
  waitedMs?: number;
  /** How long it may take in milliseconds; absent = as long as the exchange. */
  limitMs?: number;
}

/** What a route carries for tools, by name space: `filter_metadata`. */
export type RouteMetadata = Readonly<Record<string, unknown>>;

/** How the exchange ended: both bodies finished or reset. */
export interface StreamEnd {
  readonly status: number;
  readonly bytesReceived: number;
  readonly bytesSent: number;
  readonly durationMs: number;
}

/** One exchange. Filters read it and add to flags, attempts and the mutable notes; nobody removes. */
export interface StreamInfo {
  /** Unique in this proxy: its counter. x-request-id is not (copies, retries, clients that set it). */
  readonly exchangeId: number;
  requestId: string;
  readonly startedAtMs: number;
  readonly startedAtWallMs: number;
  readonly downstream: DownstreamConnection;
  /** Aborts when downstream left or the exchange was given up. */
  readonly signal: AbortSignal;
  readonly flags: Set<ResponseFlag>;
  readonly attempts: Attempt[];
  /** `%RESPONSE_CODE_DETAILS%`: `via_upstream`, `route_not_found` …; empty until known. */
  codeDetails: string;
  routeName: string;
  /** Of the matched route; absent before, and of a route without. */
  routeMetadata?: RouteMetadata | undefined;
  /** Cluster that the route chose; empty until known. */
  clusterName: string;
  /** Why TLS or connect failed upstream, in words, for the log. */
  upstreamFailure: string;
  /** Why this end cut a connection that carries no requests: `%CONNECTION_TERMINATION_DETAILS%`; absent when it did not. */
  terminationDetails?: string;
  /** What filters found out, by name space (`envoy.filters.http.jwt_authn`): Envoy's dynamic metadata. Absent until one writes. */
  metadata: Record<string, Readonly<Record<string, unknown>>> | undefined;
  /** Runs once when BOTH bodies are finished or reset: release limits, write the log here. */
  onDone(listener: (end: StreamEnd) => void): void;
}
