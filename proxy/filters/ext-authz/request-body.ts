/** The first part of a request's body, read ahead for an authorizer; the request keeps all of it. */
import { type Body, wholeBody } from '../../http/body.ts';
import type { HttpRequest } from '../../http/message.ts';
import { StreamError } from '../../http/stream-error.ts';

/** How much is read. */
export interface BodyRules {
  readonly maxBytes: number;
  /** Whether a longer body is cut for the authorizer; otherwise it is refused. */
  readonly mayBePartial: boolean;
  readonly asBytes: boolean;
}

/** What was read, and the request that still has everything. */
export interface ReadAhead {
  readonly bytes: Buffer;
  readonly isPartial: boolean;
  readonly request: HttpRequest;
}

const TOO_LARGE = new StreamError('UAEX', {
  status: 413,
  text: 'Payload Too Large',
  codeDetails: 'request_payload_too_large',
  flagged: false,
});

async function* joined(first: Uint8Array, rest: AsyncIterator<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    yield first;
    for (;;) {
      const { done, value } = await rest.next();
      if (done) return;
      yield value;
    }
  } finally {
    await rest.return?.();
  }
}

/** Rejects with StreamError when the body is too long, or breaks. */
export const readAhead = async (request: HttpRequest, { maxBytes, mayBePartial }: BodyRules): Promise<ReadAhead> => {
  const source = request.body[Symbol.asyncIterator]();
  const parts: Uint8Array[] = [];
  let length = 0;
  // What only just fits need not be all of it.
  while (mayBePartial ? length < maxBytes : length <= maxBytes) {
    const { done, value } = await source.next();
    if (done) {
      const bytes = Buffer.concat(parts);
      return { bytes, isPartial: false, request: { ...request, body: wholeBody(bytes) } };
    }
    parts.push(value);
    length += value.length;
  }
  if (!mayBePartial) {
    await source.return?.();
    throw TOO_LARGE;
  }
  const bytes = Buffer.concat(parts);
  const body: Body = { [Symbol.asyncIterator]: () => joined(bytes, source) };
  return { bytes: bytes.subarray(0, maxBytes), isPartial: true, request: { ...request, body } };
};
