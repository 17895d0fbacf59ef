/** The first message of TLS → what a filter chain is picked by. Only looks; OpenSSL reads the message itself. Source: RFC 8446 §4.1.2 and §5.1, RFC 6066 §3, RFC 7301 §3.1. */

/** What a client says of itself before anything is agreed. */
export interface ClientHello {
  /** Lower-case; empty = none. */
  readonly serverName: string;
  /** ALPN, most wanted first. */
  readonly protocols: readonly string[];
}

/** incomplete: more bytes are needed. invalid: no greeting of TLS, whatever comes. */
export type ReadHello = ClientHello | 'incomplete' | 'invalid';

/** As much as Envoy's tls_inspector reads. */
const MAX_BYTES = 16 * 1024;
const RECORD_HEADER = 5;
const HANDSHAKE = 22;
const CLIENT_HELLO = 1;
const SERVER_NAME = 0;
const ALPN = 16;
/** RFC 6066 wants ASCII without a trailing dot; underscores are met in the wild. */
const HOST = /^[a-z0-9_-]+(?:\.[a-z0-9_-]+)*$/;

/** Thrown where a length leads out of what holds it. */
class Cut extends Error {}

/** Takes numbers and counted parts off the front of bytes. */
class Cursor {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get isDone(): boolean {
    return this.#at === this.#bytes.length;
  }

  take(length: number): Buffer {
    const end = this.#at + length;
    if (end > this.#bytes.length) throw new Cut();
    const part = this.#bytes.subarray(this.#at, end);
    this.#at = end;
    return part;
  }

  number(bytes: 1 | 2 | 3): number {
    return this.take(bytes).readUIntBE(0, bytes);
  }

  /** A part whose length stands before it. */
  part(lengthBytes: 1 | 2 | 3): Buffer {
    return this.take(this.number(lengthBytes));
  }
}

/** The first handshake message, put together from as many records as it takes. */
const messageOf = (bytes: Buffer): Buffer | 'incomplete' | 'invalid' => {
  const parts: Buffer[] = [];
  let length = 0;
  let wanted = Number.POSITIVE_INFINITY;
  for (let at = 0; ; ) {
    const record = bytes.subarray(at);
    if ((record.length > 0 && record[0] !== HANDSHAKE) || (record.length > 1 && record[1] !== 3)) return 'invalid';
    if (record.length < RECORD_HEADER) return bytes.length >= MAX_BYTES ? 'invalid' : 'incomplete';
    const size = record.readUInt16BE(3);
    if (size === 0 || size > MAX_BYTES) return 'invalid';
    const part = record.subarray(RECORD_HEADER, RECORD_HEADER + size);
    parts.push(part);
    length += part.length;
    // Once: a greeting in thousands of records must not cost their number squared.
    if (wanted === Number.POSITIVE_INFINITY) {
      const head = Buffer.concat(parts);
      if (head.length > 0 && head[0] !== CLIENT_HELLO) return 'invalid';
      if (head.length >= 4) wanted = 4 + head.readUIntBE(1, 3);
      if (wanted > MAX_BYTES && head.length >= 4) return 'invalid';
    }
    if (length >= wanted) return Buffer.concat(parts).subarray(4, wanted);
    if (part.length < size) return bytes.length >= MAX_BYTES ? 'invalid' : 'incomplete';
    at += RECORD_HEADER + size;
  }
};

const serverNameIn = (extension: Buffer): string => {
  const list = new Cursor(new Cursor(extension).part(2));
  while (!list.isDone) {
    const kind = list.number(1);
    const name = list.part(2);
    if (kind !== 0) continue;
    const text = name.toString('latin1').toLowerCase();
    // What is no host name is nobody's name: no chain is found by it.
    return text.length <= 255 && HOST.test(text) ? text : '';
  }
  return '';
};

const protocolsIn = (extension: Buffer): string[] => {
  const list = new Cursor(new Cursor(extension).part(2));
  const protocols: string[] = [];
  while (!list.isDone) protocols.push(list.part(1).toString('latin1'));
  return protocols;
};

const read = (message: Buffer): ClientHello => {
  const hello = new Cursor(message);
  hello.take(2 + 32);
  hello.part(1);
  hello.part(2);
  hello.part(1);
  let serverName = '';
  let protocols: readonly string[] = [];
  if (hello.isDone) return { serverName, protocols };
  const extensions = new Cursor(hello.part(2));
  while (!extensions.isDone) {
    const type = extensions.number(2);
    const body = extensions.part(2);
    if (type === SERVER_NAME) serverName = serverNameIn(body);
    else if (type === ALPN) protocols = protocolsIn(body);
  }
  return { serverName, protocols };
};

/** bytes: from the beginning of the connection, cut anywhere. Never throws. */
export const readClientHello = (bytes: Buffer): ReadHello => {
  const message = messageOf(bytes);
  if (typeof message === 'string') return message;
  try {
    return read(message);
  } catch (error) {
    if (error instanceof Cut) return 'invalid';
    throw error;
  }
};
