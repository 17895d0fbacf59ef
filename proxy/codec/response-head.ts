/** Status line of an answer. Throws HeadError; the client makes a protocol error (UPE) of it. */
import { type BodyDecoder, ChunkedDecoder, LengthDecoder } from './body-decoder.ts';
import { type Fields, HeadError, type HeadLimits, parseFields } from './head.ts';

/** A response head, understood. */
export interface ResponseHead extends Fields {
  readonly status: number;
  readonly version10: boolean;
}

/** text: from the status line up to and with the CRLF of the last field line. */
export const parseResponseHead = (text: string, limits: HeadLimits): ResponseHead => {
  const lineEnd = text.indexOf('\r\n');
  const version = text.slice(0, 9);
  const version10 = version === 'HTTP/1.0 ';
  if (!version10 && version !== 'HTTP/1.1 ') throw new HeadError(502, 'http1.codec_error');
  const status = Number(text.slice(9, 12));
  const after = text.charCodeAt(12);
  if (!(status >= 100 && status <= 999) || (after !== 32 && lineEnd !== 12)) throw new HeadError(502, 'http1.codec_error');
  for (let i = 12; i < lineEnd; i++) {
    const code = text.charCodeAt(i);
    if ((code < 32 && code !== 9) || code === 127) throw new HeadError(502, 'http1.invalid_characters');
  }
  const fields = parseFields(text, lineEnd + 2, limits);
  return { ...fields, status, version10 };
};

/** Undefined: no body follows. Throws HeadError. */
export const decoderOf = (method: string, head: ResponseHead): BodyDecoder | undefined => {
  if (head.status === 204 && (head.chunked || (head.contentLength ?? 0) > 0)) throw new HeadError(502, 'a 204 with a body');
  if (method === 'HEAD' || head.status === 204 || head.status === 304 || head.contentLength === 0) return undefined;
  if (head.chunked) return new ChunkedDecoder();
  return new LengthDecoder(head.contentLength ?? Number.POSITIVE_INFINITY);
};
