/** Which HTTP a connection speaks: as configured, as agreed in the handshake, or as its first bytes say. */
import type { Clock } from '#system/clock.ts';
import type { Connection } from '#system/network.ts';
import { Http1Server } from '../codec/http1-server.ts';
import { Http2Server } from '../codec/http2/http2-server.ts';
import type { ServeHttp } from '../http/serve.ts';
import type { DownstreamConnection } from '../http/stream-info.ts';

/** A connection on which requests are served, whatever it speaks. */
export interface HttpServer {
  /** Who serves from the next request on; times and limits of the connection stay. */
  serveBy(http: ServeHttp): void;
  /** What is under way is finished; then the client shall leave. */
  drain(): void;
}

/** No request of HTTP/1.1 begins like this. */
const PREFACE_START = 'PRI ';
const HTTP2_NAMES: readonly string[] = ['h2', 'istio-h2'];

/** Owns the connection from now on. */
export const serveHttp = (connection: Connection, http: ServeHttp, downstream: DownstreamConnection, clock: Clock): HttpServer => {
  const { codec } = http.settings;
  const agreed = connection.tls?.alpn ?? '';
  if (http.http2 && (codec === 'http2' || (codec === 'auto' && HTTP2_NAMES.includes(agreed)))) {
    http.connectionOpened();
    return new Http2Server(connection, http, { ...downstream, protocol: 'HTTP/2' }, clock);
  }
  if (!http.http2 || codec === 'http1' || agreed === 'http/1.1') return new Http1Server(connection, http, downstream, clock);
  return new UndecidedServer(connection, http, downstream, clock);
};

/** LIVING STATE of a connection that may turn out to speak HTTP/2: HTTP/1.1 until its first bytes say so. */
class UndecidedServer implements HttpServer {
  readonly #connection: Connection;
  readonly #downstream: DownstreamConnection;
  readonly #clock: Clock;
  #http: ServeHttp;
  #server: HttpServer;
  readonly #http1: Http1Server;
  #first: Buffer | undefined;

  constructor(connection: Connection, http: ServeHttp, downstream: DownstreamConnection, clock: Clock) {
    this.#connection = connection;
    this.#http = http;
    this.#downstream = downstream;
    this.#clock = clock;
    // Before HTTP/1.1 looks at them.
    connection.on('data', this.#look);
    this.#http1 = new Http1Server(connection, http, downstream, clock);
    this.#server = this.#http1;
  }

  serveBy(http: ServeHttp): void {
    this.#http = http;
    this.#server.serveBy(http);
  }

  drain(): void {
    this.#server.drain();
  }

  readonly #look = (chunk: Buffer): void => {
    const first = this.#first ? Buffer.concat([this.#first, chunk]) : chunk;
    this.#first = first;
    const begins = first.toString('latin1', 0, PREFACE_START.length);
    if (begins !== PREFACE_START && PREFACE_START.startsWith(begins)) return;
    this.#connection.off('data', this.#look);
    this.#first = undefined;
    if (begins !== PREFACE_START) return;
    this.#http1.release();
    const http2 = new Http2Server(this.#connection, this.#http, { ...this.#downstream, protocol: 'HTTP/2' }, this.#clock);
    this.#server = http2;
    http2.receive(first);
  };
}
