/** LIVING STATE of what comes in on one connection: the order in which frames may come, and what each means (RFC 9113 §5.1 and §6). */
import { ConnectionFault, ERROR, StreamFault } from './errors.ts';
import { FIRST_WINDOW, FLAG, FRAME, FrameReader, frame, MAX_PAYLOAD, MAX_WINDOW, unpadded } from './frames.ts';
import type { ClosedStreams, EndedBy, Guards } from './guards.ts';
import { HeaderBlock } from './header-block.ts';
import { type FieldLimits, type FieldList, HpackDecoder } from './hpack/decoder.ts';
import type { Http2Stream } from './stream.ts';

/** What the connection does with it. */
export interface IncomingRoom {
  readonly streams: ReadonlyMap<number, Http2Stream>;
  readonly guards: Guards;
  readonly over: ClosedStreams;
  /** The highest number of a stream that was opened. */
  lastId: number;
  nowMs(): number;
  /** A block of fields for a stream that was not open yet. Throws. */
  opening(id: number, list: FieldList, ends: boolean): void;
  faulty(fault: StreamFault): void;
  forget(stream: Http2Stream, endedBy: EndedBy): void;
  forgetIfOver(stream: Http2Stream): void;
  /** Throws ConnectionFault. */
  control(bytes: Uint8Array): void;
  /** Bytes that nobody will hold. */
  creditConnection(bytes: number): void;
  setting(id: number, value: number): void;
  settled(): void;
  pingAnswered(payload: Buffer): void;
  goaway(lastId: number, code: number): void;
  /** stream: absent = the connection. */
  maySend(more: number, stream?: Http2Stream): void;
  resetReceived(): void;
}

const NOTHING = new Uint8Array(0);

/** The receiving half. */
export class Incoming {
  readonly #room: IncomingRoom;
  readonly #limits: FieldLimits;
  readonly #decoder: HpackDecoder;
  readonly #block: HeaderBlock;
  readonly #reader = new FrameReader((type, flags, id, payload) => this.#frame(type, flags, id, payload));
  #isSettled = false;
  #isOver = false;
  /** How much more the peer may send on the connection. */
  window: number;

  constructor(room: IncomingRoom, settings: { readonly limits: FieldLimits; readonly tableBytes: number; readonly window: number }) {
    this.#room = room;
    this.#limits = settings.limits;
    this.#decoder = new HpackDecoder(settings.tableBytes);
    this.#block = new HeaderBlock(settings.limits.maxBytes + MAX_PAYLOAD);
    this.window = Math.max(FIRST_WINDOW, settings.window);
  }

  /** When the block of fields began that is under way; undefined: none is. */
  get blockSinceMs(): number | undefined {
    return this.#block.id === 0 ? undefined : this.#block.sinceMs;
  }

  /** Throws ConnectionFault. */
  receive(chunk: Buffer): void {
    this.#reader.push(chunk);
  }

  /** Nothing that still comes means anything. */
  stop(): void {
    this.#isOver = true;
  }

  #frame(type: number, flags: number, id: number, payload: Buffer): void {
    if (this.#isOver) return;
    try {
      this.#handle(type, flags, id, payload);
    } catch (error) {
      if (!(error instanceof StreamFault)) throw error;
      this.#room.faulty(error);
    }
  }

  #handle(type: number, flags: number, id: number, payload: Buffer): void {
    if (!this.#isSettled && (type !== FRAME.settings || flags & FLAG.ack)) throw new ConnectionFault(ERROR.protocol, 'no SETTINGS first');
    if (this.#block.id !== 0 && type !== FRAME.continuation) throw new ConnectionFault(ERROR.protocol, 'a frame inside a block of fields');
    switch (type) {
      case FRAME.data:
        this.#data(flags, id, payload);
        break;
      case FRAME.headers:
        this.#headers(flags, id, payload);
        break;
      case FRAME.priority:
        this.#priority(id, payload);
        break;
      case FRAME.reset:
        this.#reset(id, payload);
        break;
      case FRAME.settings:
        this.#settings(flags, id, payload);
        break;
      case FRAME.pushPromise:
        throw new ConnectionFault(ERROR.protocol, 'PUSH_PROMISE');
      case FRAME.ping:
        this.#ping(flags, id, payload);
        break;
      case FRAME.goaway:
        this.#goaway(id, payload);
        break;
      case FRAME.windowUpdate:
        this.#windowUpdate(id, payload);
        break;
      case FRAME.continuation:
        this.#continuation(flags, id, payload);
        break;
      default:
        this.#room.guards.idleFrame(this.#room.nowMs());
    }
  }

  /** Whether a stream of that number was never opened. */
  #isIdle(id: number): boolean {
    return id > this.#room.lastId || id % 2 === 0;
  }

  #checkOpened(id: number, what: string): void {
    if (id === 0 || this.#isIdle(id)) throw new ConnectionFault(ERROR.protocol, `${what} on stream ${id}`);
  }

  #data(flags: number, id: number, payload: Buffer): void {
    this.#checkOpened(id, 'DATA');
    const data = flags & FLAG.padded ? unpadded(payload, 0) : payload;
    const ends = (flags & FLAG.endStream) !== 0;
    if (payload.length > this.window) throw new ConnectionFault(ERROR.flowControl, 'more data than the connection allows');
    this.window -= payload.length;
    if (data.length === 0 && !ends) this.#room.guards.empty();
    else this.#room.guards.filled();
    const stream = this.#room.streams.get(id);
    if (!stream) {
      this.#room.creditConnection(payload.length);
      this.#late(id);
      return;
    }
    if (payload.length > stream.receiveWindow) {
      this.#room.creditConnection(payload.length);
      throw new StreamFault(ERROR.flowControl, id, 'more data than the stream allows');
    }
    stream.receiveWindow -= payload.length;
    if (stream.remoteEnded) this.#room.creditConnection(payload.length);
    stream.data(data, payload.length, ends);
    this.#room.forgetIfOver(stream);
  }

  /** Data or fields for a stream that is over: what we reset may still be spoken to for a while. */
  #late(id: number): void {
    this.#room.guards.idleFrame(this.#room.nowMs());
    if (this.#room.over.whoEnded(id) !== 'us') throw new StreamFault(ERROR.streamClosed, id, 'a frame on a stream that is over');
  }

  #headers(flags: number, id: number, payload: Buffer): void {
    if (id === 0 || id % 2 === 0) throw new ConnectionFault(ERROR.protocol, `HEADERS on stream ${id}`);
    const isPrioritized = (flags & FLAG.priority) !== 0;
    const from = (flags & FLAG.padded ? 1 : 0) + (isPrioritized ? 5 : 0);
    if (payload.length < from) throw new ConnectionFault(ERROR.frameSize, 'HEADERS too short');
    const part = flags & FLAG.padded ? unpadded(payload, from - 1) : payload.subarray(from);
    this.#block.begin(id, part, (flags & FLAG.endStream) !== 0, this.#room.nowMs());
    const dependsOn = isPrioritized ? payload.readUInt32BE(from - 5) & MAX_WINDOW : 0;
    if (flags & FLAG.endHeaders) this.#fields(dependsOn === id);
  }

  #continuation(flags: number, id: number, payload: Buffer): void {
    this.#block.add(id, payload);
    if (payload.length === 0) this.#room.guards.empty();
    if (flags & FLAG.endHeaders) this.#fields(false);
  }

  #fields(isSelfDependent: boolean): void {
    const { id, bytes, ends } = this.#block.take();
    // Read whatever becomes of it: the table is the connection's.
    const list = this.#decoder.decode(bytes, this.#limits);
    this.#room.guards.filled();
    const stream = this.#room.streams.get(id);
    if (isSelfDependent && stream) throw new StreamFault(ERROR.protocol, id, 'a stream that depends on itself');
    if (isSelfDependent) throw new ConnectionFault(ERROR.protocol, 'a stream that depends on itself');
    if (stream) {
      if (stream.remoteEnded) throw new StreamFault(ERROR.streamClosed, id, 'fields after the end');
      stream.activeAtMs = this.#room.nowMs();
      stream.fields(list, ends);
      this.#room.forgetIfOver(stream);
      return;
    }
    const who = this.#room.over.whoEnded(id);
    if (who === 'us') this.#room.guards.idleFrame(this.#room.nowMs());
    else if (who !== undefined) throw new ConnectionFault(ERROR.streamClosed, `HEADERS on stream ${id}, which is over`);
    else this.#room.opening(id, list, ends);
  }

  #priority(id: number, payload: Buffer): void {
    if (id === 0) throw new ConnectionFault(ERROR.protocol, 'PRIORITY on stream 0');
    if (payload.length !== 5) throw new StreamFault(ERROR.frameSize, id, 'PRIORITY of another size');
    this.#room.guards.priority();
    if ((payload.readUInt32BE(0) & MAX_WINDOW) === id) throw new StreamFault(ERROR.protocol, id, 'a stream that depends on itself');
  }

  #reset(id: number, payload: Buffer): void {
    this.#checkOpened(id, 'RST_STREAM');
    if (payload.length !== 4) throw new ConnectionFault(ERROR.frameSize, 'RST_STREAM of another size');
    this.#room.resetReceived();
    const stream = this.#room.streams.get(id);
    if (!stream) {
      this.#room.guards.idleFrame(this.#room.nowMs());
      return;
    }
    stream.resetByPeer(payload.readUInt32BE(0));
    this.#room.forget(stream, 'peer');
  }

  #settings(flags: number, id: number, payload: Buffer): void {
    if (id !== 0) throw new ConnectionFault(ERROR.protocol, 'SETTINGS on a stream');
    this.#room.guards.idleFrame(this.#room.nowMs());
    if (flags & FLAG.ack) {
      if (payload.length > 0) throw new ConnectionFault(ERROR.frameSize, 'SETTINGS that acknowledge and set');
      return;
    }
    if (payload.length % 6 !== 0) throw new ConnectionFault(ERROR.frameSize, 'SETTINGS of another size');
    for (let at = 0; at < payload.length; at += 6) this.#room.setting(payload.readUInt16BE(at), payload.readUInt32BE(at + 2));
    this.#room.control(frame(FRAME.settings, FLAG.ack, 0, NOTHING));
    this.#isSettled = true;
    this.#room.settled();
  }

  #ping(flags: number, id: number, payload: Buffer): void {
    if (id !== 0) throw new ConnectionFault(ERROR.protocol, 'PING on a stream');
    if (payload.length !== 8) throw new ConnectionFault(ERROR.frameSize, 'PING of another size');
    this.#room.guards.idleFrame(this.#room.nowMs());
    if (!(flags & FLAG.ack)) {
      this.#room.control(frame(FRAME.ping, FLAG.ack, 0, payload));
      return;
    }
    this.#room.pingAnswered(payload);
  }

  #goaway(id: number, payload: Buffer): void {
    if (id !== 0) throw new ConnectionFault(ERROR.protocol, 'GOAWAY on a stream');
    if (payload.length < 8) throw new ConnectionFault(ERROR.frameSize, 'GOAWAY of another size');
    this.#room.guards.idleFrame(this.#room.nowMs());
    this.#room.goaway(payload.readUInt32BE(0) & MAX_WINDOW, payload.readUInt32BE(4));
  }

  #windowUpdate(id: number, payload: Buffer): void {
    if (payload.length !== 4) throw new ConnectionFault(ERROR.frameSize, 'WINDOW_UPDATE of another size');
    if (id !== 0) this.#checkOpened(id, 'WINDOW_UPDATE');
    const more = payload.readUInt32BE(0) & MAX_WINDOW;
    this.#room.guards.windowUpdate();
    if (id === 0) {
      if (more === 0) throw new ConnectionFault(ERROR.protocol, 'WINDOW_UPDATE by nothing');
      this.#room.maySend(more);
      return;
    }
    const stream = this.#room.streams.get(id);
    if (!stream) return;
    if (more === 0) throw new StreamFault(ERROR.protocol, id, 'WINDOW_UPDATE by nothing');
    this.#room.maySend(more, stream);
  }
}
