/** The one shape of everything that touches a request. */
import type { HttpRequest, HttpResponse } from './message.ts';
import type { StreamInfo } from './stream-info.ts';

/** Answers one request. Settles when the response HEAD is ready; both bodies may still be flowing (see StreamInfo.done). */
export type Handler = (request: HttpRequest, stream: StreamInfo) => Promise<HttpResponse>;

/**
 * One step of the walk. It may change the request it passes on, answer without calling `next`,
 * call `next` again (retry), or change the response on its way out.
 * It never mutates what it was given: it hands on a copy, so retry and mirror are safe by construction.
 * (StreamInfo is the exception and the record: its flags and attempts only ever grow.)
 */
export type HttpFilter = (request: HttpRequest, stream: StreamInfo, next: Handler) => Promise<HttpResponse>;

/** Nests filters around a terminal handler, first filter outermost. Done once per snapshot, never per request. */
export const chain = (filters: readonly HttpFilter[], terminal: Handler): Handler =>
  filters.reduceRight<Handler>((next, filter) => (request, stream) => filter(request, stream, next), terminal);
