/** A response head as text. Framing is decided here, never taken from what filters left in the fields. */
import type { HttpResponse } from '../http/message.ts';
import { reasonPhrase } from './reason-phrases.ts';

/** How the body is marked off. length: bytes of a body that is here; undefined = as the fields say. */
export interface ResponseFraming {
  readonly close: boolean;
  readonly chunked: boolean;
  readonly length: number | undefined;
  readonly upgrade?: string;
}

/** From the status line to the empty line. */
export const responseHead = (response: HttpResponse, framing: ResponseFraming): string => {
  const { status } = response;
  const { flat } = response.headers;
  const { length } = framing;
  let text = `HTTP/1.1 ${status} ${reasonPhrase(status)}\r\n`;
  let hasLength = length === undefined || status === 204 || status === 304;
  for (let i = 0; i < flat.length; i += 2) {
    const name = flat[i] as string;
    if (name === 'transfer-encoding' || name === 'connection') continue;
    if (name === 'content-length') {
      if (framing.chunked || status === 204 || (hasLength && length !== undefined)) continue;
      hasLength = true;
      text += `content-length: ${length ?? flat[i + 1]}\r\n`;
      continue;
    }
    text += `${name}: ${flat[i + 1]}\r\n`;
  }
  if (!hasLength) text += `content-length: ${length}\r\n`;
  if (framing.chunked) text += 'transfer-encoding: chunked\r\n';
  if (framing.upgrade !== undefined) text += `connection: Upgrade\r\nupgrade: ${framing.upgrade}\r\n`;
  else if (framing.close) text += 'connection: close\r\n';
  return `${text}\r\n`;
};
