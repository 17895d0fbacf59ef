/**
 * One HTTP/1.1 connection from a client: bytes → requests → answers in the order asked.
 * One exchange at a time; what is pipelined waits in the buffer. Any malformed byte ends the connection after one answer.
 */
import type { Clock } from '#system/clock.ts';
import type { Connection } from '#system/network.ts';
import { EMPTY_BODY, wholeBody } from '../http/body.ts';
import { type HttpRequest, type HttpResponse, NO_TRAILERS } from '../http/message.ts';
import type { ServeHttp } from '../http/serve.ts';
import { StreamError } from '../http/stream-error.ts';
import type { DownstreamConnection } from '../http/stream-info.ts';
import { type BodyDecoder, ChunkedDecoder, LengthDecoder } from './body-decoder.ts';
import type { Exchange } from './exchange.ts';
import { HeadError } from './head.ts';
import { IncomingBody } from './incoming-body.ts';
import { refusalOf, STREAM_TIMEOUT } from './refusal.ts';
import { parseRequestHead, type RequestHead } from './request-head.ts';
import { responseHead } from './response-text.ts';
import { joinTunnel } from './upgrade.ts';
import { pumpBody, writeWhole } from './write-message.ts';

const HEAD_END = '\r\n\r\n';
/** How long a client may take to read a last answer while it still sends. */
const LINGER_MS = 1000;

/** LIVING STATE of one server connection. */
export class Http1Server {
  readonly #connection: Connection;
  readonly #http: ServeHttp;
  readonly #downstream: DownstreamConnection;
  readonly #clock: Clock;
  #buffer: Buffer | undefined;
  #exchange: Exchange | undefined;
  #decoder: BodyDecoder | undefined;
  #body: IncomingBody | undefined;
  #closing = false;
  #tunnel = false;
  #draining = false;
  #activeAtMs: number;
  #cancelWatch: () => void = () => {};

  constructor(connection: Connection, http: ServeHttp, downstream: DownstreamConnection, clock: Clock) {
    this.#connection = connection;
    this.#http = http;
    this.#downstream = downstream;
    this.#clock = clock;
    this.#activeAtMs = clock.nowMs();
    http.connectionOpened();
    connection.on('data', this.#onData);
    connection.on('end', this.#onEnd);
    connection.on('error', () => {});
    connection.on('close', this.#onClose);
    this.#watch();
    connection.resume();
  }

  /** Answers from now on close the connection; an idle one closes at once. */
  drain(): void {
    this.#draining = true;
    if (!this.#exchange && !this.#buffer) this.#connection.end();
  }

  readonly #onData = (chunk: Buffer): void => {
    if (this.#closing || this.#tunnel) return;
    this.#activeAtMs = this.#clock.nowMs();
    this.#buffer = this.#buffer ? Buffer.concat([this.#buffer, chunk]) : chunk;
    this.#advance();
  };

  readonly #onEnd = (): void => {
    if (this.#tunnel) return;
    this.#leave();
    this.#connection.end();
  };

  readonly #onClose = (): void => {
    this.#cancelWatch();
    if (!this.#tunnel) this.#leave();
    this.#http.connectionClosed();
  };

  #leave(): void {
    const exchange = this.#exchange;
    this.#closing = true;
    if (!exchange) return;
    exchange.stream.abort('DC', 'downstream_remote_disconnect');
    this.#body?.fail(new StreamError('DC', { codeDetails: 'downstream_remote_disconnect' }));
    this.#finish(exchange);
  }

  #advance(): void {
    try {
      while (this.#buffer && !this.#closing && !this.#tunnel) {
        if (this.#decoder) {
          this.#feedBody(this.#decoder);
          if (this.#decoder) return;
        } else if (this.#exchange) {
          if (this.#buffer.length > this.#http.settings.maxHeadBytes) this.#connection.pause();
          return;
        } else if (!this.#takeHead()) return;
      }
    } catch (error) {
      if (!(error instanceof HeadError)) throw error;
      this.#malformed(error);
    }
  }

  #takeHead(): boolean {
    let buffer = this.#buffer as Buffer;
    if (buffer[0] === 13 && buffer[1] === 10) buffer = buffer.subarray(2);
    const end = buffer.indexOf(HEAD_END, 0, 'latin1');
    const { settings } = this.#http;
    if (end > settings.maxHeadBytes || (end < 0 && buffer.length > settings.maxHeadBytes))
      throw new HeadError(431, 'http1.headers_too_large');
    if (end < 0) return false;
    const head = parseRequestHead(buffer.toString('latin1', 0, end + 2), settings);
    this.#buffer = buffer.length === end + 4 ? undefined : buffer.subarray(end + 4);
    this.#begin(head);
    return true;
  }

  #begin(head: RequestHead): void {
    const decoder = head.chunked ? new ChunkedDecoder() : head.contentLength ? new LengthDecoder(head.contentLength) : undefined;
    const chunks: Uint8Array[] = [];
    if (decoder && this.#buffer) this.#consume(decoder, chunks);
    const request = this.#request(head, decoder, chunks);
    const stream = this.#http.serve(request, this.#downstream);
    const received = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
    const exchange: Exchange = { stream, head, headSent: false, responseDone: false, received, sent: 0, status: 0 };
    this.#exchange = exchange;
    stream.response.then((response) => this.#respond(exchange, response));
  }

  #request(head: RequestHead, decoder: BodyDecoder | undefined, chunks: Uint8Array[]): HttpRequest {
    const { method, path, authority } = head;
    const { settings } = this.#http;
    const expects = head.headers.get('expect') !== undefined;
    const headers = expects && !settings.proxy100Continue ? head.headers.without('expect') : head.headers;
    const start = { method, scheme: 'http' as const, authority, path, headers };
    const extras = {
      ...(head.upgrade !== undefined && head.upgrade !== 'h2c' && { upgrade: head.upgrade }),
      ...(expects && settings.proxy100Continue && { onInterim: this.#interim }),
    };
    if (!decoder) return { ...start, body: EMPTY_BODY, trailers: NO_TRAILERS, ...extras };
    if (decoder.done) {
      const trailers = decoder.trailers.flat.length === 0 ? NO_TRAILERS : Promise.resolve(decoder.trailers);
      return { ...start, body: wholeBody(joined(chunks)), trailers, ...extras };
    }
    if (expects && !settings.proxy100Continue && chunks.length === 0) this.#connection.write('HTTP/1.1 100 Continue\r\n\r\n', 'latin1');
    const body = new IncomingBody({ resume: () => this.#connection.resume(), abandoned: () => this.#connection.resume() });
    for (const chunk of chunks) body.push(chunk);
    this.#decoder = decoder;
    this.#body = body;
    return { ...start, body, trailers: body.trailers, ...extras };
  }

  readonly #interim = (status: number): void => {
    if (this.#exchange?.headSent || this.#connection.destroyed || status !== 100) return;
    this.#connection.write('HTTP/1.1 100 Continue\r\n\r\n', 'latin1');
  };

  #consume(decoder: BodyDecoder, chunks: Uint8Array[]): void {
    const buffer = this.#buffer as Buffer;
    const at = decoder.feed(buffer, 0, chunks);
    this.#buffer = at === buffer.length ? undefined : buffer.subarray(at);
  }

  #feedBody(decoder: BodyDecoder): void {
    const chunks: Uint8Array[] = [];
    this.#consume(decoder, chunks);
    let more = true;
    for (const chunk of chunks) {
      if (this.#exchange) this.#exchange.received += chunk.length;
      more = this.#body?.push(chunk) ?? true;
    }
    if (decoder.done) {
      const exchange = this.#exchange;
      const body = this.#body;
      this.#decoder = undefined;
      this.#body = undefined;
      body?.end(decoder.trailers);
      if (exchange?.responseDone) this.#finish(exchange);
    } else if (!more) this.#connection.pause();
  }

  #malformed(error: HeadError): void {
    const exchange = this.#exchange;
    const refusal = refusalOf(error);
    this.#closing = true;
    this.#buffer = undefined;
    if (exchange) {
      exchange.stream.abort('DPE', error.details);
      this.#body?.fail(refusal);
      if (exchange.headSent) {
        this.#drop(exchange);
        return;
      }
      this.#exchange = undefined;
      exchange.status = refusal.status;
      exchange.stream.finish(refusal.status, exchange.received, 0);
    }
    const response = this.#http.refuse(refusal, this.#downstream);
    const whole = response.body.whole ?? new Uint8Array(0);
    writeWhole(this.#connection, responseHead(response, { close: true, chunked: false, length: whole.length }), whole);
    this.#hangUp();
  }

  #respond(exchange: Exchange, response: HttpResponse | undefined): void {
    if (exchange !== this.#exchange) {
      if (response) void response.body[Symbol.asyncIterator]().return?.();
      response?.upgraded?.destroy();
      return;
    }
    if (!response) {
      this.#drop(exchange);
      return;
    }
    exchange.headSent = true;
    exchange.status = response.status;
    this.#activeAtMs = this.#clock.nowMs();
    if (response.upgraded) {
      this.#joinTunnel(exchange, response, response.upgraded);
      return;
    }
    const { head } = exchange;
    const bodiless = head.method === 'HEAD' || response.status === 204 || response.status === 304;
    const whole = bodiless ? EMPTY_BODY.whole : response.body.whole;
    const close = head.close || this.#draining || this.#http.draining || this.#decoder !== undefined;
    if (close) this.#draining = true;
    if (whole !== undefined) {
      const length = bodiless ? undefined : whole.length;
      writeWhole(this.#connection, responseHead(response, { close, chunked: false, length }), whole);
      exchange.sent = whole.length;
      if (bodiless && response.body.whole === undefined) void response.body[Symbol.asyncIterator]().return?.();
      this.#responded(exchange);
      return;
    }
    const declared = response.headers.get('content-length');
    this.#connection.write(responseHead(response, { close, chunked: declared === undefined, length: undefined }), 'latin1');
    const sent = (bytes: number): void => {
      exchange.sent += bytes;
      this.#activeAtMs = this.#clock.nowMs();
    };
    const length = declared === undefined ? undefined : Number(declared);
    pumpBody(this.#connection, { body: response.body, trailers: response.trailers, length, sent }).then(
      () => this.#responded(exchange),
      (error: unknown) => {
        exchange.stream.note(error);
        if (exchange === this.#exchange) this.#drop(exchange);
      },
    );
  }

  #responded(exchange: Exchange): void {
    if (exchange !== this.#exchange) return;
    exchange.responseDone = true;
    if (this.#decoder) {
      this.#closing = true;
      this.#decoder = undefined;
      this.#body?.fail(new StreamError('DPE', { codeDetails: 'request_abandoned' }));
    }
    this.#finish(exchange);
  }

  #finish(exchange: Exchange): void {
    this.#exchange = undefined;
    this.#body = undefined;
    this.#decoder = undefined;
    exchange.stream.finish(exchange.status, exchange.received, exchange.sent);
    if (this.#draining || this.#closing) {
      this.#hangUp();
      return;
    }
    if (this.#connection.isPaused()) this.#connection.resume();
    if (this.#buffer) this.#advance();
  }

  /** Says the last word and waits a little for the client to hear it: closing at once would reset what it has not read. */
  #hangUp(): void {
    this.#closing = true;
    this.#connection.end();
    this.#connection.resume();
    this.#cancelWatch();
    this.#cancelWatch = this.#clock.after(LINGER_MS, () => this.#connection.destroy());
  }

  #drop(exchange: Exchange): void {
    this.#closing = true;
    this.#connection.destroy();
    if (exchange === this.#exchange) this.#finish(exchange);
  }

  #joinTunnel(exchange: Exchange, response: HttpResponse, far: NonNullable<HttpResponse['upgraded']>): void {
    this.#tunnel = true;
    this.#cancelWatch();
    const connection = this.#connection;
    connection.off('data', this.#onData).off('end', this.#onEnd);
    connection.write(
      responseHead(response, { close: false, chunked: false, length: undefined, upgrade: exchange.head.upgrade ?? '' }),
      'latin1',
    );
    if (this.#buffer) far.write(this.#buffer);
    joinTunnel(connection, far, (received, sent) => {
      exchange.stream.finish(response.status, received, sent);
      this.#exchange = undefined;
    });
  }

  /** One timer a connection, moved only when it fires: a request costs a field write. */
  #watch(): void {
    const { headTimeoutMs, idleTimeoutMs, streamIdleTimeoutMs } = this.#http.settings;
    const shortest = Math.min(...[headTimeoutMs, idleTimeoutMs, streamIdleTimeoutMs].filter((ms) => ms > 0));
    if (!Number.isFinite(shortest)) return;
    let headSinceMs: number | undefined;
    const look = (): void => {
      const now = this.#clock.nowMs();
      const inHead = this.#buffer !== undefined && !this.#exchange;
      headSinceMs = inHead ? (headSinceMs ?? now) : undefined;
      const limit = this.#exchange ? streamIdleTimeoutMs : inHead ? headTimeoutMs : idleTimeoutMs;
      const left = limit === 0 ? shortest : limit - (now - (headSinceMs ?? this.#activeAtMs));
      if (left <= 0) {
        this.#expire();
        return;
      }
      this.#cancelWatch = this.#clock.after(Math.min(left, shortest), look);
    };
    this.#cancelWatch = this.#clock.after(shortest, look);
  }

  #expire(): void {
    const exchange = this.#exchange;
    if (!exchange) {
      if (this.#buffer) this.#connection.destroy();
      else this.#connection.end();
      return;
    }
    exchange.stream.abort('SI', 'stream_idle_timeout');
    if (exchange.headSent) {
      this.#drop(exchange);
      return;
    }
    this.#exchange = undefined;
    this.#body?.fail(new StreamError('SI', { codeDetails: 'stream_idle_timeout' }));
    exchange.stream.finish(408, exchange.received, 14);
    this.#connection.write(STREAM_TIMEOUT, 'latin1');
    this.#hangUp();
  }
}

const joined = (chunks: Uint8Array[]): Uint8Array => (chunks.length === 1 ? (chunks[0] as Uint8Array) : Buffer.concat(chunks));
