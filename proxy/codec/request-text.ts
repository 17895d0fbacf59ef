/** A request head as text. Framing is decided here, never taken from what filters left in the fields. */
import type { HttpRequest } from '../http/message.ts';

/** From the request line to the empty line. wholeLength: bytes of a body that is here; undefined = as the fields say, else chunked. */
export const requestHead = (request: HttpRequest, wholeLength: number | undefined): string => {
  const { flat } = request.headers;
  let text = `${request.method} ${request.path} HTTP/1.1\r\nhost: ${request.authority}\r\n`;
  let hasLength = wholeLength === 0;
  for (let i = 0; i < flat.length; i += 2) {
    const name = flat[i] as string;
    if (name === 'host' || name === 'connection' || name === 'transfer-encoding') continue;
    if (name === 'content-length') {
      if (hasLength && wholeLength !== 0) continue;
      hasLength = true;
      text += `content-length: ${wholeLength ?? flat[i + 1]}\r\n`;
    } else text += `${name}: ${flat[i + 1]}\r\n`;
  }
  if (!hasLength) text += wholeLength === undefined ? 'transfer-encoding: chunked\r\n' : `content-length: ${wholeLength}\r\n`;
  if (request.upgrade !== undefined) text += `connection: Upgrade\r\nupgrade: ${request.upgrade}\r\n`;
  return `${text}\r\n`;
};
