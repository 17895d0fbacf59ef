/** One HTTP/1.1 connection to an upstream host: one request at a time, answers read as strictly as requests are. */
import type { Duplex } from 'node:stream';
import type { Counter } from '#system/metrics.ts';
import type { Connection } from '#system/network.ts';
import { EMPTY_BODY, wholeBody } from '../http/body.ts';
import { type HttpRequest, type HttpResponse, NO_TRAILERS } from '../http/message.ts';
import { StreamError } from '../http/stream-error.ts';
import { type BodyDecoder, LengthDecoder } from './body-decoder.ts';
import { HeadError } from './head.ts';
import { IncomingBody } from './incoming-body.ts';
import { requestHead } from './request-text.ts';
import { decoderOf, parseResponseHead, type ResponseHead } from './response-head.ts';
import { pumpBody, writeWhole } from './write-message.ts';

const RESET = 'upstream connect error or disconnect/reset before headers. reset reason: ';
/** Envoy's limit. */
const MAX_HEADERS = 100;
/** Two ends of line around a chunk's bytes, and the chunk that ends a body. */
const CHUNK_FRAME = 4;
const LAST_CHUNK = 5;
/** Interim answers beyond are read over (as by Envoy). */
const LAST_INTERIM = 104;

interface Pending {
  readonly request: HttpRequest;
  readonly resolve: (response: HttpResponse) => void;
  readonly reject: (error: unknown) => void;
}

/** The connection ended before a byte of the response. */
const terminated = (cause?: unknown): StreamError =>
  new StreamError('UC', {
    text: `${RESET}connection termination`,
    codeDetails: 'upstream_reset_before_response_started{connection_termination}',
    cause,
  });

/** No HTTP, or a response that ends in its middle. */
const protocolError = (cause: unknown, started: boolean): StreamError =>
  new StreamError('UPE', {
    text: `${RESET}protocol error`,
    codeDetails: `upstream_reset_${started ? 'after' : 'before'}_response_started{protocol_error}`,
    cause,
  });

/** What a client connection allows, and where its bytes are counted. */
export interface ClientOptions {
  readonly maxHeadBytes: number;
  /** Fields of a response head; 100 when absent. */
  readonly maxHeaders?: number;
  readonly received?: Counter;
  readonly sent?: Counter;
}

/** Who ended the connection, and whether an exchange was cut by it. */
export interface ClientEnd {
  readonly by: 'local' | 'remote';
  readonly isBusy: boolean;
}

/** LIVING STATE of one client connection. */
export class Http1Client {
  readonly #connection: Connection;
  readonly #maxHeadBytes: number;
  readonly #limits: { readonly maxHeaders: number };
  readonly #received: Counter;
  readonly #sent: Counter;
  #buffer: Buffer | undefined;
  #pending: Pending | undefined;
  #decoder: BodyDecoder | undefined;
  #body: IncomingBody | undefined;
  #requestDone = true;
  #responseDone = true;
  #reusable = true;
  #closed = false;
  #upgraded = false;
  #idleListener: () => void = () => {};
  #closedListener: (end: ClientEnd) => void = () => {};
  #unsubscribe: () => void = () => {};
  #endedBy: ClientEnd['by'] = 'local';

  constructor(connection: Connection, options: ClientOptions) {
    this.#connection = connection;
    this.#maxHeadBytes = options.maxHeadBytes;
    this.#limits = { maxHeaders: options.maxHeaders ?? MAX_HEADERS };
    this.#received = options.received ?? { value: 0 };
    this.#sent = options.sent ?? { value: 0 };
    connection.on('data', this.#onData);
    connection.on('end', this.#onEnd);
    connection.on('error', this.#onError);
    connection.on('close', this.#onEnd);
    connection.resume();
  }

  get busy(): boolean {
    return !this.#requestDone || !this.#responseDone;
  }

  get closed(): boolean {
    return this.#closed;
  }

  get connection(): Connection {
    return this.#connection;
  }

  /** Called each time that the connection can take the next request. */
  onIdle(listener: () => void): void {
    this.#idleListener = listener;
  }

  /** Called once. */
  onClosed(listener: (end: ClientEnd) => void): void {
    this.#closedListener = listener;
  }

  close(): void {
    this.#fail(terminated());
  }

  /** Cuts what is under way; who awaits it is told why. */
  abort(error: StreamError): void {
    this.#fail(error);
  }

  /** Settles with the response head; rejects with StreamError. An abort resets the connection. */
  send(request: HttpRequest, signal: AbortSignal | undefined): Promise<HttpResponse> {
    if (this.#closed) return Promise.reject(terminated());
    if (this.busy) return Promise.reject(new Error('invariant: a busy HTTP/1.1 connection was given a request'));
    if (signal?.aborted) return Promise.reject(abortError(signal));
    this.#requestDone = false;
    this.#responseDone = false;
    return new Promise((resolve, reject) => {
      this.#pending = { request, resolve, reject };
      if (signal) this.#subscribe(signal);
      this.#write(request);
    });
  }

  #subscribe(signal: AbortSignal): void {
    const abort = () => this.#fail(abortError(signal));
    signal.addEventListener('abort', abort, { once: true });
    this.#unsubscribe = () => signal.removeEventListener('abort', abort);
  }

  #write(request: HttpRequest): void {
    const { whole } = request.body;
    if (whole !== undefined && !(whole.length > 0 && request.headers.has('expect'))) {
      // Done before it is written: in memory the answer may come within the write.
      this.#requestDone = true;
      const bytes = writeWhole(this.#connection, requestHead(request, whole.length), whole);
      this.#sent.value += bytes;
      return;
    }
    const head = requestHead(request, whole?.length);
    const length = head.chunked ? undefined : (whole?.length ?? Number(request.headers.get('content-length')));
    this.#connection.write(head.text, 'latin1');
    this.#sent.value += head.text.length;
    const sent = (bytes: number): void => {
      this.#sent.value += length === undefined ? bytes + bytes.toString(16).length + CHUNK_FRAME : bytes;
    };
    pumpBody(this.#connection, { body: request.body, trailers: undefined, length, sent }).then(
      () => {
        if (length === undefined) this.#sent.value += LAST_CHUNK;
        this.#requestDone = true;
        this.#settle();
      },
      (error: unknown) => this.#fail(error instanceof StreamError ? error : terminated(error)),
    );
  }

  readonly #onData = (chunk: Buffer): void => {
    if (this.#closed) return;
    this.#received.value += chunk.length;
    if (this.#responseDone && !this.#pending) {
      this.#fail(protocolError(new Error('unasked bytes'), false));
      return;
    }
    this.#buffer = this.#buffer ? Buffer.concat([this.#buffer, chunk]) : chunk;
    try {
      while (this.#buffer && this.#pending) if (!this.#takeHead(this.#pending, this.#buffer)) return;
      if (this.#decoder && this.#buffer) this.#feed(this.#decoder, this.#buffer);
    } catch (error) {
      if (!(error instanceof HeadError)) throw error;
      this.#fail(protocolError(error, this.#body !== undefined));
    }
  };

  #takeHead(pending: Pending, buffer: Buffer): boolean {
    const end = buffer.indexOf('\r\n\r\n', 0, 'latin1');
    if (end > this.#maxHeadBytes || (end < 0 && buffer.length > this.#maxHeadBytes)) throw new HeadError(502, 'http1.headers_too_large');
    if (end < 0) return false;
    const head = parseResponseHead(buffer.toString('latin1', 0, end + 2), this.#limits);
    this.#buffer = buffer.length === end + 4 ? undefined : buffer.subarray(end + 4);
    if (head.status === 101) this.#switch(pending, head);
    else if (head.status < 200) {
      if (head.status <= LAST_INTERIM) pending.request.onInterim?.(head.status, head.headers);
    } else this.#begin(pending, head);
    return true;
  }

  #begin(pending: Pending, head: ResponseHead): void {
    const { status, headers } = head;
    if (head.close || (head.version10 && !head.keepAlive)) this.#reusable = false;
    // Upstream may still hold that what follows is no HTTP.
    if (pending.request.upgrade !== undefined) this.#reusable = false;
    const decoder = decoderOf(pending.request.method, head);
    if (decoder instanceof LengthDecoder && decoder.untilClose) this.#reusable = false;
    const chunks: Uint8Array[] = [];
    // While it is still pending: what is broken from its first byte on is no answer.
    if (decoder && this.#buffer) this.#consume(decoder, this.#buffer, chunks);
    this.#pending = undefined;
    if (!decoder || decoder.done) {
      const bytes = chunks.length === 0 ? undefined : chunks.length === 1 ? chunks[0] : Buffer.concat(chunks);
      const trailers = decoder && decoder.trailers.flat.length > 0 ? Promise.resolve(decoder.trailers) : NO_TRAILERS;
      pending.resolve({ status, headers, body: bytes ? wholeBody(bytes) : EMPTY_BODY, trailers, via: this.#connection });
      this.#responded();
      return;
    }
    const body = new IncomingBody({ resume: () => this.#connection.resume(), abandoned: () => this.close() });
    for (const chunk of chunks) body.push(chunk);
    this.#decoder = decoder;
    this.#body = body;
    pending.resolve({ status, headers, body, trailers: body.trailers, via: this.#connection });
  }

  #consume(decoder: BodyDecoder, buffer: Buffer, chunks: Uint8Array[]): void {
    const at = decoder.feed(buffer, 0, chunks);
    this.#buffer = at === buffer.length ? undefined : buffer.subarray(at);
  }

  #feed(decoder: BodyDecoder, buffer: Buffer): void {
    const chunks: Uint8Array[] = [];
    this.#consume(decoder, buffer, chunks);
    let more = true;
    for (const chunk of chunks) more = this.#body?.push(chunk) ?? true;
    if (decoder.done) {
      const body = this.#body;
      this.#decoder = undefined;
      this.#body = undefined;
      this.#responded();
      body?.end(decoder.trailers);
    } else if (!more) this.#connection.pause();
  }

  #switch(pending: Pending, head: ResponseHead): void {
    if (head.chunked || head.contentLength !== undefined) throw new HeadError(502, 'a 101 with a body');
    if (pending.request.upgrade === undefined || head.upgrade !== pending.request.upgrade) throw new HeadError(502, 'unasked 101');
    this.#detach();
    this.#upgraded = true;
    this.#closed = true;
    this.#pending = undefined;
    const upgraded: Duplex = this.#connection;
    upgraded.pause();
    if (this.#buffer) upgraded.unshift(this.#buffer);
    this.#buffer = undefined;
    this.#requestDone = true;
    this.#responseDone = true;
    upgraded.once('close', () => this.#closedListener({ by: upgraded.readableEnded ? 'remote' : 'local', isBusy: true }));
    const via = this.#connection;
    pending.resolve({ status: head.status, headers: head.headers, body: EMPTY_BODY, trailers: NO_TRAILERS, upgraded, via });
  }

  #detach(): void {
    this.#unsubscribe();
    this.#connection.off('data', this.#onData).off('end', this.#onEnd).off('close', this.#onEnd).off('error', this.#onError);
    this.#connection.on('error', () => {});
  }

  #responded(): void {
    this.#responseDone = true;
    if (this.#buffer) this.#reusable = false;
    this.#settle();
  }

  #settle(): void {
    if (this.#upgraded || !this.#responseDone) return;
    if (!this.#requestDone) {
      // An answer before the whole request is final: the connection cannot be used again.
      this.#reusable = false;
    }
    if (!this.#reusable) {
      this.#end();
      return;
    }
    this.#unsubscribe();
    this.#unsubscribe = () => {};
    if (this.#connection.isPaused()) this.#connection.resume();
    this.#idleListener();
  }

  #end(): void {
    if (this.#closed) return;
    this.#closed = true;
    // An answer before the whole request leaves the exchange unfinished.
    const isBusy = !this.#requestDone;
    this.#requestDone = true;
    this.#unsubscribe();
    this.#connection.destroy();
    this.#closedListener({ by: this.#endedBy, isBusy });
  }

  readonly #onError = (error: Error): void => {
    this.#endedBy = 'remote';
    this.#fail(this.#cut(error));
  };

  #cut(cause?: unknown): StreamError {
    return this.#body || (this.#pending && this.#buffer) ? protocolError(cause, this.#body !== undefined) : terminated(cause);
  }

  readonly #onEnd = (): void => {
    this.#endedBy = 'remote';
    const decoder = this.#decoder;
    if (decoder instanceof LengthDecoder && decoder.untilClose) {
      const body = this.#body;
      this.#decoder = undefined;
      this.#body = undefined;
      this.#responded();
      body?.end(decoder.trailers);
      return;
    }
    this.#fail(this.#cut());
  };

  #fail(error: StreamError): void {
    if (this.#closed) return;
    this.#closed = true;
    const isBusy = this.busy;
    const pending = this.#pending;
    const body = this.#body;
    this.#pending = undefined;
    this.#decoder = undefined;
    this.#body = undefined;
    this.#requestDone = true;
    this.#responseDone = true;
    this.#unsubscribe();
    this.#connection.destroy();
    pending?.reject(error);
    body?.fail(error);
    this.#closedListener({ by: this.#endedBy, isBusy });
  }
}

const abortError = (signal: AbortSignal): StreamError =>
  signal.reason instanceof StreamError
    ? signal.reason
    : new StreamError('DC', { codeDetails: 'downstream_remote_disconnect', cause: signal.reason });
