/** One request and its answer on a server connection. */
import type { ServedStream } from '../http/serve.ts';
import type { RequestHead } from './request-head.ts';

/** Nothing of the answer is sent yet. body: what came of the request's body together with its head. */
export const newExchange = (stream: ServedStream, head: RequestHead, body: readonly Uint8Array[]): Exchange => ({
  stream,
  head,
  headSent: false,
  responseDone: false,
  received: body.reduce((sum, chunk) => sum + chunk.length, 0),
  sent: 0,
  status: 0,
});

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
