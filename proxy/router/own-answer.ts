/** Answers that a route gives without upstream, and the edits that a route makes to answers given in its name. */
import { wholeBody } from '../http/body.ts';
import type { Handler } from '../http/filter.ts';
import { HeaderMap } from '../http/header-map.ts';
import { isGrpc, localReply } from '../http/local-reply.ts';
import { type HttpRequest, NO_TRAILERS } from '../http/message.ts';
import { StreamError } from '../http/stream-error.ts';
import type { StreamInfo } from '../http/stream-info.ts';

/** Changes a draft of fields in place. */
type HeaderEdit = (draft: string[], request: HttpRequest, stream: StreamInfo) => void;

interface OwnAnswer {
  readonly status: number;
  readonly body: Uint8Array;
  readonly location?: (request: HttpRequest) => string;
}

/** A direct response, or a redirect. gRPC clients are told in their own way. */
export const ownAnswer = (answer: OwnAnswer, edits: readonly HeaderEdit[]): Handler => {
  const body = wholeBody(answer.body);
  const text = new TextDecoder('latin1').decode(answer.body);
  const length = String(answer.body.length);
  return (request, stream) => {
    stream.codeDetails = 'direct_response';
    const draft: string[] = [];
    if (answer.location) draft.push('location', answer.location(request));
    for (const edit of edits) edit(draft, request, stream);
    const headers = new HeaderMap(draft);
    if (isGrpc(request)) {
      const error = new StreamError('NR', { status: answer.status, text, codeDetails: stream.codeDetails, headers: [...headers] });
      return Promise.resolve(localReply(error, request));
    }
    if (length !== '0') {
      draft.push('content-length', length);
      if (!headers.has('content-type')) draft.push('content-type', 'text/plain');
    }
    return Promise.resolve({ status: answer.status, headers: new HeaderMap(draft), body, trailers: NO_TRAILERS });
  };
};

/** Response edits reach local replies too: of the router and of the filters before it. (Envoy 1.40) */
export const withReplyEdits =
  (walk: Handler, edits: readonly HeaderEdit[]): Handler =>
  async (request, stream) => {
    try {
      return await walk(request, stream);
    } catch (error) {
      if (!(error instanceof StreamError)) throw error;
      // Edits may tell of it.
      stream.codeDetails = error.codeDetails;
      if (error.flagged) stream.flags.add(error.flag);
      const draft: string[] = [];
      for (const edit of edits) edit(draft, request, stream);
      for (const [name, value] of error.headers) draft.push(name, value);
      throw error.with({ headers: [...new HeaderMap(draft)] });
    }
  };
