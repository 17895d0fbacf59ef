/** LIVING STATE of one HTTP/2 stream: how far each end is, what may be sent, and the body that is pulled out of it. */
import { type Body, EMPTY_BODY, wholeBody } from '../../http/body.ts';
import { HeaderMap } from '../../http/header-map.ts';
import { NO_TRAILERS } from '../../http/message.ts';
import { IncomingBody } from '../incoming-body.ts';
import { ERROR, StreamFault } from './errors.ts';
import type { FieldList } from './hpack/decoder.ts';

/** What a stream needs of its connection. */
export interface StreamRoom {
  /** Writes as much of what waits in the stream as windows and the socket allow. True: all of it. */
  push(stream: Http2Stream): boolean;
  /** Nobody holds these bytes any more: the peer may send as many again. */
  consumed(stream: Http2Stream, bytes: number): void;
  /** A block of fields. flat: name, value, name, value …, lower-case and latin-1. */
  sendFields(stream: Http2Stream, flat: readonly string[], ends: boolean): void;
  sendTrailers(stream: Http2Stream, trailers: HeaderMap): void;
  nowMs(): number;
}

/** How a body is sent. */
export interface Sending {
  readonly body: Body;
  readonly trailers: Promise<HeaderMap>;
  /** What its head promised; undefined = nothing. */
  readonly length: number | undefined;
  /** Called with the size of each piece. */
  readonly sent: (bytes: number) => void;
}

/** A body as it is handed on. */
export interface Received {
  readonly body: Body;
  readonly trailers: Promise<HeaderMap>;
}

const NOTHING = new Uint8Array(0);

/** One stream, of either end. */
export abstract class Http2Stream {
  readonly id: number;
  readonly room: StreamRoom;
  readonly openedAtMs: number;
  activeAtMs: number;
  sendWindow: number;
  receiveWindow: number;
  /** Bytes that the peer may send again but has not been told of. */
  uncredited = 0;
  localEnded = false;
  remoteEnded = false;
  isReset = false;
  received = 0;
  /** What waits for windows or the socket. */
  outgoing: Uint8Array | undefined;
  outgoingEnds = false;
  #sent: { readonly resolve: () => void; readonly reject: (error: unknown) => void } | undefined;
  /** Pieces that came before the head was handed on. */
  #early: Uint8Array[] = [];
  #body: IncomingBody | undefined;
  #trailers: HeaderMap = HeaderMap.EMPTY;
  /** Received, and not yet pulled. */
  #held = 0;
  #promised: number | undefined;

  constructor(id: number, room: StreamRoom, windows: { readonly send: number; readonly receive: number }) {
    this.id = id;
    this.room = room;
    this.sendWindow = windows.send;
    this.receiveWindow = windows.receive;
    this.openedAtMs = room.nowMs();
    this.activeAtMs = this.openedAtMs;
  }

  /** A block of fields on a stream that is known. Throws StreamFault. */
  abstract fields(list: FieldList, ends: boolean): void;
  /** Neither end sends any more. code: the peer's. */
  abstract resetByPeer(code: number): void;
  /** We reset it, or the connection is gone. Not for what the stream's owner did itself. */
  abstract broken(error: unknown): void;
  /** The reader of the body went away before its end. */
  protected abstract bodyAbandoned(): void;

  get isOver(): boolean {
    return this.isReset || (this.localEnded && this.remoteEnded);
  }

  /** So many bytes must come. Throws StreamFault when the stream has ended with fewer. */
  promise(length: number | undefined): void {
    this.#promised = length;
    if (this.remoteEnded) this.#checkLength();
  }

  #checkLength(): void {
    if (this.#promised !== undefined && this.received !== this.#promised)
      throw new StreamFault(ERROR.protocol, this.id, `${this.received} bytes, where content-length says ${this.#promised}`);
  }

  /** counted: bytes that flow control counts, padding too. Throws StreamFault. */
  data(payload: Uint8Array, counted: number, ends: boolean): void {
    if (this.remoteEnded) throw new StreamFault(ERROR.streamClosed, this.id, 'data after the end');
    this.activeAtMs = this.room.nowMs();
    this.received += payload.length;
    this.#held += counted;
    if (this.#promised !== undefined && this.received > this.#promised) this.#checkLength();
    if (payload.length > 0) {
      if (this.#body) this.#body.push(payload);
      else this.#early.push(payload);
    } else this.#creditWhenIdle();
    if (ends) this.end(HeaderMap.EMPTY);
  }

  /** The peer has said all. Throws StreamFault. */
  end(trailers: HeaderMap): void {
    if (this.remoteEnded) throw new StreamFault(ERROR.streamClosed, this.id, 'a second end');
    this.remoteEnded = true;
    this.#checkLength();
    this.#trailers = trailers;
    this.#body?.end(trailers);
  }

  /** Hands the body on: whole where all of it is here. Once. */
  takeBody(): Received {
    const early = this.#early;
    this.#early = [];
    if (this.remoteEnded) {
      this.#credit();
      const trailers = this.#trailers.flat.length === 0 ? NO_TRAILERS : Promise.resolve(this.#trailers);
      if (early.length === 0) return { body: EMPTY_BODY, trailers };
      return { body: wholeBody(early.length === 1 ? (early[0] as Uint8Array) : Buffer.concat(early)), trailers };
    }
    const credit = (): void => this.#credit();
    const body = new IncomingBody({ resume: credit, drained: credit, abandoned: () => this.#abandoned() });
    for (const piece of early) body.push(piece);
    this.#body = body;
    return { body, trailers: body.trailers };
  }

  #abandoned(): void {
    this.#credit();
    this.bodyAbandoned();
  }

  /** Padding alone is held by nobody. */
  #creditWhenIdle(): void {
    if (this.received === 0) this.#credit();
  }

  #credit(): void {
    const bytes = this.#held;
    if (bytes === 0) return;
    this.#held = 0;
    this.room.consumed(this, bytes);
  }

  /** Whoever reads or writes bodies of this stream hears of it. */
  breakBodies(error: unknown): void {
    this.isReset = true;
    this.outgoing = undefined;
    this.#body?.fail(error);
    this.#credit();
    const waiting = this.#sent;
    this.#sent = undefined;
    waiting?.reject(error);
  }

  /** Undefined: it has left. One piece at a time. Rejects when the stream is reset. */
  send(piece: Uint8Array, ends: boolean): Promise<void> | undefined {
    this.activeAtMs = this.room.nowMs();
    this.outgoing = piece;
    this.outgoingEnds = ends;
    if (this.room.push(this)) return undefined;
    return new Promise((resolve, reject) => {
      this.#sent = { resolve, reject };
    });
  }

  /** All of what waited has left. */
  allSent(): void {
    this.activeAtMs = this.room.nowMs();
    const waiting = this.#sent;
    this.#sent = undefined;
    waiting?.resolve();
  }

  /** Sends a body and what follows it. Rejects when the body breaks, is not as long as promised, or the stream is reset. */
  async pump({ body, trailers, length, sent }: Sending): Promise<void> {
    let left = length ?? 0;
    for await (const piece of body) {
      if (this.isReset) throw new Error('the stream was reset while a body was sent');
      if (piece.length === 0) continue;
      left -= piece.length;
      if (length !== undefined && left < 0) throw new Error('body is longer than its content-length');
      const leaving = this.send(piece, false);
      if (leaving) await leaving;
      sent(piece.length);
    }
    if (length !== undefined && left !== 0) throw new Error('body is shorter than its content-length');
    await this.finishSending(trailers);
  }

  /** What follows the last piece. */
  async finishSending(trailers: Promise<HeaderMap>): Promise<void> {
    const last = trailers === NO_TRAILERS ? HeaderMap.EMPTY : await trailers;
    if (this.isReset) throw new Error('the stream was reset before its trailers');
    if (last.flat.length > 0) this.room.sendTrailers(this, last);
    else await this.send(NOTHING, true);
  }
}
