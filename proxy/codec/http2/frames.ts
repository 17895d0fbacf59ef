/** Frames of HTTP/2 as bytes (RFC 9113 §4 and §6): what they are called, and one reader that cuts them out of whatever pieces arrive. */
import { ConnectionFault, ERROR } from './errors.ts';

/** §6. */
export const FRAME = {
  data: 0,
  headers: 1,
  priority: 2,
  reset: 3,
  settings: 4,
  pushPromise: 5,
  ping: 6,
  goaway: 7,
  windowUpdate: 8,
  continuation: 9,
} as const;

/** END_STREAM and ACK are the same bit. */
export const FLAG = { none: 0, endStream: 1, ack: 1, endHeaders: 4, padded: 8, priority: 32 } as const;

/** §6.5.2. */
export const SETTING = { tableBytes: 1, push: 2, maxStreams: 3, streamWindow: 4, maxFrame: 5, maxListBytes: 6 } as const;

/** What a client says first. */
export const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'latin1');

/** Bytes of every frame's head. */
export const HEAD_BYTES = 9;
/** The largest payload that we take, and that we send: a peer may allow more, but nothing is gained by it. */
export const MAX_PAYLOAD = 16_384;
/** Windows before any setting. */
export const FIRST_WINDOW = 65_535;
/** Windows can never be larger. */
export const MAX_WINDOW = 2 ** 31 - 1;

/** Writes a frame's head; returns where the payload begins. */
export const writeHead = (out: Buffer, at: number, length: number, [type, flags, id]: readonly [number, number, number]): number => {
  out.writeUIntBE(length, at, 3);
  out[at + 3] = type;
  out[at + 4] = flags;
  out.writeUInt32BE(id, at + 5);
  return at + HEAD_BYTES;
};

/** A small frame of its own. */
export const frame = (type: number, flags: number, id: number, payload: Uint8Array): Buffer => {
  const bytes = Buffer.allocUnsafe(HEAD_BYTES + payload.length);
  bytes.set(payload, writeHead(bytes, 0, payload.length, [type, flags, id]));
  return bytes;
};

/** 32-bit numbers in a row, as payloads have them. */
export const numbers = (...values: readonly number[]): Buffer => {
  const bytes = Buffer.allocUnsafe(4 * values.length);
  values.forEach((value, index) => {
    bytes.writeUInt32BE(value >>> 0, 4 * index);
  });
  return bytes;
};

/** Our SETTINGS. */
export const settingsPayload = (settings: readonly (readonly [number, number])[]): Buffer => {
  const bytes = Buffer.allocUnsafe(6 * settings.length);
  settings.forEach(([id, value], index) => {
    bytes.writeUInt32BE(value >>> 0, bytes.writeUInt16BE(id, 6 * index));
  });
  return bytes;
};

/** What is left of a payload whose first byte tells how much padding ends it. skipped: bytes behind that one that are no content. Throws ConnectionFault. */
export const unpadded = (payload: Buffer, skipped: number): Buffer => {
  const from = 1 + skipped;
  const padding = payload[0];
  if (padding === undefined || from + padding > payload.length) throw new ConnectionFault(ERROR.protocol, 'more padding than payload');
  return payload.subarray(from, payload.length - padding);
};

/** Takes one frame. */
export type FrameSink = (type: number, flags: number, id: number, payload: Buffer) => void;

/** LIVING STATE: what has come of the next frame. */
export class FrameReader {
  readonly #sink: FrameSink;
  #parts: Buffer[] = [];
  #held = 0;
  #needed = HEAD_BYTES;

  constructor(sink: FrameSink) {
    this.#sink = sink;
  }

  /** Throws ConnectionFault, and what the sink throws. */
  push(chunk: Buffer): void {
    if (this.#held + chunk.length < this.#needed) {
      if (chunk.length > 0) this.#parts.push(chunk);
      this.#held += chunk.length;
      return;
    }
    const bytes = this.#held === 0 ? chunk : Buffer.concat([...this.#parts, chunk]);
    this.#parts = [];
    this.#held = 0;
    let at = 0;
    while (bytes.length - at >= HEAD_BYTES) {
      const length = bytes.readUIntBE(at, 3);
      if (length > MAX_PAYLOAD) throw new ConnectionFault(ERROR.frameSize, `a frame of ${length} bytes`);
      const end = at + HEAD_BYTES + length;
      if (end > bytes.length) break;
      this.#sink(
        bytes[at + 3] as number,
        bytes[at + 4] as number,
        bytes.readUInt32BE(at + 5) & MAX_WINDOW,
        bytes.subarray(at + HEAD_BYTES, end),
      );
      at = end;
    }
    const rest = bytes.length - at;
    this.#needed = rest >= HEAD_BYTES ? HEAD_BYTES + bytes.readUIntBE(at, 3) : HEAD_BYTES;
    if (rest > 0) this.#parts.push(bytes.subarray(at));
    this.#held = rest;
  }
}
