/** HPACK, from the wire (RFC 7541). The table is the connection's: every block is read to its end, even one whose fields nobody wants. */
import { isToken } from '../../head.ts';
import { ConnectionFault, ERROR } from '../errors.ts';
import { huffmanDecode } from './huffman.ts';
import { STATIC_COUNT, STATIC_NAMES, STATIC_VALUES } from './static-table.ts';

/** Fields of one block. */
export interface FieldList {
  /** [name, value, name, value …] as they came, pseudo-fields too. */
  readonly flat: string[];
  /** False: a name or a value has characters that it must not have (RFC 9113 §8.2.1). */
  isFine: boolean;
  /** More fields or more bytes than allowed; those beyond are not in `flat`. */
  isTooLarge: boolean;
}

/** Bounds of one block, decoded. maxBytes: names and values with 32 for each field, as SETTINGS_MAX_HEADER_LIST_SIZE counts. */
export interface FieldLimits {
  readonly maxFields: number;
  readonly maxBytes: number;
}

/** What an entry costs beside its text (§4.1). */
export const ENTRY_COST = 32;

interface Entry {
  readonly name: string;
  readonly value: string;
  readonly isFine: boolean;
}

const bad = (reason: string): ConnectionFault => new ConnectionFault(ERROR.compression, reason);

const isName = (name: string): boolean => {
  for (let i = 0; i < name.length; i++) {
    const code = name.charCodeAt(i);
    if (code >= 65 && code <= 90) return false;
  }
  return isToken(name.charCodeAt(0) === 58 ? name.slice(1) : name);
};

const isValue = (value: string): boolean => {
  for (let i = 0; i < value.length; i++) {
    const code = value.charCodeAt(i);
    if ((code < 32 && code !== 9) || code === 127) return false;
  }
  const first = value.charCodeAt(0);
  const last = value.charCodeAt(value.length - 1);
  return first !== 32 && first !== 9 && last !== 32 && last !== 9;
};

const STATIC_ENTRIES: readonly Entry[] = STATIC_NAMES.map((name, index) => ({ name, value: STATIC_VALUES[index] as string, isFine: true }));

/** LIVING STATE of one direction of a connection. */
export class HpackDecoder {
  readonly #maxTableBytes: number;
  #allowedBytes: number;
  #tableBytes = 0;
  /** Newest last; entries before `#oldest` are gone. */
  #entries: (Entry | undefined)[] = [];
  #oldest = 0;
  #block: Buffer = Buffer.alloc(0);
  #at = 0;

  /** maxTableBytes: what our SETTINGS allow the peer. */
  constructor(maxTableBytes: number) {
    this.#maxTableBytes = maxTableBytes;
    this.#allowedBytes = maxTableBytes;
  }

  /** Throws ConnectionFault. */
  decode(block: Buffer, limits: FieldLimits): FieldList {
    this.#block = block;
    this.#at = 0;
    const list: FieldList = { flat: [], isFine: true, isTooLarge: false };
    let bytes = 0;
    while (this.#at < block.length) {
      const entry = this.#next(list.flat.length === 0 && bytes === 0);
      if (!entry) continue;
      bytes += entry.name.length + entry.value.length + ENTRY_COST;
      if (bytes > limits.maxBytes || list.flat.length >= 2 * limits.maxFields) list.isTooLarge = true;
      if (list.isTooLarge) continue;
      if (!entry.isFine) list.isFine = false;
      list.flat.push(entry.name, entry.value);
    }
    return list;
  }

  /** Undefined: it was an update of the table's size. */
  #next(isStart: boolean): Entry | undefined {
    const first = this.#block[this.#at] as number;
    if (first & 0x80) return this.#entry(this.#integer(7));
    if ((first & 0xe0) === 0x20) {
      if (!isStart) throw bad('a table size update after a field');
      this.#resize(this.#integer(5));
      return undefined;
    }
    const isKept = (first & 0x40) !== 0;
    const index = this.#integer(isKept ? 6 : 4);
    const known = index === 0 ? undefined : this.#entry(index);
    const name = known?.name ?? this.#text();
    const value = this.#text();
    const entry = { name, value, isFine: (known ? known.isFine || isName(name) : isName(name)) && isValue(value) };
    if (isKept) this.#add(entry);
    return entry;
  }

  #entry(index: number): Entry {
    if (index === 0) throw bad('index 0');
    if (index <= STATIC_COUNT) return STATIC_ENTRIES[index] as Entry;
    const at = this.#entries.length - (index - STATIC_COUNT);
    const entry = at >= this.#oldest ? this.#entries[at] : undefined;
    if (!entry) throw bad(`index ${index} is in no table`);
    return entry;
  }

  #add(entry: Entry): void {
    const size = entry.name.length + entry.value.length + ENTRY_COST;
    this.#evict(this.#allowedBytes - size);
    if (size > this.#allowedBytes) return;
    this.#entries.push(entry);
    this.#tableBytes += size;
  }

  #evict(toBytes: number): void {
    while (this.#tableBytes > Math.max(0, toBytes) && this.#oldest < this.#entries.length) {
      const entry = this.#entries[this.#oldest] as Entry;
      this.#tableBytes -= entry.name.length + entry.value.length + ENTRY_COST;
      this.#entries[this.#oldest++] = undefined;
    }
    if (this.#oldest > 256 && this.#oldest * 2 > this.#entries.length) {
      this.#entries = this.#entries.slice(this.#oldest);
      this.#oldest = 0;
    }
  }

  #resize(bytes: number): void {
    if (bytes > this.#maxTableBytes) throw bad(`a table of ${bytes} bytes, where ${this.#maxTableBytes} are allowed`);
    this.#allowedBytes = bytes;
    this.#evict(bytes);
  }

  /** §5.1. bits: how many of the first byte belong to it. */
  #integer(bits: number): number {
    const mask = (1 << bits) - 1;
    let value = (this.#block[this.#at++] as number) & mask;
    if (value < mask) return value;
    for (let shift = 0; shift <= 21; shift += 7) {
      const byte = this.#block[this.#at++];
      if (byte === undefined) throw bad('a number without its end');
      value += (byte & 127) << shift;
      if (byte < 128) return value;
    }
    throw bad('a number beyond all use');
  }

  #text(): string {
    const first = this.#block[this.#at];
    if (first === undefined) throw bad('a field without its end');
    const length = this.#integer(7);
    const from = this.#at;
    const to = from + length;
    if (to > this.#block.length) throw bad('a text without its end');
    this.#at = to;
    return first & 0x80 ? huffmanDecode(this.#block, from, to) : this.#block.toString('latin1', from, to);
  }
}
