/** LIVING STATE: frames on their way to the socket. What one turn writes leaves in one piece; whoever does not read is not written to without end. */
import type { Counter } from '#system/metrics.ts';
import type { Connection } from '#system/network.ts';
import { ConnectionFault, ERROR } from './errors.ts';
import { FLAG, FRAME, HEAD_BYTES, MAX_PAYLOAD, writeHead } from './frames.ts';

const SLAB = 16_384;
/** Larger pieces go as they are, rather than be copied. */
const COPY_BELOW = 4096;

/** sent: counts bytes. */
export interface OutboxSettings {
  readonly maxControlFrames: number;
  readonly sent: Counter | undefined;
}

/** All that is written to one connection. */
export class Outbox {
  readonly #connection: Connection;
  readonly #maxControlFrames: number;
  readonly #sent: Counter;
  readonly #pieces: Uint8Array[] = [];
  #slab: Buffer = Buffer.alloc(0);
  /** In the slab: what is not among the pieces yet. */
  #from = 0;
  #at = 0;
  #isScheduled = false;
  #controlFrames = 0;
  /** True while the peer reads too slowly: only control frames are written. */
  isBlocked = false;

  /** drained: called when the peer reads again. */
  constructor(connection: Connection, settings: OutboxSettings, drained: () => void) {
    this.#connection = connection;
    this.#maxControlFrames = settings.maxControlFrames;
    this.#sent = settings.sent ?? { value: 0 };
    connection.on('drain', () => {
      this.isBlocked = false;
      this.#controlFrames = 0;
      drained();
    });
  }

  /** A frame that answers the peer or tells of ourselves. Throws ConnectionFault when too many wait. */
  control(bytes: Uint8Array): void {
    if (this.isBlocked && ++this.#controlFrames > this.#maxControlFrames)
      throw new ConnectionFault(ERROR.enhanceYourCalm, 'too many answers wait to be read', 'outboundControlFlood');
    this.#copy(bytes);
  }

  /** A block of fields, in as many frames as it needs. */
  fields(id: number, block: Uint8Array, ends: boolean): void {
    for (let from = 0; from === 0 || from < block.length; from += MAX_PAYLOAD) {
      const part = block.subarray(from, from + MAX_PAYLOAD);
      const isLast = from + MAX_PAYLOAD >= block.length;
      const flags = (isLast ? FLAG.endHeaders : 0) | (ends && from === 0 ? FLAG.endStream : 0);
      this.#head(part.length, from === 0 ? FRAME.headers : FRAME.continuation, flags, id);
      this.#copy(part);
    }
  }

  data(id: number, bytes: Uint8Array, ends: boolean): void {
    this.#head(bytes.length, FRAME.data, ends ? FLAG.endStream : 0, id);
    if (bytes.length < COPY_BELOW) this.#copy(bytes);
    else {
      this.#seal();
      this.#pieces.push(bytes);
    }
  }

  /** Now, rather than at the end of this turn. */
  flush(): void {
    this.#isScheduled = false;
    this.#seal();
    const { length } = this.#pieces;
    if (length === 0 || this.#connection.destroyed || this.#connection.writableEnded) {
      this.#pieces.length = 0;
      return;
    }
    if (length > 1) this.#connection.cork();
    let more = true;
    for (const piece of this.#pieces) {
      this.#sent.value += piece.length;
      more = this.#connection.write(piece);
    }
    this.#pieces.length = 0;
    if (length > 1) this.#connection.uncork();
    if (!more) this.isBlocked = true;
  }

  #head(length: number, type: number, flags: number, id: number): void {
    this.#room(HEAD_BYTES);
    this.#at = writeHead(this.#slab, this.#at, length, [type, flags, id]);
  }

  #copy(bytes: Uint8Array): void {
    this.#room(bytes.length);
    this.#slab.set(bytes, this.#at);
    this.#at += bytes.length;
  }

  #room(bytes: number): void {
    if (!this.#isScheduled) {
      this.#isScheduled = true;
      process.nextTick(() => this.flush());
    }
    if (this.#slab.length - this.#at >= bytes) return;
    this.#seal();
    this.#slab = Buffer.allocUnsafe(Math.max(SLAB, bytes));
    this.#from = 0;
    this.#at = 0;
  }

  #seal(): void {
    if (this.#at > this.#from) this.#pieces.push(this.#slab.subarray(this.#from, this.#at));
    this.#from = this.#at;
  }
}
