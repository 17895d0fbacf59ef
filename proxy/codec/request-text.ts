/** A request head as text. Framing is decided here, never taken from what filters left in the fields. */
import type { HttpRequest } from '../http/message.ts';
import type { FramedHead } from './write-message.ts';

/** Methods whose requests say nothing of a body when they have none; the others then say `content-length: 0` (as Envoy does). */
const SILENT = new Set(['GET', 'HEAD', 'DELETE', 'TRACE', 'CONNECT']);

const saysNothing = (request: HttpRequest): boolean => request.upgrade !== undefined || SILENT.has(request.method);

/** From the request line to the empty line. wholeLength: bytes of a body that is here; undefined = as the fields say, else chunked. */
export const requestHead = (request: HttpRequest, wholeLength: number | undefined): FramedHead => {
  const { flat } = request.headers;
  let text = `${request.method} ${request.path} HTTP/1.1\r\nhost: ${request.authority}\r\n`;
  let hasLength = false;
  let chunked = false;
  for (let i = 0; i < flat.length; i += 2) {
    const name = flat[i] as string;
    if (name === 'host' || name === 'connection') continue;
    if (name === 'transfer-encoding') chunked = true;
    else if (name === 'content-length') {
      if (hasLength) continue;
      hasLength = true;
      text += `content-length: ${wholeLength ?? flat[i + 1]}\r\n`;
    } else text += `${name}: ${flat[i + 1]}\r\n`;
  }
  // The codec never lets both in; an edit of fields may have added one.
  if (chunked && hasLength) return requestHead({ ...request, headers: request.headers.without('content-length') }, wholeLength);
  if (!hasLength) {
    if (wholeLength === undefined) chunked = true;
    if (chunked) text += 'transfer-encoding: chunked\r\n';
    else if (wholeLength !== 0 || !saysNothing(request)) text += `content-length: ${wholeLength}\r\n`;
  }
  if (request.upgrade !== undefined) text += `connection: Upgrade\r\nupgrade: ${request.upgrade}\r\n`;
  return { text: `${text}\r\n`, chunked };
};
