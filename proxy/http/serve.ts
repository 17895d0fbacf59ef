/** The seam between a server codec and the connection manager: what one tells the other about an exchange. */
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
  /** Exchange in which nothing moves. */
  readonly streamIdleTimeoutMs: number;
  /** Protocols that a client may upgrade to, lower-case. */
  readonly upgrades: ReadonlySet<string>;
  /** Whether `Expect: 100-continue` goes to upstream; otherwise the codec answers it. */
  readonly proxy100Continue: boolean;
}

/** One exchange, as its codec sees it. The codec calls `finish` exactly once. */
export interface ServedStream {
  /** Never rejects; undefined: say nothing, drop the connection. */
  readonly response: Promise<HttpResponse | undefined>;
  /** Downstream left, or the exchange was given up: aborts what is under way. */
  abort(flag: ResponseFlag, codeDetails: string): void;
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
  serve(request: HttpRequest, downstream: DownstreamConnection): ServedStream;
  /** Bytes that never became a request: what to answer. Counts and logs. */
  refuse(error: StreamError, downstream: DownstreamConnection): HttpResponse;
  connectionOpened(): void;
  connectionClosed(): void;
}
