/** StreamError → response, in HTTP or gRPC clothes. The only place that knows how Envoy words and dresses its own answers. */
import { EMPTY_BODY, textBody } from './body.ts';
import { HeaderMap } from './header-map.ts';
import { type HttpRequest, type HttpResponse, NO_TRAILERS } from './message.ts';
import type { StreamError } from './stream-error.ts';

const GRPC_STATUS: Readonly<Record<number, number>> = { 400: 13, 401: 16, 403: 7, 404: 12, 429: 14, 502: 14, 503: 14, 504: 14 };

/** Whether the request speaks gRPC, so that its errors must too. */
export const isGrpc = (request: Pick<HttpRequest, 'headers'>): boolean => {
  const type = request.headers.get('content-type');
  return type !== undefined && /^application\/grpc(?:$|\+)/.test(type);
};

/** Bytes outside printable ASCII, and `%`, as percent triples (gRPC over HTTP2, "Percent-Encoded"). */
const percentEncoded = (text: string): string => {
  let encoded = '';
  for (const byte of new TextEncoder().encode(text)) {
    encoded +=
      byte < 0x20 || byte > 0x7e || byte === 0x25 ? `%${byte.toString(16).toUpperCase().padStart(2, '0')}` : String.fromCharCode(byte);
  }
  return encoded;
};

/** The answer that tells of `error`. request: absent when the bytes never became one. */
export const localReply = (error: StreamError, request?: Pick<HttpRequest, 'headers'>): HttpResponse => {
  if (request && isGrpc(request)) {
    const flat = ['content-type', 'application/grpc', 'grpc-status', String(error.grpcStatus ?? GRPC_STATUS[error.status] ?? 2)];
    if (error.text !== '') flat.push('grpc-message', percentEncoded(error.text));
    return {
      status: 200,
      headers: new HeaderMap([...error.headers.filter(([name]) => name !== 'content-type').flat(), ...flat]),
      body: EMPTY_BODY,
      trailers: NO_TRAILERS,
    };
  }
  const body = textBody(error.text);
  const flat = [...error.headers.flat()];
  if (error.text !== '') {
    flat.push('content-length', String(body.whole?.length ?? 0));
    if (!error.headers.some(([name]) => name === 'content-type')) flat.push('content-type', 'text/plain');
  }
  const response = { status: error.status, headers: new HeaderMap(flat), body, trailers: NO_TRAILERS };
  return error.closes ? { ...response, close: true } : response;
};
