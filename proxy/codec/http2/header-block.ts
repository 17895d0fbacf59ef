/** LIVING STATE: a block of fields that comes in several frames. Until it is whole no other frame may come (RFC 9113 §4.3). */
import { ConnectionFault, ERROR } from './errors.ts';

/** A block without end is an attack. */
const MAX_CONTINUATIONS = 64;

/** A whole block. */
export interface WholeBlock {
  readonly id: number;
  readonly bytes: Buffer;
  readonly ends: boolean;
}

/** The block that is under way, if there is one. */
export class HeaderBlock {
  readonly #maxBytes: number;
  #parts: Buffer[] = [];
  #bytes = 0;
  #ends = false;
  #frames = 0;
  /** Its stream; 0 = none is under way. */
  id = 0;
  sinceMs = 0;

  /** maxBytes: as they come, squeezed. */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  begin(id: number, part: Buffer, ends: boolean, nowMs: number): void {
    this.id = id;
    this.#parts = [part];
    this.#bytes = part.length;
    this.#ends = ends;
    this.#frames = 0;
    this.sinceMs = nowMs;
  }

  /** Throws ConnectionFault. */
  add(id: number, part: Buffer): void {
    if (this.id === 0 || id !== this.id) throw new ConnectionFault(ERROR.protocol, 'CONTINUATION of no block');
    this.#parts.push(part);
    this.#bytes += part.length;
    if (++this.#frames > MAX_CONTINUATIONS || this.#bytes > this.#maxBytes)
      throw new ConnectionFault(ERROR.enhanceYourCalm, 'a block of fields without end', 'headerOverflow');
  }

  take(): WholeBlock {
    const whole = {
      id: this.id,
      bytes: this.#parts.length === 1 ? (this.#parts[0] as Buffer) : Buffer.concat(this.#parts),
      ends: this.#ends,
    };
    this.id = 0;
    this.#parts = [];
    return whole;
  }
}
