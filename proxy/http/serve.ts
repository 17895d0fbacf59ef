/** The seam between a server codec and the connection manager: what one tells the other about an exchange. */
import type { Http2Downstream } from './http2/http2-numbers.ts';
import { HTTP2_DEFAULTS, type Http2Options } from './http2/http2-options.ts';
import type { HttpRequest, HttpResponse } from './message.ts';
import type { ResponseFlag } from './response-flags.ts';
import type { StreamError } from './stream-error.ts';
import type { DownstreamConnection } from './stream-info.ts';

/** Limits of one server connection. Times in milliseconds; 0 = never. */
export interface ServerSettings {
  readonly maxHeadBytes: number;
  readonly maxHeaders: number;
  /** From the first byte of a head to its last. */
  readonly headTimeoutMs: number;
  /** Connection without any request. */
  readonly idleTimeoutMs: number;
  /** Exchange in which nothing moves; a route may say otherwise (ServedStream.idleTimeoutMs). */
  readonly streamIdleTimeoutMs: number;
  /** From a request's head to the last byte of its body. */
  readonly requestTimeoutMs: number;
  /** Protocols that a client may upgrade to, lower-case. */
  readonly upgrades: ReadonlySet<string>;
  /** Whether interim answers and `Expect: 100-continue` go through; otherwise the codec answers the latter itself. */
  readonly proxy100Continue: boolean;
  /** Field names with `_`. */
  readonly underscores: 'allow' | 'reject' | 'drop';
  /** Whether methods outside Envoy's list are understood. */
  readonly customMethods: boolean;
  /** Whether trailers are kept; otherwise they are read and dropped. */
  readonly trailers: boolean;
  /** How long a client may take to read a last answer while it still sends. */
  readonly delayedCloseMs: number;
  /** Requests on one connection; 0 = any number. */
  readonly maxRequests: number;
  /** What clients may speak; auto: as ALPN or their first bytes say. */
  readonly codec: 'auto' | 'http1' | 'http2';
  readonly http2: Http2Options;
  /** How long a client of HTTP/2 that is to leave may still open streams before it has heard of it. */
  readonly drainTimeoutMs: number;
}

/** Envoy's defaults, but for the head's timeout: there Envoy waits for ever, and a slow client could hold a socket for nothing. */
export const SERVER_DEFAULTS: ServerSettings = {
  maxHeadBytes: 60 * 1024,
  maxHeaders: 100,
  headTimeoutMs: 15_000,
  idleTimeoutMs: 3_600_000,
  streamIdleTimeoutMs: 300_000,
  requestTimeoutMs: 0,
  upgrades: new Set(),
  proxy100Continue: false,
  underscores: 'allow',
  customMethods: false,
  trailers: false,
  delayedCloseMs: 1000,
  maxRequests: 0,
  codec: 'auto',
  http2: HTTP2_DEFAULTS,
  drainTimeoutMs: 5000,
};

/** One exchange, as its codec sees it. The codec calls `finish` exactly once. */
export interface ServedStream {
  /** Never rejects; undefined: say nothing, drop the connection. */
  readonly response: Promise<HttpResponse | undefined>;
  /** In place of ServerSettings.streamIdleTimeoutMs, where the route says so; known as soon as `serve` returned. */
  readonly idleTimeoutMs?: number | undefined;
  /** Downstream left, or the exchange was given up: aborts what is under way. */
  abort(flag: ResponseFlag, codeDetails: string): void;
  /** Gives the exchange up before it was answered: aborts what is under way and says what the client gets instead. */
  giveUp(error: StreamError): HttpResponse;
  /** Upstream broke after its head had been handed on. */
  note(error: unknown): void;
  /** Both bodies are finished or reset. status: what was sent, 0 when nothing was. */
  finish(status: number, bytesReceived: number, bytesSent: number): void;
}

/** What a server codec hands its requests to. One per connection manager. */
export interface ServeHttp {
  readonly settings: ServerSettings;
  /** True while clients shall leave: answers carry `connection: close`. */
  draining: boolean;
  /** refusal: the request was understood but must not be served. */
  serve(request: HttpRequest, downstream: DownstreamConnection, refusal?: StreamError): ServedStream;
  /** Bytes that never became a whole request: what to answer. Counts and logs. request: its head, where there was one. */
  refuse(error: StreamError, downstream: DownstreamConnection, request?: HttpRequest): HttpResponse;
  connectionOpened(): void;
  connectionClosed(): void;
  /** Made when the first client speaks HTTP/2; absent where none can. */
  http2?(): Http2Downstream;
}
