/** One HTTP/2 connection from a client: frames → requests → answers, each on its own stream. Whoever makes it has told the manager of the connection. */
import type { Clock } from '#system/clock.ts';
import type { Connection } from '#system/network.ts';
import { HeaderMap } from '../../http/header-map.ts';
import type { Http2Downstream } from '../../http/http2/http2-numbers.ts';
import type { ServeHttp } from '../../http/serve.ts';
import type { DownstreamConnection } from '../../http/stream-info.ts';
import { REQUEST_TIMEOUT } from '../refusal.ts';
import { ConnectionFault, ERROR } from './errors.ts';
import { MalformedError, type RequestFields, requestFields, type UnderscoreRules } from './fields.ts';
import { MAX_WINDOW, PREFACE } from './frames.ts';
import type { EndedBy } from './guards.ts';
import type { FieldList } from './hpack/decoder.ts';
import { HEADERS_TOO_LARGE, LEFT, MALFORMED, type ServerRoom, ServerStream } from './server-stream.ts';
import { Session, type SessionEvents } from './session.ts';
import type { Http2Stream } from './stream.ts';

const NOTHING = new Uint8Array(0);
/** `:method` and its like. */
const PSEUDO_FIELDS = 4;

/** LIVING STATE of one server connection. */
export class Http2Server implements SessionEvents, ServerRoom {
  readonly session: Session;
  readonly downstream: DownstreamConnection;
  http: ServeHttp;
  readonly #connection: Connection;
  readonly #clock: Clock;
  readonly #counted: Http2Downstream;
  readonly #underscores: UnderscoreRules;
  /** Streams whose requests are handed on when all that came with them has been read. */
  #fresh: ServerStream[] = [];
  #prefaceLeft = PREFACE;
  #requests = 0;
  #isDraining = false;
  /** Streams beyond are not served any more; absent before the last GOAWAY. */
  #lastServed: number | undefined;
  #idleSinceMs: number;
  #nextLookMs = Number.POSITIVE_INFINITY;
  #cancelWatch: () => void = () => {};
  #cancelDrain: () => void = () => {};

  /** downstream: with `protocol` set. Throws where nobody serves HTTP/2. */
  constructor(connection: Connection, http: ServeHttp, downstream: DownstreamConnection, clock: Clock) {
    if (!http.http2) throw new Error('invariant: HTTP/2 where only HTTP/1.1 is served');
    this.#connection = connection;
    this.http = http;
    this.downstream = downstream;
    this.#clock = clock;
    this.#counted = http.http2();
    const { settings } = http;
    const { numbers } = this.#counted;
    this.#underscores = {
      underscores: settings.underscores,
      dropped: () => void numbers.underscoresDropped.value++,
      rejected: () => void numbers.underscoresRejected.value++,
    };
    const limits = { maxFields: settings.maxHeaders + PSEUDO_FIELDS, maxBytes: settings.maxHeadBytes };
    this.session = new Session(connection, { role: 'server', options: settings.http2, numbers, clock, limits }, this);
    this.#idleSinceMs = clock.nowMs();
    this.#counted.connections.value++;
    this.#counted.active.value++;
    connection.on('data', this.receive);
    connection.on('end', this.#onEnd);
    connection.on('error', () => {});
    connection.on('close', this.#onClose);
    this.session.begin(NOTHING);
    this.#lookWithin(this.#shortestMs);
    connection.resume();
  }

  /** Who serves from the next request on; times and limits of the connection stay. */
  serveBy(http: ServeHttp): void {
    this.http = http;
  }

  /** Tells the client to leave; what it began is finished. */
  drain(): void {
    if (this.#isDraining || this.session.isClosed) return;
    this.#isDraining = true;
    this.session.sendGoaway(MAX_WINDOW, ERROR.none);
    // Whoever has answered has read that it must not open more.
    this.session.ping(this.#lastFarewell);
    this.#cancelDrain = this.#clock.after(this.http.settings.drainTimeoutMs, this.#lastFarewell);
  }

  readonly #lastFarewell = (): void => {
    if (this.#lastServed !== undefined || this.session.isClosed) return;
    this.#cancelDrain();
    this.#lastServed = this.session.lastId;
    this.session.sendGoaway(this.#lastServed, ERROR.none);
    this.#closeWhenDone();
  };

  #closeWhenDone(): void {
    if (this.#lastServed !== undefined && this.session.streams.size === 0) this.session.close(LEFT);
  }

  /** Bytes that came. */
  readonly receive = (chunk: Buffer): void => {
    const left = this.#prefaceLeft;
    if (left.length === 0) {
      this.session.receive(chunk);
      return;
    }
    const part = chunk.subarray(0, left.length);
    if (!part.equals(left.subarray(0, part.length))) {
      this.session.fail(new ConnectionFault(ERROR.protocol, 'another preface'));
      return;
    }
    this.#prefaceLeft = left.subarray(part.length);
    if (chunk.length > part.length) this.session.receive(chunk.subarray(part.length));
  };

  readonly #onEnd = (): void => {
    this.session.connectionLost(LEFT);
    this.#connection.end();
  };

  readonly #onClose = (): void => {
    this.session.connectionLost(LEFT);
    this.#counted.active.value--;
    this.http.connectionClosed();
  };

  closed(): void {
    this.#cancelWatch();
    this.#cancelDrain();
  }

  settled(): void {}

  /** A client says that it wants no pushes: there are none. It closes when it has its answers. */
  goaway(): void {}

  opening(id: number, list: FieldList, ends: boolean): void {
    const { session } = this;
    if (id <= session.lastId) throw new ConnectionFault(ERROR.protocol, `stream ${id} after ${session.lastId}`);
    if (this.#lastServed !== undefined) {
      session.over.add(id, 'us');
      session.lastId = id;
      return;
    }
    if (session.streams.size >= session.settings.options.maxStreams) {
      session.settings.numbers.streamsRefused.value++;
      this.#refuse(id, ERROR.refusedStream);
      return;
    }
    const head = this.#head(id, list);
    if (!head) return;
    const stream = new ServerStream(id, this, head);
    session.add(stream);
    this.#idleSinceMs = stream.openedAtMs;
    this.#fresh.push(stream);
    if (ends) stream.end(HeaderMap.EMPTY);
    stream.promise(head.contentLength);
  }

  #head(id: number, list: FieldList): RequestFields | undefined {
    if (list.isTooLarge) {
      this.session.settings.numbers.headerOverflow.value++;
      return HEADERS_TOO_LARGE;
    }
    try {
      return requestFields(list, this.#underscores);
    } catch (error) {
      if (!(error instanceof MalformedError)) throw error;
      this.session.settings.numbers.messagingErrors.value++;
      this.http.refuse(MALFORMED, this.downstream);
      this.#refuse(id, ERROR.protocol);
      return undefined;
    }
  }

  /** Of a stream that never opens. */
  #refuse(id: number, code: number): void {
    this.session.refuseStream(id, code);
    this.session.guards.streamOver('early', 0);
  }

  turnOver(): void {
    if (this.#fresh.length === 0) return;
    const fresh = this.#fresh;
    this.#fresh = [];
    for (const stream of fresh) {
      if (stream.isReset) continue;
      this.#requests++;
      this.#counted.requests.value++;
      stream.serve();
      if (stream.idleTimeoutMs) this.#lookWithin(stream.idleTimeoutMs);
    }
    const { maxRequests } = this.http.settings;
    if (maxRequests > 0 && this.#requests >= maxRequests) this.drain();
  }

  answering(): void {
    if (this.http.draining) this.drain();
  }

  faulted(stream: Http2Stream): void {
    if (stream instanceof ServerStream) stream.faulted();
  }

  streamOver(stream: Http2Stream, endedBy: EndedBy): void {
    if (stream instanceof ServerStream) stream.finish();
    this.#idleSinceMs = this.#clock.nowMs();
    if (this.session.isClosed) return;
    const wasEarly = endedBy !== 'both' && !stream.localEnded;
    this.session.guarded(() => this.session.guards.streamOver(wasEarly ? 'early' : 'served', this.#idleSinceMs - stream.openedAtMs));
    this.#closeWhenDone();
  }

  /** One timer for all of a connection: somebody looks within that time. */
  #lookWithin(ms: number): void {
    const dueMs = this.#clock.nowMs() + ms;
    if (!Number.isFinite(ms) || dueMs >= this.#nextLookMs) return;
    this.#cancelWatch();
    this.#nextLookMs = dueMs;
    this.#cancelWatch = this.#clock.after(ms, () => {
      this.#nextLookMs = Number.POSITIVE_INFINITY;
      const next = this.#expire(this.#clock.nowMs());
      if (!this.session.isClosed) this.#lookWithin(Math.max(1, Math.min(next, this.#shortestMs)));
    });
  }

  get #shortestMs(): number {
    const { headTimeoutMs, idleTimeoutMs, streamIdleTimeoutMs, requestTimeoutMs } = this.http.settings;
    return Math.min(...[headTimeoutMs, idleTimeoutMs, streamIdleTimeoutMs, requestTimeoutMs].filter((ms) => ms > 0));
  }

  /** Ends what took too long. Returns in how many milliseconds something else may have. */
  #expire(nowMs: number): number {
    const { headTimeoutMs, idleTimeoutMs, streamIdleTimeoutMs, requestTimeoutMs } = this.http.settings;
    const { session } = this;
    let next = Number.POSITIVE_INFINITY;
    const isOver = (limitMs: number, sinceMs: number): boolean => {
      if (limitMs <= 0) return false;
      const left = limitMs - (nowMs - sinceMs);
      if (left > 0) next = Math.min(next, left);
      return left <= 0;
    };
    const headSince = this.#prefaceLeft.length > 0 ? this.#idleSinceMs : session.blockSinceMs;
    if (headSince !== undefined && isOver(headTimeoutMs, headSince)) {
      session.fail(new ConnectionFault(ERROR.enhanceYourCalm, 'a head that takes too long'));
      return next;
    }
    if (session.streams.size === 0 && isOver(idleTimeoutMs, this.#idleSinceMs)) {
      session.sendGoaway(session.lastId, ERROR.none);
      session.close(LEFT);
      return next;
    }
    for (const stream of [...session.streams.values()]) {
      if (!(stream instanceof ServerStream)) continue;
      if (isOver(stream.idleTimeoutMs ?? streamIdleTimeoutMs, stream.activeAtMs)) stream.timedOut();
      else if (stream.isArriving && isOver(requestTimeoutMs, stream.openedAtMs)) stream.giveUp(REQUEST_TIMEOUT);
    }
    return next;
  }
}
