/** Just enough HTTP/1.1 for the vacuity mesh's program: as trusting as a program that is never attacked. */

/** A request as it stood on the wire. */
export interface Seen {
  readonly method: string;
  readonly path: string;
  readonly headers: readonly (readonly [string, string])[];
  readonly body: string;
}

type Next = { readonly kind: 'request'; readonly request: Seen; readonly rest: string } | { readonly kind: 'continue' };

const PROXY_LINE = /^PROXY [^\r]*\r\n/;

const value = (headers: Seen['headers'], name: string): string | undefined => headers.find(([key]) => key.toLowerCase() === name)?.[1];

const unchunk = (text: string): { body: string; rest: string } | undefined => {
  let body = '';
  let rest = text;
  for (;;) {
    const line = rest.indexOf('\r\n');
    if (line === -1) return undefined;
    const size = Number.parseInt(rest.slice(0, line), 16) || 0;
    if (size === 0) {
      const end = rest.indexOf('\r\n\r\n', line);
      return end === -1 ? undefined : { body, rest: rest.slice(end + 4) };
    }
    if (rest.length < line + 4 + size) return undefined;
    body += rest.slice(line + 2, line + 2 + size);
    rest = rest.slice(line + 4 + size);
  }
};

/** The first whole request of the bytes; `continue` when its body waits for a 100; undefined when more bytes are needed. */
export const splitRequest = (bytes: string): Next | undefined => {
  const text = bytes.replace(PROXY_LINE, '');
  const end = text.indexOf('\r\n\r\n');
  if (end === -1) return undefined;
  const [first = '', ...lines] = text.slice(0, end).split('\r\n');
  const [method = '', path = ''] = first.split(' ');
  const headers = lines.map((line): [string, string] => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1).trim()]);
  const after = text.slice(end + 4);
  const chunks = value(headers, 'transfer-encoding') === undefined ? undefined : unchunk(after);
  if (chunks) return { kind: 'request', request: { method, path, headers, body: chunks.body }, rest: chunks.rest };
  if (value(headers, 'transfer-encoding') !== undefined) return undefined;
  const length = Number(value(headers, 'content-length') ?? 0);
  if (after.length < length) return value(headers, 'expect') === undefined ? undefined : { kind: 'continue' };
  return { kind: 'request', request: { method, path, headers, body: after.slice(0, length) }, rest: after.slice(length) };
};

/** `fail=503;until=3` as an object. */
export const readScript = (request: Seen): Readonly<Record<string, string>> =>
  Object.fromEntries(
    (value(request.headers, 'x-lab-behave') ?? '')
      .split(';')
      .filter(Boolean)
      .map((part) => [part.split('=')[0] ?? '', part.split('=')[1] ?? '']),
  );
