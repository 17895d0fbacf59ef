/** Bytes → one whole HTTP/1.1 request, for programs that live in memory. Its callers are sidecars, so what is malformed ends the connection. */

/** A request with the names as they came, and where the next one begins. */
export interface ReadRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: readonly (readonly [string, string])[];
  readonly body: string;
  readonly length: number;
}

/** The head alone, while the body is awaited. */
export type RequestHead = Omit<ReadRequest, 'body' | 'length'> & { readonly bodyAt: number };

const END = '\r\n\r\n';

/** First value of a header. */
export const headerOf = ({ headers }: Pick<RequestHead, 'headers'>, name: string): string | undefined =>
  headers.find(([key]) => key.toLowerCase() === name)?.[1];

/** text: latin-1. Undefined until the head is whole; throws on what is no HTTP/1.1 head. */
export const readHead = (text: string): RequestHead | undefined => {
  const end = text.indexOf(END);
  if (end === -1) return undefined;
  const [first = '', ...lines] = text.slice(0, end).split('\r\n');
  const [, method, path] = /^(\S+) (\S+) HTTP\/1\.1$/.exec(first) ?? [];
  if (method === undefined || path === undefined) throw new Error(`no request line: ${JSON.stringify(first)}`);
  const headers = lines.map((line): [string, string] => {
    const colon = line.indexOf(':');
    if (colon < 1) throw new Error(`no header: ${JSON.stringify(line)}`);
    return [line.slice(0, colon), line.slice(colon + 1).trim()];
  });
  return { method, path, headers, bodyAt: end + END.length };
};

/** Undefined until all of its body, trailers too, is here. */
export const readBody = (text: string, head: RequestHead): ReadRequest | undefined => {
  const { bodyAt, ...request } = head;
  if (headerOf(head, 'transfer-encoding') !== undefined) {
    const chunks = readChunks(text, bodyAt);
    return chunks && { ...request, ...chunks };
  }
  const length = bodyAt + Number(headerOf(head, 'content-length') ?? 0);
  return text.length < length ? undefined : { ...request, body: text.slice(bodyAt, length), length };
};

const readChunks = (text: string, from: number): { body: string; length: number } | undefined => {
  let body = '';
  for (let at = from; ; ) {
    const line = text.indexOf('\r\n', at);
    if (line === -1) return undefined;
    const size = Number.parseInt(text.slice(at, line), 16);
    if (Number.isNaN(size)) throw new Error(`no chunk size: ${JSON.stringify(text.slice(at, line))}`);
    if (size === 0) {
      // The last chunk's own line end may also be the first half of the empty line that ends the trailers.
      const end = text.indexOf(END, line);
      return end === -1 ? undefined : { body, length: end + END.length };
    }
    const next = line + 2 + size + 2;
    if (text.length < next) return undefined;
    body += text.slice(line + 2, line + 2 + size);
    at = next;
  }
};
