/** LIVING STATE of one HTTP/2 connection, whichever end: settings, windows, the streams that are open, and how it comes to its end. */
import type { Clock } from '#system/clock.ts';
import type { Counter } from '#system/metrics.ts';
import type { Connection } from '#system/network.ts';
import type { HeaderMap } from '../../http/header-map.ts';
import type { Http2Numbers } from '../../http/http2/http2-numbers.ts';
import type { Http2Options } from '../../http/http2/http2-options.ts';
import { DataSender } from './data-sender.ts';
import { ConnectionFault, ERROR, type StreamFault } from './errors.ts';
import { FIRST_WINDOW, FRAME, frame, MAX_PAYLOAD, MAX_WINDOW, numbers, SETTING, settingsPayload } from './frames.ts';
import { ClosedStreams, type EndedBy, Guards } from './guards.ts';
import type { FieldLimits, FieldList } from './hpack/decoder.ts';
import { HpackEncoder } from './hpack/encoder.ts';
import { Incoming, type IncomingRoom } from './incoming.ts';
import { Outbox } from './outbox.ts';
import { Pings } from './pings.ts';
import type { Http2Stream, StreamRoom } from './stream.ts';

/** What both ends are told when they are made. */
export interface SessionSettings {
  readonly role: 'server' | 'client';
  readonly options: Http2Options;
  readonly numbers: Http2Numbers;
  readonly clock: Clock;
  readonly limits: FieldLimits;
  /** Counts bytes. */
  readonly sent?: Counter;
}

/** What an end does with what comes. */
export interface SessionEvents {
  /** A block of fields for a stream that is not open. Throws. */
  opening(id: number, list: FieldList, ends: boolean): void;
  /** We reset that stream because the peer broke a rule; it is forgotten afterwards. */
  faulted(stream: Http2Stream, fault: StreamFault): void;
  streamOver(stream: Http2Stream, endedBy: EndedBy): void;
  goaway(lastId: number, code: number): void;
  settled(): void;
  /** All frames of one piece of input are done. Throws ConnectionFault. */
  turnOver(): void;
  /** Once. The streams have heard of it. fault: why we ended it. */
  closed(fault: ConnectionFault | undefined): void;
}

/** How long a peer may take to read the last word. */
const FAREWELL_MS = 1000;

/** One connection. */
export class Session implements StreamRoom, IncomingRoom {
  readonly streams = new Map<number, Http2Stream>();
  readonly over = new ClosedStreams();
  readonly guards: Guards;
  readonly settings: SessionSettings;
  /** What the peer allows. */
  peerMaxStreams = Number.POSITIVE_INFINITY;
  #peerStreamWindow = FIRST_WINDOW;
  lastId = 0;
  isClosed = false;
  readonly #connection: Connection;
  readonly #events: SessionEvents;
  readonly #incoming: Incoming;
  readonly #outbox: Outbox;
  readonly #encoder = new HpackEncoder();
  readonly #pings: Pings;
  readonly #sender: DataSender;
  #uncredited = 0;

  constructor(connection: Connection, settings: SessionSettings, events: SessionEvents) {
    const { options, limits } = settings;
    this.#connection = connection;
    this.settings = settings;
    this.#events = events;
    this.guards = new Guards(options);
    this.#incoming = new Incoming(this, { limits, tableBytes: options.tableBytes, window: options.connectionWindow });
    this.#outbox = new Outbox(connection, { maxControlFrames: options.maxControlFrames, sent: settings.sent }, () =>
      this.#sender.pushWaiting(),
    );
    this.#sender = new DataSender(this.#outbox, this.guards, (stream) => this.#ended(stream));
    this.#pings = new Pings((bytes) => this.#outbox.control(bytes));
  }

  /** preface: what goes out before our settings. */
  begin(preface: Uint8Array): void {
    const { role, options, limits } = this.settings;
    const ours: [number, number][] = [
      [SETTING.tableBytes, options.tableBytes],
      [SETTING.streamWindow, options.streamWindow],
      [SETTING.maxListBytes, limits.maxBytes],
      role === 'client' ? [SETTING.push, 0] : [SETTING.maxStreams, options.maxStreams],
    ];
    if (preface.length > 0) this.#outbox.control(preface);
    this.#outbox.control(frame(FRAME.settings, 0, 0, settingsPayload(ours)));
    const more = this.#incoming.window - FIRST_WINDOW;
    if (more > 0) this.#outbox.control(frame(FRAME.windowUpdate, 0, 0, numbers(more)));
    this.#outbox.flush();
    if (options.keepalive) this.#pings.keepAsking(options.keepalive, this.settings.clock, () => this.#unanswered());
  }

  #unanswered(): void {
    this.settings.numbers.keepaliveTimeouts.value++;
    this.fail(new ConnectionFault(ERROR.none, 'no answer to a PING'));
    this.#connection.destroy();
  }

  nowMs(): number {
    return this.settings.clock.nowMs();
  }

  get blockSinceMs(): number | undefined {
    return this.#incoming.blockSinceMs;
  }

  /** Bytes that came. */
  receive(chunk: Buffer): void {
    this.guarded(() => this.#incoming.receive(chunk));
    this.guarded(() => this.#events.turnOver());
  }

  /** Runs what may find the peer at fault. */
  guarded(work: () => void): void {
    if (this.isClosed) return;
    try {
      work();
    } catch (error) {
      if (!(error instanceof ConnectionFault)) throw error;
      this.fail(error);
    }
  }

  opening(id: number, list: FieldList, ends: boolean): void {
    this.#events.opening(id, list, ends);
  }

  goaway(lastId: number, code: number): void {
    this.#events.goaway(lastId, code);
  }

  control(bytes: Uint8Array): void {
    this.#outbox.control(bytes);
  }

  resetReceived(): void {
    this.settings.numbers.rxReset.value++;
  }

  settled(): void {
    this.#events.settled();
    this.#sender.pushWaiting();
  }

  setting(id: number, value: number): void {
    if (id === SETTING.tableBytes) this.#encoder.allow(value);
    else if (id === SETTING.push) {
      if (value > 1 || (value === 1 && this.settings.role === 'client')) throw new ConnectionFault(ERROR.protocol, `ENABLE_PUSH ${value}`);
    } else if (id === SETTING.maxStreams) this.peerMaxStreams = value;
    else if (id === SETTING.streamWindow) this.#resizeWindows(value);
    else if (id === SETTING.maxFrame && (value < MAX_PAYLOAD || value > 2 ** 24 - 1))
      throw new ConnectionFault(ERROR.protocol, `MAX_FRAME_SIZE ${value}`);
  }

  #resizeWindows(bytes: number): void {
    if (bytes > MAX_WINDOW) throw new ConnectionFault(ERROR.flowControl, 'a window beyond the largest');
    const more = bytes - this.#peerStreamWindow;
    this.#peerStreamWindow = bytes;
    for (const stream of this.streams.values()) {
      stream.sendWindow += more;
      if (stream.sendWindow > MAX_WINDOW) throw new ConnectionFault(ERROR.flowControl, 'a window beyond the largest');
    }
  }

  maySend(more: number, stream?: Http2Stream): void {
    if (!stream) {
      this.#sender.window += more;
      if (this.#sender.window > MAX_WINDOW) throw new ConnectionFault(ERROR.flowControl, 'a window beyond the largest');
    } else {
      stream.sendWindow += more;
      if (stream.sendWindow > MAX_WINDOW) {
        this.resetStream(stream, ERROR.flowControl, new Error('a window beyond the largest'));
        return;
      }
      if (!this.#sender.isWaiting(stream)) return;
    }
    this.#sender.pushWaiting();
  }

  /** Windows that a new stream begins with. */
  get firstWindows(): { readonly send: number; readonly receive: number } {
    return { send: this.#peerStreamWindow, receive: this.settings.options.streamWindow };
  }

  add(stream: Http2Stream): void {
    this.streams.set(stream.id, stream);
    this.lastId = Math.max(this.lastId, stream.id);
    this.settings.numbers.streamsActive.value++;
    this.guards.streamOpened();
  }

  sendFields(stream: Http2Stream, flat: readonly string[], ends: boolean): void {
    this.#encoder.begin();
    for (let i = 0; i < flat.length; i += 2) this.#encoder.field(flat[i] as string, flat[i + 1] as string);
    this.#outbox.fields(stream.id, this.#encoder.end(), ends);
    if (ends) this.#ended(stream);
  }

  sendTrailers(stream: Http2Stream, trailers: HeaderMap): void {
    this.settings.numbers.trailers.value++;
    this.sendFields(stream, trailers.flat, true);
  }

  #ended(stream: Http2Stream): void {
    stream.localEnded = true;
    this.forgetIfOver(stream);
  }

  push(stream: Http2Stream): boolean {
    return this.#sender.push(stream);
  }

  consumed(stream: Http2Stream, bytes: number): void {
    if (this.isClosed) return;
    this.creditConnection(bytes);
    if (stream.remoteEnded || stream.isReset) return;
    stream.uncredited += bytes;
    if (stream.uncredited * 2 < this.settings.options.streamWindow) return;
    stream.receiveWindow += stream.uncredited;
    this.guarded(() => this.#outbox.control(frame(FRAME.windowUpdate, 0, stream.id, numbers(stream.uncredited))));
    stream.uncredited = 0;
  }

  creditConnection(bytes: number): void {
    this.#uncredited += bytes;
    if (this.#uncredited * 2 < Math.max(FIRST_WINDOW, this.settings.options.connectionWindow)) return;
    this.#incoming.window += this.#uncredited;
    this.guarded(() => this.#outbox.control(frame(FRAME.windowUpdate, 0, 0, numbers(this.#uncredited))));
    this.#uncredited = 0;
  }

  /** Tells the peer, and whoever reads or writes its bodies. */
  resetStream(stream: Http2Stream, code: number, cause: unknown): void {
    if (stream.isReset || this.isClosed) return;
    this.#tellReset(stream.id, code);
    stream.breakBodies(cause);
    this.forget(stream, 'us');
  }

  #tellReset(id: number, code: number): void {
    this.settings.numbers.txReset.value++;
    this.guarded(() => this.#outbox.control(frame(FRAME.reset, 0, id, numbers(code))));
  }

  /** A stream that was never opened, or is over. */
  refuseStream(id: number, code: number): void {
    this.lastId = Math.max(this.lastId, id);
    this.over.add(id, 'us');
    this.#tellReset(id, code);
  }

  faulty(fault: StreamFault): void {
    const stream = this.streams.get(fault.streamId);
    if (!stream) {
      this.over.add(fault.streamId, 'us');
      this.#tellReset(fault.streamId, fault.code);
      return;
    }
    this.settings.numbers.messagingErrors.value++;
    this.#events.faulted(stream, fault);
    this.resetStream(stream, fault.code, fault);
  }

  forgetIfOver(stream: Http2Stream): void {
    if (stream.localEnded && stream.remoteEnded && !stream.isReset) this.forget(stream, 'both');
  }

  forget(stream: Http2Stream, endedBy: EndedBy): void {
    if (!this.streams.delete(stream.id)) return;
    this.#sender.forget(stream);
    this.over.add(stream.id, endedBy);
    this.settings.numbers.streamsActive.value--;
    this.#events.streamOver(stream, endedBy);
  }

  /** answered: called when the peer has read all that was sent before. */
  ping(answered: () => void): void {
    this.guarded(() => this.#pings.ask(answered));
  }

  pingAnswered(payload: Buffer): void {
    this.#pings.answered(payload);
  }

  /** Streams up to that number are served. */
  sendGoaway(lastId: number, code: number): void {
    this.settings.numbers.goawaySent.value++;
    this.guarded(() => this.#outbox.control(frame(FRAME.goaway, 0, 0, numbers(lastId, code))));
  }

  /** Says why, and ends the connection. */
  fail(fault: ConnectionFault): void {
    if (this.isClosed) return;
    if (fault.counter !== undefined) this.settings.numbers[fault.counter].value++;
    this.#outbox.flush();
    this.settings.numbers.goawaySent.value++;
    if (!this.#connection.destroyed && !this.#connection.writableEnded)
      this.#connection.write(frame(FRAME.goaway, 0, 0, numbers(this.settings.role === 'server' ? this.lastId : 0, fault.code)));
    this.close(fault, fault);
  }

  /** Ends the connection when all that was written has been sent. cause: what streams that are open are told. */
  close(cause: unknown, fault?: ConnectionFault): void {
    if (this.isClosed) return;
    this.#outbox.flush();
    this.#connection.end();
    const cancel = this.settings.clock.after(FAREWELL_MS, () => this.#connection.destroy());
    this.#connection.once('close', cancel);
    this.connectionLost(cause, fault);
  }

  /** It is gone already, or going. */
  connectionLost(cause: unknown, fault?: ConnectionFault): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.#pings.stop();
    this.#incoming.stop();
    for (const stream of [...this.streams.values()]) {
      stream.broken(cause);
      stream.breakBodies(cause);
      this.forget(stream, 'us');
    }
    this.#events.closed(fault);
  }
}
