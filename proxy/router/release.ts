/** Answers that nobody will read. */
import type { HttpResponse } from '../http/message.ts';

/** Gives up a response: its connection is closed unless the body is here already. */
export const release = (response: HttpResponse): void => {
  response.upgraded?.destroy();
  if (response.body.whole !== undefined) return;
  // Nobody reads it, so nobody minds how it ends.
  response.body[Symbol.asyncIterator]()
    .return?.()
    .catch(() => {});
};

/** Reads a response to its end and forgets it, so that its connection can be used again. */
export const drain = async (response: HttpResponse): Promise<void> => {
  response.upgraded?.destroy();
  if (response.body.whole !== undefined) return;
  for await (const _chunk of response.body);
};
