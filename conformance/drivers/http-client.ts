/** A small HTTP/1.1 client of the suite's own: independent of the codec that it judges, and in charge of every byte. */
import type { Duplex } from 'node:stream';

/** One response, names as they came. */
export interface WireResponse {
  readonly status: number;
  readonly headers: readonly (readonly [string, string])[];
  readonly body: string;
}

/** What a keep-alive connection is asked. */
export interface WireRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: readonly (readonly [string, string])[];
  readonly body: string;
}

const TIMEOUT_MS = 15_000;

const latin1 = (bytes: Uint8Array): string => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');

interface Parsed {
  readonly response: WireResponse;
  readonly length: number;
}

const headerValue = (headers: WireResponse['headers'], name: string): string | undefined =>
  headers.find(([key]) => key.toLowerCase() === name)?.[1];

const readChunks = (text: string, from: number): { body: string; end: number } | undefined => {
  let body = '';
  for (let at = from; ; ) {
    const line = text.indexOf('\r\n', at);
    if (line === -1) return undefined;
    const size = Number.parseInt(text.slice(at, line), 16);
    if (Number.isNaN(size)) throw new Error(`chunk size ${JSON.stringify(text.slice(at, line))}`);
    if (size === 0) {
      const end = text.indexOf('\r\n\r\n', line);
      return end === -1 ? undefined : { body, end: end + 4 };
    }
    if (text.length < line + 2 + size + 2) return undefined;
    body += text.slice(line + 2, line + 2 + size);
    at = line + 2 + size + 2;
  }
};

const parseHead = (headText: string): WireResponse => {
  const [first = '', ...lines] = headText.split('\r\n');
  const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(first)?.[1]);
  if (!Number.isInteger(status)) throw new Error(`status line ${JSON.stringify(first)}`);
  const headers = lines.map((line): [string, string] => {
    const colon = line.indexOf(':');
    return [line.slice(0, colon), line.slice(colon + 1).trim()];
  });
  return { status, headers, body: '' };
};

/** Undefined until all of it is here. closed: a body without a length ends there. */
export const parseResponse = (text: string, method: string, closed: boolean): Parsed | undefined => {
  const end = text.indexOf('\r\n\r\n');
  if (end === -1) return undefined;
  const response = parseHead(text.slice(0, end));
  const from = end + 4;
  if (response.status < 200) {
    const rest = parseResponse(text.slice(from), method, closed);
    return rest && { response: rest.response, length: from + rest.length };
  }
  if (method === 'HEAD' || response.status === 204 || response.status === 304) return { response, length: from };
  if (headerValue(response.headers, 'transfer-encoding') === 'chunked') {
    const chunks = readChunks(text, from);
    return chunks && { response: { ...response, body: chunks.body }, length: chunks.end };
  }
  const declared = headerValue(response.headers, 'content-length');
  if (declared === undefined) return closed ? { response: { ...response, body: text.slice(from) }, length: text.length } : undefined;
  const length = Number(declared);
  if (text.length < from + length) return undefined;
  return { response: { ...response, body: text.slice(from, from + length) }, length: from + length };
};

const formatRequest = ({ method, path, headers, body }: WireRequest): string => {
  const lines = headers.map(([name, value]) => `${name}: ${value}`);
  if (body !== '' || method === 'POST') lines.push(`Content-Length: ${Buffer.byteLength(body, 'latin1')}`);
  return `${method} ${path} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n${body}`;
};

/** One keep-alive connection: one request at a time. */
export class HttpClient implements Disposable {
  readonly #connection: Duplex;
  #received = '';
  #closed = false;
  #notice: () => void = () => {};

  /** preface: bytes before the first request, such as a PROXY line. */
  constructor(connection: Duplex, preface: string) {
    this.#connection = connection;
    connection.on('data', (bytes: Uint8Array) => {
      this.#received += latin1(bytes);
      this.#notice();
    });
    const close = (): void => {
      this.#closed = true;
      this.#notice();
    };
    connection.on('end', close).on('close', close).on('error', close);
    if (preface !== '') connection.write(preface, 'latin1');
  }

  get usable(): boolean {
    return !this.#closed;
  }

  /** Rejects when the connection ends before the response, or nothing comes for long. */
  send(request: WireRequest): Promise<WireResponse> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`no answer within ${TIMEOUT_MS} ms`)), TIMEOUT_MS);
      this.#notice = () => {
        try {
          const parsed = parseResponse(this.#received, request.method, this.#closed);
          if (parsed === undefined && !this.#closed) return;
          clearTimeout(timer);
          if (parsed === undefined) return reject(new Error(`connection closed before the answer: ${JSON.stringify(this.#received)}`));
          this.#received = this.#received.slice(parsed.length);
          if (headerValue(parsed.response.headers, 'connection')?.toLowerCase() === 'close') this.#closed = true;
          resolve(parsed.response);
        } catch (error) {
          clearTimeout(timer);
          reject(error);
        }
      };
      this.#connection.write(formatRequest(request), 'latin1');
    });
  }

  [Symbol.dispose](): void {
    this.#connection.destroy();
  }
}
