/** Bytes as rows: offset, hex, printable text, and which of them mean something to a reader. Pure. */
import { readClientHello, recordName, tlsRecords } from './tls-records.ts';

/** Bytes that mean something. */
export interface Mark {
  /** First and one past the last. */
  readonly from: number;
  readonly to: number;
  readonly kind: 'request' | 'record' | 'name' | 'identity' | 'note';
  readonly words: string;
}

/** One byte. */
export interface HexByte {
  readonly hex: string;
  /** A dot where nothing can be printed. */
  readonly char: string;
  readonly mark: Mark['kind'] | '';
}

/** As many of them as a row has. */
export interface HexRow {
  /** Of the first, in hex, four digits. */
  readonly offset: string;
  readonly bytes: readonly HexByte[];
}

/** A terminal has room for so many. */
const IN_ROW = 16;
const RECORD_HEADER = 5;
const REQUEST_LINE = /^(?:PROXY [^\r\n]*\r\n)?([A-Z]+ [^\r\n]* HTTP\/1\.1)/;
const NOTE = /^PROXY [^\r\n]*/;
const IDENTITY = /^x-forwarded-client-cert: *[^\r\n]*/im;

const latin1 = (bytes: Uint8Array): string => Array.from(bytes, (byte) => String.fromCharCode(byte)).join('');

const found = (text: string, pattern: RegExp, kind: Mark['kind'], words: string): readonly Mark[] => {
  const match = pattern.exec(text);
  if (match === null) return [];
  const part = match[1] ?? match[0];
  const from = match.index + match[0].indexOf(part);
  return [{ from, to: from + part.length, kind, words }];
};

const plainMarks = (bytes: Uint8Array): readonly Mark[] => {
  const text = latin1(bytes);
  return [
    ...found(text, NOTE, 'note', 'where the program wanted to go'),
    ...found(text, REQUEST_LINE, 'request', 'the request line'),
    ...found(text, IDENTITY, 'identity', 'who calls'),
  ];
};

/** What a reader finds in them: the parts of a request in plain text, or the headers of TLS records and the name that the client asks for. */
export const marksOf = (bytes: Uint8Array): readonly Mark[] => {
  const records = tlsRecords(bytes);
  if (records.length === 0) return plainMarks(bytes);
  const hello = readClientHello(bytes);
  const name: readonly Mark[] =
    hello === undefined || hello.serverName === ''
      ? []
      : [{ from: hello.serverNameAt, to: hello.serverNameAt + hello.serverName.length, kind: 'name', words: hello.serverName }];
  const headers = records.map(
    ({ offset, type, length }): Mark => ({
      from: offset,
      to: offset + RECORD_HEADER,
      kind: 'record',
      words: `${recordName(type)}, ${length} bytes`,
    }),
  );
  return [...headers, ...name];
};

const byteOf = (byte: number, mark: Mark['kind'] | ''): HexByte => ({
  hex: byte.toString(16).padStart(2, '0'),
  char: byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '·',
  mark,
});

/** All bytes that are there. */
export const hexRows = (bytes: Uint8Array, marks: readonly Mark[], inRow = IN_ROW): readonly HexRow[] =>
  Array.from({ length: Math.ceil(bytes.length / inRow) }, (_, row) => {
    const start = row * inRow;
    return {
      offset: start.toString(16).padStart(4, '0'),
      bytes: Array.from(bytes.subarray(start, start + inRow), (byte, i) =>
        byteOf(byte, marks.find(({ from, to }) => start + i >= from && start + i < to)?.kind ?? ''),
      ),
    };
  });

/** Share of the bytes that are printable, 0…1. */
export const printableShare = (bytes: Uint8Array): number =>
  bytes.length === 0
    ? 0
    : bytes.filter((byte) => byte === 9 || byte === 10 || byte === 13 || (byte >= 0x20 && byte < 0x7f)).length / bytes.length;
