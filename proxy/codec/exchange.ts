/** One request and its answer on a server connection. */
import type { ServedStream } from '../http/serve.ts';
import type { RequestHead } from './request-head.ts';

/** What one exchange needs while it is under way. */
export interface Exchange {
  readonly stream: ServedStream;
  readonly head: RequestHead;
  headSent: boolean;
  responseDone: boolean;
  received: number;
  sent: number;
  status: number;
}
