/** HPACK, to the wire (RFC 7541). What comes again goes into the table, squeezed once; what changes with each message goes as it is, which costs no time. */
import { ENTRY_COST } from './decoder.ts';
import { huffmanEncode, huffmanLength } from './huffman.ts';
import { STATIC_BY_NAME, STATIC_COUNT, staticIndex } from './static-table.ts';

/** Other in every message: entries of theirs would only push out better ones. */
const CHANGING = new Set(
  `:path content-length content-range date age etag expires last-modified location if-match if-none-match if-modified-since if-unmodified-since range
   x-request-id x-client-trace-id x-envoy-upstream-service-time x-envoy-expected-rq-timeout-ms x-b3-traceid x-b3-spanid x-b3-parentspanid b3 traceparent
   tracestate x-forwarded-for grpc-message grpc-timeout`.split(/\s+/),
);
/** No hop may keep these in a table: somebody could guess them by what a guess costs (§7.1.3). */
const SECRET = new Set(['authorization', 'proxy-authorization', 'cookie', 'set-cookie']);
/** Larger ones fill the table with one field. */
const LARGEST_KEPT = 1024;
const DEFAULT_TABLE_BYTES = 4096;
const NEEDED_BESIDE_TEXT = 16;

interface Kept {
  readonly key: string;
  readonly name: string;
  readonly size: number;
}

/** LIVING STATE of one direction of a connection. */
export class HpackEncoder {
  #allowedBytes = DEFAULT_TABLE_BYTES;
  #tableBytes = 0;
  #kept: Kept[] = [];
  /** Entries that were ever added. */
  #added = 0;
  /** Number of the entry in the order of adding, by name and value. */
  readonly #numbers = new Map<string, number>();
  readonly #names = new Map<string, number>();
  /** Sizes to tell before the next field: the least since the last block, and the last (§4.2). */
  #least: number | undefined;
  #out = Buffer.allocUnsafe(1024);
  #at = 0;

  /** What the peer's SETTINGS allow; more than 4,096 is never used. */
  allow(bytes: number): void {
    const next = Math.min(bytes, DEFAULT_TABLE_BYTES);
    if (next === this.#allowedBytes) return;
    this.#least = Math.min(this.#least ?? next, next);
    this.#allowedBytes = next;
    this.#evict(next);
  }

  /** Starts a block. */
  begin(): void {
    this.#at = 0;
    if (this.#least === undefined) return;
    this.#room(2 * NEEDED_BESIDE_TEXT);
    if (this.#least < this.#allowedBytes) this.#integer(0x20, 5, this.#least);
    this.#integer(0x20, 5, this.#allowedBytes);
    this.#least = undefined;
  }

  /** name: lower-case; value: latin-1. */
  field(name: string, value: string): void {
    this.#room(NEEDED_BESIDE_TEXT + 4 * (name.length + value.length));
    const fixed = staticIndex(name, value);
    if (fixed !== undefined) {
      this.#integer(0x80, 7, fixed);
      return;
    }
    if (CHANGING.has(name)) this.#literal(0, 4, name, value);
    else if (SECRET.has(name)) this.#literal(0x10, 4, name, value);
    else this.#keptField(name, value);
  }

  /** The block; good until the next one begins. */
  end(): Buffer {
    return this.#out.subarray(0, this.#at);
  }

  #keptField(name: string, value: string): void {
    const key = `${name}\0${value}`;
    const number = this.#numbers.get(key);
    if (number !== undefined) {
      this.#integer(0x80, 7, this.#indexOf(number));
      return;
    }
    const size = name.length + value.length + ENTRY_COST;
    if (size > Math.min(LARGEST_KEPT, this.#allowedBytes)) {
      this.#literal(0, 4, name, value);
      return;
    }
    // Its name's index is that of before the entry: the peer reads it so.
    this.#integer(0x40, 6, this.#nameIndex(name));
    if (this.#nameIndex(name) === 0) this.#squeezed(name);
    this.#squeezed(value);
    this.#evict(this.#allowedBytes - size);
    this.#kept.push({ key, name, size });
    this.#tableBytes += size;
    this.#numbers.set(key, this.#added);
    this.#names.set(name, this.#added++);
  }

  #literal(pattern: number, bits: number, name: string, value: string): void {
    const index = this.#nameIndex(name);
    this.#integer(pattern, bits, index);
    if (index === 0) this.#plain(name);
    this.#plain(value);
  }

  #indexOf(number: number): number {
    return STATIC_COUNT + this.#added - number;
  }

  #nameIndex(name: string): number {
    const fixed = STATIC_BY_NAME.get(name);
    if (fixed !== undefined) return fixed;
    const number = this.#names.get(name);
    return number === undefined ? 0 : this.#indexOf(number);
  }

  #evict(toBytes: number): void {
    let gone = 0;
    while (this.#tableBytes > toBytes && gone < this.#kept.length) {
      const { key, name, size } = this.#kept[gone] as Kept;
      const number = this.#added - this.#kept.length + gone++;
      this.#tableBytes -= size;
      if (this.#numbers.get(key) === number) this.#numbers.delete(key);
      if (this.#names.get(name) === number) this.#names.delete(name);
    }
    if (gone > 0) this.#kept.splice(0, gone);
  }

  #room(bytes: number): void {
    if (this.#out.length - this.#at >= bytes) return;
    const larger = Buffer.allocUnsafe(2 * this.#out.length + bytes);
    this.#out.copy(larger, 0, 0, this.#at);
    this.#out = larger;
  }

  #integer(pattern: number, bits: number, value: number): void {
    const mask = (1 << bits) - 1;
    if (value < mask) {
      this.#out[this.#at++] = pattern | value;
      return;
    }
    this.#out[this.#at++] = pattern | mask;
    let rest = value - mask;
    for (; rest >= 128; rest >>>= 7) this.#out[this.#at++] = (rest & 127) | 128;
    this.#out[this.#at++] = rest;
  }

  #plain(text: string): void {
    this.#integer(0, 7, text.length);
    this.#at += this.#out.write(text, this.#at, 'latin1');
  }

  #squeezed(text: string): void {
    const length = huffmanLength(text);
    if (length >= text.length) {
      this.#plain(text);
      return;
    }
    this.#integer(0x80, 7, length);
    this.#at = huffmanEncode(text, this.#out, this.#at);
  }
}
