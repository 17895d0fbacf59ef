/** One HTTP/2 connection to an upstream host: many requests at once, as many as both ends allow. */
import type { Clock } from '#system/clock.ts';
import type { Counter } from '#system/metrics.ts';
import type { Connection } from '#system/network.ts';
import type { Http2Numbers } from '../../http/http2/http2-numbers.ts';
import type { Http2Options } from '../../http/http2/http2-options.ts';
import type { HttpRequest, HttpResponse } from '../../http/message.ts';
import type { StreamError } from '../../http/stream-error.ts';
import { type ClientRoom, ClientStream, type Failure, protocolError, terminated } from './client-stream.ts';
import { ConnectionFault, ERROR, type StreamFault } from './errors.ts';
import { MAX_WINDOW, PREFACE } from './frames.ts';
import { Session, type SessionEvents } from './session.ts';
import type { Http2Stream } from './stream.ts';

/** What a client connection allows, and where it is counted. */
export interface Http2ClientSettings {
  readonly options: Http2Options;
  readonly numbers: Http2Numbers;
  readonly clock: Clock;
  readonly maxHeaders: number;
  readonly maxHeadBytes: number;
  readonly received: Counter;
  readonly sent: Counter;
}

/** What its owner does. */
export interface Http2ClientEvents {
  /** The host has said what it allows: requests can go. Once. */
  ready(): void;
  /** It allows more, or less. */
  roomChanged(): void;
  /** No request can begin on it any more; those under way go on. */
  leaving(): void;
  /** Once. by: who ended it; failure: what a request that waited for it would be told. */
  closed(end: { readonly by: 'local' | 'remote'; readonly isBusy: boolean; readonly failure: StreamError }): void;
}

/** A server's `:status`. */
const PSEUDO_FIELDS = 1;

/** LIVING STATE of one client connection. */
export class Http2Client implements SessionEvents, ClientRoom {
  readonly session: Session;
  readonly via: NonNullable<HttpResponse['via']>;
  readonly #connection: Connection;
  readonly #events: Http2ClientEvents;
  readonly #received: Counter;
  #arrived: ClientStream[] = [];
  #nextId = 1;
  #isReady = false;
  #isLeaving = false;
  #endedBy: 'local' | 'remote' = 'local';
  #wasBusy = false;
  #failure: Failure = terminated();

  constructor(connection: Connection, settings: Http2ClientSettings, events: Http2ClientEvents) {
    const { options, numbers, clock, maxHeaders, maxHeadBytes } = settings;
    this.#connection = connection;
    this.#events = events;
    this.#received = settings.received;
    this.via = { local: connection.local, ...(connection.tls && { tls: connection.tls }), protocol: 'HTTP/2' };
    const limits = { maxFields: maxHeaders + PSEUDO_FIELDS, maxBytes: maxHeadBytes };
    this.session = new Session(connection, { role: 'client', options, numbers, clock, limits, sent: settings.sent }, this);
    connection.on('data', this.#onData);
    connection.on('end', this.#onEnd);
    connection.on('error', this.#onEnd);
    connection.on('close', this.#onEnd);
    this.session.begin(PREFACE);
    connection.resume();
  }

  /** How many more requests can begin. */
  get roomLeft(): number {
    if (!this.#isReady || this.#isLeaving) return 0;
    const { streams, peerMaxStreams, settings } = this.session;
    return Math.max(0, Math.min(peerMaxStreams, settings.options.maxStreams) - streams.size);
  }

  /** Whether one more request can begin. */
  get hasRoom(): boolean {
    return this.roomLeft > 0;
  }

  get openStreams(): number {
    return this.session.streams.size;
  }

  /** A stream that `begin` has to be called of. Only where there is room. over: called once, when the exchange is. */
  open(request: HttpRequest, over: () => void): ClientStream {
    const stream = new ClientStream(this.#nextId, this, request, over);
    this.#nextId += 2;
    this.session.add(stream);
    if (this.#nextId > MAX_WINDOW) this.leave();
    return stream;
  }

  /** No further requests; it ends when the last is over. */
  leave(): void {
    if (!this.#isLeaving) {
      this.#isLeaving = true;
      this.#events.leaving();
    }
    if (this.openStreams === 0) this.close();
  }

  close(): void {
    this.session.close(this.#failure);
  }

  readonly #onData = (chunk: Buffer): void => {
    this.#received.value += chunk.length;
    this.session.receive(chunk);
  };

  readonly #onEnd = (): void => {
    if (this.session.isClosed) return;
    this.#endedBy = 'remote';
    this.session.connectionLost(this.#failure);
    this.#connection.destroy();
  };

  opening(id: number): void {
    throw new ConnectionFault(ERROR.protocol, `a stream ${id} that we did not open`);
  }

  arrived(stream: ClientStream): void {
    this.#arrived.push(stream);
  }

  turnOver(): void {
    if (this.#arrived.length === 0) return;
    const arrived = this.#arrived;
    this.#arrived = [];
    for (const stream of arrived) stream.handOn();
  }

  settled(): void {
    if (!this.#isReady) {
      this.#isReady = true;
      this.#events.ready();
    } else this.#events.roomChanged();
  }

  goaway(lastId: number): void {
    const refused = [...this.session.streams.values()].filter(({ id }) => id > lastId);
    for (const stream of refused) {
      stream.resetByPeer(ERROR.refusedStream);
      this.session.forget(stream, 'peer');
    }
    this.leave();
  }

  faulted(stream: Http2Stream, fault: StreamFault): void {
    stream.broken(fault);
  }

  streamOver(stream: Http2Stream): void {
    if (stream instanceof ClientStream) stream.finish();
    if (this.session.isClosed) {
      this.#wasBusy = true;
      return;
    }
    if (this.#isLeaving && this.openStreams === 0) this.close();
  }

  closed(fault: ConnectionFault | undefined): void {
    if (fault) this.#failure = protocolError(fault);
    this.#isLeaving = true;
    this.#events.closed({ by: this.#endedBy, isBusy: this.#wasBusy, failure: this.#failure('before') });
  }
}
