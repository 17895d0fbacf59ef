/** Bodies as they come in: by length, in chunks, or until the end of the connection. Incremental; knows nothing of connections. */
import { HeaderMap } from '../http/header-map.ts';
import { HeadError, parseField } from './head.ts';

/** Takes bytes piece by piece. */
export interface BodyDecoder {
  readonly done: boolean;
  readonly trailers: HeaderMap;
  /** Consumes what belongs to the body from `at` on, appends its content to `out`; returns where it stopped. Throws HeadError. */
  feed(data: Buffer, at: number, out: Uint8Array[]): number;
}

/** A body of exactly `length` bytes; Infinity reads until the connection ends. */
export class LengthDecoder implements BodyDecoder {
  readonly trailers = HeaderMap.EMPTY;
  #left: number;

  constructor(length: number) {
    this.#left = length;
  }

  get done(): boolean {
    return this.#left === 0;
  }

  get untilClose(): boolean {
    return this.#left === Number.POSITIVE_INFINITY;
  }

  feed(data: Buffer, at: number, out: Uint8Array[]): number {
    const take = Math.min(this.#left, data.length - at);
    if (take > 0) out.push(at === 0 && take === data.length ? data : data.subarray(at, at + take));
    this.#left -= take;
    return at + take;
  }
}

const MAX_SIZE_LINE = 4096;
const MAX_EXTENSIONS = 16_384;
/** Fields that mean something only in a head. */
export const FORBIDDEN_TRAILERS = new Set(
  'content-length transfer-encoding host authorization connection x-forwarded-for x-forwarded-client-cert x-forwarded-proto cookie set-cookie content-type te trailer content-encoding x-request-id expect cache-control'.split(
    ' ',
  ),
);

const bad = (): HeadError => new HeadError(400, 'http1.codec_error');

const chunkSize = (line: string): number => {
  let size = 0;
  let at = 0;
  for (; at < line.length; at++) {
    const code = line.charCodeAt(at) | 32;
    const digit = code >= 48 && code <= 57 && line.charCodeAt(at) === code ? code - 48 : code >= 97 && code <= 102 ? code - 87 : -1;
    if (digit < 0) break;
    size = size * 16 + digit;
  }
  if (at === 0 || size > Number.MAX_SAFE_INTEGER) throw bad();
  if (at < line.length && line[at] !== ';') throw bad();
  for (; at < line.length; at++) {
    const code = line.charCodeAt(at);
    if ((code < 32 && code !== 9) || code === 127) throw bad();
  }
  return size;
};

/** What becomes of trailers. */
export interface TrailerRules {
  /** False: checked and dropped. */
  readonly keep: boolean;
  readonly maxBytes: number;
}

const DROPPED: TrailerRules = { keep: false, maxBytes: 60 * 1024 };

/** RFC 9112 §7.1. Extensions are read over and bounded; trailers that could pass for framing or identity are dropped. */
export class ChunkedDecoder implements BodyDecoder {
  trailers = HeaderMap.EMPTY;
  done = false;
  readonly #rules: TrailerRules;
  #state: 'size' | 'data' | 'data-end' | 'trailers' = 'size';
  #left = 0;
  #line = '';
  #extensions = 0;
  #trailerBytes = 0;
  #kept: string[] = [];

  constructor(rules: TrailerRules = DROPPED) {
    this.#rules = rules;
  }

  feed(data: Buffer, start: number, out: Uint8Array[]): number {
    let at = start;
    while (at < data.length && !this.done) {
      if (this.#state === 'data') {
        const take = Math.min(this.#left, data.length - at);
        out.push(data.subarray(at, at + take));
        at += take;
        this.#left -= take;
        if (this.#left === 0) this.#state = 'data-end';
        continue;
      }
      const lf = data.indexOf(10, at);
      const end = lf < 0 ? data.length : lf + 1;
      this.#checkLength(this.#line.length + end - at);
      this.#line += data.toString('latin1', at, end);
      at = end;
      if (lf >= 0) this.#takeLine();
      else if (this.#state === 'data-end' && !'\r'.startsWith(this.#line)) throw bad();
    }
    return at;
  }

  #checkLength(bytes: number): void {
    if (this.#state !== 'trailers') {
      if (bytes > MAX_SIZE_LINE + 2) throw bad();
    } else if (this.#trailerBytes + bytes > this.#rules.maxBytes) throw new HeadError(431, 'http1.headers_too_large');
  }

  #takeLine(): void {
    const line = this.#line;
    this.#line = '';
    if (!line.endsWith('\r\n') || line.indexOf('\r') !== line.length - 2) throw bad();
    const text = line.slice(0, -2);
    if (this.#state === 'data-end') {
      if (text !== '') throw bad();
      this.#state = 'size';
    } else if (this.#state === 'size') this.#takeSize(text);
    else if (text === '') {
      if (this.#kept.length > 0) this.trailers = new HeaderMap(this.#kept);
      this.done = true;
    } else this.#takeTrailer(text);
  }

  #takeSize(text: string): void {
    const size = chunkSize(text);
    const semicolon = text.indexOf(';');
    if (semicolon >= 0) this.#extensions += text.length - semicolon;
    if (this.#extensions > MAX_EXTENSIONS) throw bad();
    this.#left = size;
    this.#state = size === 0 ? 'trailers' : 'data';
  }

  #takeTrailer(text: string): void {
    this.#trailerBytes += text.length + 2;
    const [name, value] = parseField(text, 0, text.length);
    if (this.#rules.keep && !FORBIDDEN_TRAILERS.has(name)) this.#kept.push(name, value);
  }
}
