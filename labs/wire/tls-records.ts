/** What anybody can read of a TLS connection without a key: the records' headers, and the two greetings. Source: RFC 8446, sections 4.1, 4.2 and 5.1. */

/** One record: five bytes of header, then that many. */
export interface TlsRecord {
  /** Of its header, in the bytes. */
  readonly offset: number;
  readonly type: number;
  /** Of what follows the header. */
  readonly length: number;
}

/** What the client says before anything is encrypted. */
export interface ClientHello {
  /** Empty when it names nobody. */
  readonly serverName: string;
  /** Place of the name in the bytes. */
  readonly serverNameAt: number;
  readonly protocols: readonly string[];
  /** It shows a ticket of an earlier connection, and asks to go on from there. */
  readonly offersResumption: boolean;
}

/** What the server says before anything is encrypted. */
export interface ServerHello {
  readonly version: string;
  readonly cipher: string;
  /** It took the ticket: no certificate is sent again. */
  readonly resumes: boolean;
}

const HEADER = 5;
const HANDSHAKE = 22;
const KNOWN: Readonly<Record<number, string>> = { 20: 'change_cipher_spec', 21: 'alert', 22: 'handshake', 23: 'application_data' };
const VERSIONS: Readonly<Record<number, string>> = { 769: 'TLS 1.0', 770: 'TLS 1.1', 771: 'TLS 1.2', 772: 'TLS 1.3' };
const CIPHERS: Readonly<Record<number, string>> = {
  4865: 'AES-128-GCM, SHA-256',
  4866: 'AES-256-GCM, SHA-384',
  4867: 'ChaCha20-Poly1305, SHA-256',
};
const SERVER_NAME = 0;
const PROTOCOLS = 16;
const TICKET = 41;
const VERSION = 43;

/** `handshake`, as the RFC calls it. */
export const recordName = (type: number): string => KNOWN[type] ?? `type ${type}`;

const two = (bytes: Uint8Array, at: number): number => ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);

/** All records that begin in the bytes; none when these are not TLS. */
export const tlsRecords = (bytes: Uint8Array): readonly TlsRecord[] => {
  const records: TlsRecord[] = [];
  for (let offset = 0; offset + HEADER <= bytes.length; ) {
    const type = bytes[offset] ?? 0;
    if (KNOWN[type] === undefined || bytes[offset + 1] !== 3) break;
    const length = two(bytes, offset + 3);
    records.push({ offset, type, length });
    offset += HEADER + length;
  }
  return records;
};

interface Extension {
  readonly at: number;
  readonly length: number;
}

/** Extensions by their number. from: where their list's length stands. */
const extensionsAt = (bytes: Uint8Array, from: number): ReadonlyMap<number, Extension> => {
  const end = Math.min(bytes.length, from + 2 + two(bytes, from));
  const found = new Map<number, Extension>();
  for (let at = from + 2; at + 4 <= end; at += 4 + two(bytes, at + 2))
    found.set(two(bytes, at), { at: at + 4, length: two(bytes, at + 2) });
  return found;
};

const textAt = (bytes: Uint8Array, at: number, length: number): string => String.fromCharCode(...bytes.subarray(at, at + length));

const protocolsIn = (bytes: Uint8Array, { at, length }: Extension): readonly string[] => {
  const names: string[] = [];
  for (let next = at + 2; next < Math.min(bytes.length, at + length); next += 1 + (bytes[next] ?? 0))
    names.push(textAt(bytes, next + 1, bytes[next] ?? 0));
  return names;
};

/** Where the session id's length stands: record header, message header, version, random. */
const SESSION_ID = HEADER + 4 + 2 + 32;

const isHello = (bytes: Uint8Array, message: number): boolean => bytes[0] === HANDSHAKE && bytes[HEADER] === message;

/** Undefined when the bytes do not begin with one. */
export const readClientHello = (bytes: Uint8Array): ClientHello | undefined => {
  if (!isHello(bytes, 1)) return undefined;
  const ciphers = SESSION_ID + 1 + (bytes[SESSION_ID] ?? 0);
  const compressions = ciphers + 2 + two(bytes, ciphers);
  const extensions = extensionsAt(bytes, compressions + 1 + (bytes[compressions] ?? 0));
  const name = extensions.get(SERVER_NAME);
  const protocols = extensions.get(PROTOCOLS);
  return {
    serverName: name === undefined ? '' : textAt(bytes, name.at + 5, two(bytes, name.at + 3)),
    serverNameAt: name === undefined ? 0 : name.at + 5,
    protocols: protocols === undefined ? [] : protocolsIn(bytes, protocols),
    offersResumption: extensions.has(TICKET),
  };
};

/** Undefined when the bytes do not begin with one. */
export const readServerHello = (bytes: Uint8Array): ServerHello | undefined => {
  if (!isHello(bytes, 2)) return undefined;
  const cipher = SESSION_ID + 1 + (bytes[SESSION_ID] ?? 0);
  const extensions = extensionsAt(bytes, cipher + 3);
  const chosen = extensions.get(VERSION);
  const version = chosen === undefined ? two(bytes, HEADER + 4) : two(bytes, chosen.at);
  return {
    version: VERSIONS[version] ?? `version ${version}`,
    cipher: CIPHERS[two(bytes, cipher)] ?? `cipher ${two(bytes, cipher).toString(16)}`,
    resumes: extensions.has(TICKET),
  };
};
