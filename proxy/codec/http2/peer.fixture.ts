/** The other end of an HTTP/2 connection, by hand: frames are written as bytes and read as data. Tests only. */
import type { Connection } from '#system/network.ts';
import { FLAG, FRAME, FrameReader, frame, numbers, PREFACE } from './frames.ts';
import { HpackDecoder } from './hpack/decoder.ts';
import { HpackEncoder } from './hpack/encoder.ts';

const TYPES = Object.entries(FRAME);

/** A frame as a test looks at it. */
export interface Seen {
  readonly type: string;
  readonly flags: number;
  readonly id: number;
  /** Of HEADERS. */
  readonly fields?: readonly string[];
  /** Of RST_STREAM and GOAWAY. */
  readonly code?: number;
  readonly text: string;
}

export const GET = [':method', 'GET', ':scheme', 'http', ':authority', 'a', ':path', '/'];
export const POST = [':method', 'POST', ':scheme', 'http', ':authority', 'a', ':path', '/'];

/** One end of a connection that says what a test wants. */
export class Peer {
  readonly seen: Seen[] = [];
  readonly #connection: Connection;
  readonly #encoder = new HpackEncoder();
  readonly #decoder = new HpackDecoder(4096);
  ended = false;

  constructor(connection: Connection) {
    this.#connection = connection;
    const reader = new FrameReader((type, flags, id, payload) => this.#take(type, flags, id, payload));
    let preface = 0;
    connection.on('data', (chunk: Buffer) => {
      // A request of HTTP/1.1 is not read.
      if (chunk.subarray(0, 4).toString() === 'GET ') return;
      const skipped = preface < PREFACE.length && chunk.subarray(0, 3).toString() === 'PRI' ? PREFACE.length : 0;
      preface = PREFACE.length;
      reader.push(chunk.subarray(skipped));
    });
    connection.on('end', () => {
      this.ended = true;
    });
    connection.on('close', () => {
      this.ended = true;
    });
    connection.on('error', () => {});
    connection.resume();
  }

  #take(type: number, flags: number, id: number, payload: Buffer): void {
    const name = TYPES.find(([, number]) => number === type)?.[0] ?? String(type);
    const fields = type === FRAME.headers ? this.#decoder.decode(payload, { maxFields: 1000, maxBytes: 1e6 }).flat : undefined;
    const code = type === FRAME.reset ? payload.readUInt32BE(0) : type === FRAME.goaway ? payload.readUInt32BE(4) : undefined;
    this.seen.push({
      type: name,
      flags,
      id,
      ...(fields && { fields }),
      ...(code !== undefined && { code }),
      text: payload.toString('latin1'),
    });
  }

  /** As a client: what comes first. settings: pairs of number and value. */
  hello(...settings: readonly (readonly [number, number])[]): this {
    return this.raw(PREFACE).settings(...settings);
  }

  settings(...settings: readonly (readonly [number, number])[]): this {
    const payload = Buffer.concat(settings.map(([id, value]) => Buffer.concat([Buffer.from([id >> 8, id & 255]), numbers(value)])));
    return this.frame(FRAME.settings, 0, 0, payload);
  }

  raw(bytes: Uint8Array): this {
    if (!this.#connection.destroyed) this.#connection.write(bytes);
    return this;
  }

  frame(type: number, flags: number, id: number, payload: Uint8Array | string = ''): this {
    return this.raw(frame(type, flags, id, Buffer.from(payload as string)));
  }

  block(fields: readonly string[]): Buffer {
    this.#encoder.begin();
    for (let i = 0; i < fields.length; i += 2) this.#encoder.field(fields[i] as string, fields[i + 1] as string);
    return Buffer.from(this.#encoder.end());
  }

  headers(id: number, fields: readonly string[], more?: 'more'): this {
    return this.frame(FRAME.headers, FLAG.endHeaders | (more ? 0 : FLAG.endStream), id, this.block(fields));
  }

  data(id: number, text: string, more?: 'more'): this {
    return this.frame(FRAME.data, more ? 0 : FLAG.endStream, id, text);
  }

  reset(id: number, code: number): this {
    return this.frame(FRAME.reset, 0, id, numbers(code));
  }

  of(type: keyof typeof FRAME, id?: number): Seen[] {
    return this.seen.filter((each) => each.type === type && (id === undefined || each.id === id));
  }

  /** What was read of one stream: status, text, and how it ended. */
  answer(id: number): { readonly status: string | undefined; readonly text: string; readonly end: string | undefined } {
    const heads = this.of('headers', id);
    const text = this.of('data', id)
      .map((each) => each.text)
      .join('');
    const [reset] = this.of('reset', id);
    const isWhole = [...heads, ...this.of('data', id)].some(({ flags }) => flags & FLAG.endStream);
    return { status: heads[0]?.fields?.[1], text, end: reset ? `reset ${reset.code}` : isWhole ? 'whole' : undefined };
  }

  get goaway(): number | undefined {
    return this.of('goaway').at(-1)?.code;
  }

  close(): void {
    this.#connection.destroy();
  }
}
