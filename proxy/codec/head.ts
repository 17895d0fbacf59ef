/**
 * HTTP/1.1 heads: parsed once, from one latin-1 string, into one flat list; and written back as one string.
 * Strict: what RFC 9112 lets a recipient repair is refused here, as two readings of one head are how requests are smuggled.
 */
import { HeaderMap } from '../http/header-map.ts';

/** A head that must not be understood. status: what a server answers. */
export class HeadError extends Error {
  override readonly name = 'HeadError';
  readonly status: number;
  readonly details: string;

  constructor(status: number, details: string) {
    super(details);
    this.status = status;
    this.details = details;
  }
}

/**
 * Fields of one head. Hop-by-hop fields are taken out of `headers`; `host` too. `transfer-encoding: chunked` stays, as the word that this
 * message came in chunks: writers then send it in chunks too, whole or not.
 */
export interface Fields {
  readonly headers: HeaderMap;
  readonly host: string | undefined;
  /** Undefined when the head names none. */
  readonly contentLength: number | undefined;
  readonly chunked: boolean;
  readonly close: boolean;
  readonly keepAlive: boolean;
  /** Lower-case, only when Connection names it. */
  readonly upgrade: string | undefined;
  /** Lower-case names that Connection lists. */
  readonly connection: readonly string[];
}

/** Bounds of one head. underscores: what to do with a name like `x_y`, which some programs cannot tell from `x-y`. */
export interface HeadLimits {
  readonly maxHeaders: number;
  readonly underscores?: 'allow' | 'reject' | 'drop';
}

const TOKEN = new Uint8Array(256);
for (const char of "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz") TOKEN[char.charCodeAt(0)] = 1;
for (const char of 'ABCDEFGHIJKLMNOPQRSTUVWXYZ') TOKEN[char.charCodeAt(0)] = 2;

const HOP_BY_HOP = new Set(['connection', 'keep-alive', 'proxy-connection', 'transfer-encoding', 'upgrade', 'http2-settings']);
/** A client may not have these taken away by naming them in Connection. */
const KEPT = new Set(['host', 'content-length', 'transfer-encoding', 'close', 'keep-alive', 'upgrade', 'te', '']);

const bad = (details = 'http1.codec_error'): HeadError => new HeadError(400, details);

/** Whether the text is one or more token characters (RFC 9110 §5.6.2). */
export const isToken = (text: string): boolean => {
  for (let i = 0; i < text.length; i++) if (TOKEN[text.charCodeAt(i)] === 0) return false;
  return text.length > 0;
};

const fieldName = (text: string, from: number, to: number): string => {
  let upper = 0;
  for (let i = from; i < to; i++) {
    const kind = TOKEN[text.charCodeAt(i)];
    if (kind === 0) throw bad();
    upper |= kind as number;
  }
  if (from === to) throw bad();
  const name = text.slice(from, to);
  return upper & 2 ? name.toLowerCase() : name;
};

const fieldValue = (text: string, from: number, to: number): string => {
  let start = from;
  let end = to;
  while (start < end && (text.charCodeAt(start) === 32 || text.charCodeAt(start) === 9)) start++;
  while (end > start && (text.charCodeAt(end - 1) === 32 || text.charCodeAt(end - 1) === 9)) end--;
  for (let i = start; i < end; i++) {
    const code = text.charCodeAt(i);
    if ((code < 32 && code !== 9) || code === 127) throw bad('http1.invalid_characters');
  }
  return text.slice(start, end);
};

const lengthValue = (value: string, before: number | undefined): number => {
  if (before !== undefined || value.length === 0) throw bad();
  let length = 0;
  for (let i = 0; i < value.length; i++) {
    const digit = value.charCodeAt(i) - 48;
    if (digit < 0 || digit > 9) throw bad();
    length = length * 10 + digit;
  }
  if (length > Number.MAX_SAFE_INTEGER) throw bad();
  return length;
};

const NONE: readonly string[] = [];

const listed = (value: string): string[] =>
  value
    .toLowerCase()
    .split(',')
    .map((item) => item.trim());

/** One field line of `text`, between `from` and `to`. Throws HeadError. */
export const parseField = (text: string, from: number, to: number): [name: string, value: string] => {
  const colon = text.indexOf(':', from);
  if (colon < 0 || colon > to) throw bad();
  return [fieldName(text, from, colon), fieldValue(text, colon + 1, to)];
};

/** Parses the field lines of `text` from `at` to its end, each ended by CRLF. Throws HeadError. */
export const parseFields = (text: string, at: number, limits: HeadLimits): Fields => {
  const flat: string[] = [];
  let host: string | undefined;
  let contentLength: number | undefined;
  let chunked = false;
  let connection: string | undefined;
  let upgrade: string | undefined;
  let count = 0;
  for (let from = at; from < text.length; ) {
    const to = text.indexOf('\r\n', from);
    const colon = text.indexOf(':', from);
    if (to < 0 || colon < 0 || colon > to) throw bad();
    if (++count > limits.maxHeaders) throw new HeadError(431, 'http1.too_many_headers');
    const name = fieldName(text, from, colon);
    const value = fieldValue(text, colon + 1, to);
    from = to + 2;
    if (limits.underscores !== undefined && limits.underscores !== 'allow' && name.includes('_')) {
      if (limits.underscores === 'drop') continue;
      throw bad('http1.unexpected_underscore');
    }
    switch (name) {
      case 'host':
        if (host !== undefined) throw bad();
        host = value;
        continue;
      case 'content-length':
        contentLength = lengthValue(value, contentLength);
        flat.push(name, String(contentLength));
        continue;
      case 'transfer-encoding':
        if (chunked || value.toLowerCase() !== 'chunked') throw new HeadError(501, 'http1.invalid_transfer_encoding');
        chunked = true;
        flat.push(name, 'chunked');
        continue;
      case 'connection':
        connection = connection === undefined ? value : `${connection},${value}`;
        continue;
      case 'upgrade':
        upgrade = value.toLowerCase();
        continue;
      case 'te':
        if (listed(value).some((item) => item === 'trailers')) flat.push('te', 'trailers');
        continue;
      default:
        if (!HOP_BY_HOP.has(name)) flat.push(name, value);
    }
  }
  if (chunked && contentLength !== undefined) throw bad('http1.content_length_and_chunked_not_allowed');
  const options = connection === undefined ? NONE : listed(connection);
  return {
    headers: new HeaderMap(options.some((option) => !KEPT.has(option)) ? withoutNamed(flat, options) : flat),
    host,
    contentLength,
    chunked,
    close: options.includes('close'),
    keepAlive: options.includes('keep-alive'),
    upgrade: upgrade !== undefined && options.includes('upgrade') ? upgrade : undefined,
    connection: options,
  };
};

const withoutNamed = (flat: string[], options: readonly string[]): string[] => {
  const named = new Set(options.filter((option) => !KEPT.has(option)));
  const kept: string[] = [];
  for (let i = 0; i < flat.length; i += 2) if (!named.has(flat[i] as string)) kept.push(flat[i] as string, flat[i + 1] as string);
  return kept;
};

/** Field lines as they leave, each with its CRLF. Values that would start a new line are an error of ours, never bytes. */
export const writeFields = (headers: HeaderMap): string => {
  const { flat } = headers;
  let text = '';
  for (let i = 0; i < flat.length; i += 2) text += `${flat[i]}: ${flat[i + 1]}\r\n`;
  return text;
};

/** Empty lines before a request are read over (RFC 9112 §2.2). */
export const withoutEmptyLines = (buffer: Buffer): Buffer => {
  let at = 0;
  while (buffer[at] === 13 && buffer[at + 1] === 10) at += 2;
  return at === 0 ? buffer : buffer.subarray(at);
};
