/**
 * One HTTP/1.1 connection from a client: bytes → requests → answers in the order asked.
 * One exchange at a time; what is pipelined waits in the buffer. Any malformed byte ends the connection after one answer.
 */
import type { Clock } from '#system/clock.ts';
import type { Connection } from '#system/network.ts';
import type { HeaderMap } from '../http/header-map.ts';
import type { HttpResponse } from '../http/message.ts';
import type { ServeHttp } from '../http/serve.ts';
import { StreamError } from '../http/stream-error.ts';
import type { DownstreamConnection } from '../http/stream-info.ts';
import type { BodyDecoder } from './body-decoder.ts';
import { ConnectionWatch, type Phase } from './connection-watch.ts';
import { type Exchange, newExchange } from './exchange.ts';
import { HeadError, withoutEmptyLines } from './head.ts';
import { IncomingBody } from './incoming-body.ts';
import { awaitsContinue, decoderFor, receivedRequest, requestStart, wantsUpgrade } from './receive-request.ts';
import { HEAD_TIMEOUT, LEFT_EARLY, REQUEST_TIMEOUT, refusalOf, streamTimeout, wordlessRefusal } from './refusal.ts';
import { headEnd, parseRequestHead, type RequestHead } from './request-head.ts';
import { interimHead, isBodiless, responseHead } from './response-text.ts';
import { startTunnel } from './upgrade.ts';
import { discard, pumpBody, writeWhole } from './write-message.ts';

const NOTHING = new Uint8Array(0);
const CONTINUE = 'HTTP/1.1 100 Continue\r\n\r\n';

/** LIVING STATE of one server connection. */
export class Http1Server {
  readonly #connection: Connection;
  #http: ServeHttp;
  readonly #downstream: DownstreamConnection;
  readonly #watch: ConnectionWatch;
  readonly #clock: Clock;
  #buffer: Buffer | undefined;
  #exchange: Exchange | undefined;
  #decoder: BodyDecoder | undefined;
  #body: IncomingBody | undefined;
  #requests = 0;
  #interimSent = false;
  #closing = false;
  #tunnel = false;
  #draining = false;

  constructor(connection: Connection, http: ServeHttp, downstream: DownstreamConnection, clock: Clock) {
    this.#connection = connection;
    this.#http = http;
    this.#downstream = downstream;
    this.#clock = clock;
    http.connectionOpened();
    connection.on('data', this.#onData).on('end', this.#onEnd).on('close', this.#onClose);
    connection.on('error', () => {});
    const phase = (): Phase => (this.#exchange ? 'exchange' : this.#buffer ? 'head' : 'idle');
    this.#watch = new ConnectionWatch(clock, http.settings, { phase, expire: this.#expire });
    connection.resume();
  }

  /** Who serves from the next request on; times and limits of the connection stay. */
  serveBy(http: ServeHttp): void {
    this.#http = http;
  }

  /** Answers from now on close the connection; an idle one closes at once. */
  drain(): void {
    this.#draining = true;
    if (!this.#exchange && !this.#buffer) this.#connection.end();
  }

  /** Another codec takes the connection over, in the middle of what is being read. */
  release(): void {
    this.#tunnel = true;
    this.#watch.stop();
    this.#connection.off('data', this.#onData).off('end', this.#onEnd).off('close', this.#onClose);
  }

  readonly #onData = (chunk: Buffer): void => {
    if (this.#closing || this.#tunnel) return;
    this.#watch.touch();
    if (!this.#buffer) this.#watch.headSinceMs = this.#watch.activeAtMs;
    this.#buffer = this.#buffer ? Buffer.concat([this.#buffer, chunk]) : chunk;
    this.#advance();
  };

  readonly #onEnd = (): void => {
    if (this.#tunnel) return;
    this.#leave();
    this.#connection.end();
  };

  readonly #onClose = (): void => {
    this.#watch.stop();
    if (!this.#tunnel) this.#leave();
    this.#http.connectionClosed();
  };

  #leave(): void {
    const exchange = this.#exchange;
    if (!exchange && this.#buffer && !this.#closing) this.#http.refuse(LEFT_EARLY, this.#downstream);
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
    const buffer = withoutEmptyLines(this.#buffer as Buffer);
    const { settings } = this.#http;
    const end = headEnd(buffer, settings);
    if (end < 0) return false;
    const head = parseRequestHead(buffer.toString('latin1', 0, end + 2), settings);
    this.#buffer = buffer.length === end + 4 ? undefined : buffer.subarray(end + 4);
    this.#begin(head);
    return true;
  }

  #begin(head: RequestHead): void {
    const { settings } = this.#http;
    const decoder = decoderFor(head, settings);
    const chunks: Uint8Array[] = [];
    if (decoder && this.#buffer && !this.#consumeFirst(head, decoder, chunks)) return;
    if (awaitsContinue(head, settings)) this.#connection.write(CONTINUE, 'latin1');
    if (decoder && !decoder.done) this.#await(decoder, chunks);
    this.#interimSent = false;
    const onInterim = settings.proxy100Continue ? this.#interim : undefined;
    const request = receivedRequest(head, settings, { decoder, chunks, onInterim }, this.#body);
    const refusal = head.refusal && wordlessRefusal(head.refusal);
    const stream = this.#http.serve(request, this.#downstream, refusal);
    const exchange = newExchange(stream, head, chunks);
    this.#exchange = exchange;
    this.#watch.limitExchange(stream.idleTimeoutMs ?? settings.streamIdleTimeoutMs);
    if (this.#decoder && settings.requestTimeoutMs > 0) {
      // Where the answer has begun, the request may go on.
      const isLate = () => exchange === this.#exchange && this.#decoder !== undefined && !exchange.headSent;
      const late = () => isLate() && this.#giveUp(exchange, REQUEST_TIMEOUT);
      stream.response.finally(this.#clock.after(settings.requestTimeoutMs, late));
    }
    this.#requests++;
    stream.response.then((response) => this.#respond(exchange, response));
  }

  #await(decoder: BodyDecoder, chunks: readonly Uint8Array[]): void {
    const body = new IncomingBody({ resume: () => this.#connection.resume(), abandoned: () => this.#connection.resume() });
    for (const chunk of chunks) body.push(chunk);
    this.#decoder = decoder;
    this.#body = body;
  }

  /** False: the body that came with the head is broken, and was refused. */
  #consumeFirst(head: RequestHead, decoder: BodyDecoder, chunks: Uint8Array[]): boolean {
    try {
      this.#consume(decoder, chunks);
      return true;
    } catch (error) {
      if (!(error instanceof HeadError)) throw error;
      this.#refuse(this.#http.refuse(refusalOf(error), this.#downstream, requestStart(head, this.#http.settings)));
      return false;
    }
  }

  /** Only the first one, as from Envoy. */
  readonly #interim = (status: number, headers: HeaderMap): void => {
    // In memory it may come before the exchange stands: within the very call that serves the request.
    if (this.#interimSent || this.#exchange?.headSent || this.#connection.destroyed) return;
    this.#interimSent = true;
    this.#connection.write(interimHead(status, headers), 'latin1');
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
    if (!exchange) this.#refuse(this.#http.refuse(refusal, this.#downstream));
    else if (!exchange.headSent) this.#giveUp(exchange, refusal);
    else {
      exchange.stream.abort('DPE', error.details);
      this.#body?.fail(refusal);
      this.#drop(exchange);
    }
  }

  /** The last word on bytes that are no exchange. */
  #refuse(response: HttpResponse): void {
    this.#buffer = undefined;
    const whole = response.body.whole ?? NOTHING;
    writeWhole(this.#connection, responseHead(response, { close: true, length: whole.length }), whole);
    this.#hangUp();
  }

  /** Answers an exchange that upstream has not answered. */
  #giveUp(exchange: Exchange, error: StreamError): void {
    const body = this.#body;
    this.#respond(exchange, exchange.stream.giveUp(error));
    body?.fail(error);
  }

  #respond(exchange: Exchange, response: HttpResponse | undefined): void {
    if (exchange !== this.#exchange || exchange.headSent) {
      if (response) discard(response);
    } else if (!response) this.#drop(exchange);
    else {
      exchange.headSent = true;
      exchange.status = response.status;
      this.#watch.touch();
      if (response.upgraded) this.#startTunnel(exchange, response);
      else this.#answer(exchange, response);
    }
  }

  #answer(exchange: Exchange, response: HttpResponse): void {
    const toHead = exchange.head.method === 'HEAD';
    const bodiless = toHead || isBodiless(response.status);
    const whole = bodiless ? NOTHING : response.body.whole;
    const close = this.#closesWith(exchange, response);
    if (close) this.#draining = true;
    const head = responseHead(response, { close, length: whole?.length, toHead });
    if (whole !== undefined) {
      writeWhole(this.#connection, bodiless ? { ...head, chunked: false } : head, whole);
      exchange.sent = whole.length;
      if (bodiless && response.body.whole === undefined) void response.body[Symbol.asyncIterator]().return?.();
      this.#responded(exchange);
      return;
    }
    this.#connection.write(head.text, 'latin1');
    const sent = (bytes: number): void => {
      exchange.sent += bytes;
      this.#watch.touch();
    };
    const length = head.chunked ? undefined : Number(response.headers.get('content-length'));
    const trailers = this.#http.settings.trailers ? response.trailers : undefined;
    pumpBody(this.#connection, { body: response.body, trailers, length, sent }).then(
      () => this.#responded(exchange),
      (error: unknown) => {
        exchange.stream.note(error);
        if (exchange === this.#exchange) this.#drop(exchange);
      },
    );
  }

  #closesWith({ head }: Exchange, response: HttpResponse): boolean {
    if (head.close || this.#draining || this.#http.draining || this.#closing || response.close === true) return true;
    // The rest of the body, or what a client sent believing in its upgrade, must never be read as a request.
    if (this.#decoder !== undefined || wantsUpgrade(head)) return true;
    const { maxRequests } = this.#http.settings;
    return maxRequests > 0 && this.#requests >= maxRequests;
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
    if (this.#buffer) {
      this.#watch.headSinceMs = this.#watch.activeAtMs;
      this.#advance();
    }
  }

  /** Says the last word and waits a little for the client to hear it: closing at once would reset what it has not read. */
  #hangUp(): void {
    this.#closing = true;
    this.#connection.end();
    this.#connection.resume();
    this.#watch.insteadAfter(this.#http.settings.delayedCloseMs, () => this.#connection.destroy());
  }

  #drop(exchange: Exchange): void {
    this.#closing = true;
    this.#connection.destroy();
    if (exchange === this.#exchange) this.#finish(exchange);
  }

  #startTunnel(exchange: Exchange, response: HttpResponse): void {
    this.#tunnel = true;
    this.#watch.stop();
    this.#connection.off('data', this.#onData).off('end', this.#onEnd);
    const early = this.#buffer;
    this.#buffer = undefined;
    startTunnel(this.#connection, exchange, response, early);
  }

  readonly #expire = (phase: Phase): void => {
    const exchange = this.#exchange;
    if (exchange?.headSent) {
      exchange.stream.abort('SI', 'stream_idle_timeout');
      this.#drop(exchange);
    } else if (exchange) this.#giveUp(exchange, streamTimeout(this.#decoder === undefined));
    else if (phase === 'head') this.#refuse(this.#http.refuse(HEAD_TIMEOUT, this.#downstream));
    else this.#connection.end();
  };
}
