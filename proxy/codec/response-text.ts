/** A response head as text. Framing is decided here, never taken from what filters left in the fields. */
import { type HeaderMap, removeIn } from '../http/header-map.ts';
import type { HttpResponse } from '../http/message.ts';
import { reasonPhrase } from './reason-phrases.ts';
import type { FramedHead } from './write-message.ts';

/** How the answer stands to its request and its connection. */
export interface ResponseFraming {
  readonly close: boolean;
  /** Bytes of a body that is here; undefined = as the fields say, else chunked. */
  readonly length: number | undefined;
  /** Answers HEAD: what the body would be is told, and none follows. */
  readonly toHead?: boolean;
  readonly upgrade?: string;
}

const statusLine = (status: number): string => `HTTP/1.1 ${status} ${reasonPhrase(status)}\r\n`;

/** Whether a message of this status never has a body (RFC 9110 §6.4.1). */
export const isBodiless = (status: number): boolean => status === 204 || status === 304 || status < 200;

/** From the status line to the empty line. */
export const responseHead = (response: HttpResponse, framing: ResponseFraming): FramedHead => {
  const { status } = response;
  const { flat } = response.headers;
  const length = framing.toHead || isBodiless(status) ? undefined : framing.length;
  let text = statusLine(status);
  let hasLength = false;
  let chunked = false;
  for (let i = 0; i < flat.length; i += 2) {
    const name = flat[i] as string;
    if (name === 'connection') continue;
    if (name === 'transfer-encoding') chunked = true;
    else if (name === 'content-length') {
      if (hasLength || (isBodiless(status) && status !== 304)) continue;
      hasLength = true;
      text += `content-length: ${length ?? flat[i + 1]}\r\n`;
    } else text += `${name}: ${flat[i + 1]}\r\n`;
  }
  if (isBodiless(status)) chunked = false;
  // The codec never lets both in; an edit of fields may have added one.
  else if (chunked && hasLength) return responseHead({ ...response, headers: response.headers.without('content-length') }, framing);
  else if (!hasLength) {
    if (length === undefined) chunked = true;
    text += chunked ? 'transfer-encoding: chunked\r\n' : `content-length: ${length}\r\n`;
  }
  if (framing.upgrade !== undefined) text += `connection: Upgrade\r\nupgrade: ${framing.upgrade}\r\n`;
  else if (framing.close) text += 'connection: close\r\n';
  return { text: `${text}\r\n`, chunked };
};

/** An answer before the answer: 100, 103 … */
export const interimHead = (status: number, headers: HeaderMap): string => {
  let text = statusLine(status);
  const kept = headers.edit((draft) => {
    for (const name of ['connection', 'content-length', 'transfer-encoding']) removeIn(draft, name);
  });
  for (const [name, value] of kept) text += `${name}: ${value}\r\n`;
  return `${text}\r\n`;
};
