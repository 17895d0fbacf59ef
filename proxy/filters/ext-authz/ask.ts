/** The seam between the filter and the ways to ask an authorizer. */
import type { HttpRequest } from '../../http/message.ts';
import type { StreamInfo } from '../../http/stream-info.ts';
import type { ReadAhead } from './request-body.ts';
import type { AuthzVerdict } from './verdict.ts';

/** One request that is to be allowed or not. body: what was read of it, where the authorizer wants it. */
export interface Question {
  readonly request: HttpRequest;
  readonly stream: StreamInfo;
  readonly body: Pick<ReadAhead, 'bytes' | 'isPartial'> | undefined;
}

/** Rejects when there is no answer. */
export type Ask = (question: Question) => Promise<AuthzVerdict>;
