/** What follows a head. Pulling is the back-pressure; a body is read at most once. */

/** Chunks in order. `whole`, when present, is all of it: no need to iterate. */
export interface Body extends AsyncIterable<Uint8Array> {
  readonly whole?: Uint8Array;
}

/** A body that is here already. */
export const wholeBody = (bytes: Uint8Array): Body => ({
  whole: bytes,
  async *[Symbol.asyncIterator]() {
    if (bytes.length > 0) yield bytes;
  },
});

/** No body at all. */
export const EMPTY_BODY: Body = wholeBody(new Uint8Array(0));

/** Text as a body, UTF-8. */
export const textBody = (text: string): Body => (text === '' ? EMPTY_BODY : wholeBody(new TextEncoder().encode(text)));
