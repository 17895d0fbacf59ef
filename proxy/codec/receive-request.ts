/** A parsed head and what follows it → the request that the rooms see. */
import { EMPTY_BODY, wholeBody } from '../http/body.ts';
import { type HttpRequest, NO_TRAILERS } from '../http/message.ts';
import type { ServerSettings } from '../http/serve.ts';
import { type BodyDecoder, ChunkedDecoder, LengthDecoder } from './body-decoder.ts';
import type { IncomingBody } from './incoming-body.ts';
import type { RequestHead } from './request-head.ts';

/** A decoder for the body that the head announces; absent when it announces none. */
export const decoderFor = (head: RequestHead, settings: ServerSettings): BodyDecoder | undefined => {
  if (head.chunked) return new ChunkedDecoder({ keep: settings.trailers, maxBytes: settings.maxHeadBytes });
  return head.contentLength ? new LengthDecoder(head.contentLength) : undefined;
};

/** Whether the client waits for 100 before it sends its body, and this proxy says it. */
export const awaitsContinue = (head: RequestHead, settings: ServerSettings): boolean =>
  !settings.proxy100Continue && head.headers.get('expect')?.toLowerCase() === '100-continue';

/** The request without its body. */
export const requestStart = (head: RequestHead, settings: ServerSettings): HttpRequest => {
  const { method, path, authority } = head;
  const headers = awaitsContinue(head, settings) ? head.headers.without('expect') : head.headers;
  return { method, scheme: 'http', authority, path, headers, body: EMPTY_BODY, trailers: NO_TRAILERS };
};

/** Whether the client asks to leave HTTP. h2c is no upgrade here: the offer is dropped and the request served (RFC 9113 §3.1). */
export const wantsUpgrade = (head: RequestHead): boolean => head.upgrade !== undefined && head.upgrade !== 'h2c';

/** What is here of the body: all of it, or some in a body that still arrives. */
export interface Arrived {
  readonly decoder: BodyDecoder | undefined;
  readonly chunks: readonly Uint8Array[];
  readonly onInterim: HttpRequest['onInterim'] | undefined;
}

/** The request with its body. incoming: given when the body is not all here. */
export const receivedRequest = (head: RequestHead, settings: ServerSettings, arrived: Arrived, incoming?: IncomingBody): HttpRequest => {
  const { decoder, chunks, onInterim } = arrived;
  const start = requestStart(head, settings);
  const extras = {
    ...(wantsUpgrade(head) && head.upgrade !== undefined && { upgrade: head.upgrade }),
    ...(onInterim && { onInterim }),
  };
  if (!decoder) return { ...start, ...extras };
  if (incoming) return { ...start, body: incoming, trailers: incoming.trailers, ...extras };
  const trailers = decoder.trailers.flat.length === 0 ? NO_TRAILERS : Promise.resolve(decoder.trailers);
  return { ...start, body: chunks.length === 0 ? EMPTY_BODY : wholeBody(joined(chunks)), trailers, ...extras };
};

const joined = (chunks: readonly Uint8Array[]): Uint8Array => (chunks.length === 1 ? (chunks[0] as Uint8Array) : Buffer.concat(chunks));
