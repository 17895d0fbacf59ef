/** What follows a head. Pulling is the back-pressure; a body is read at most once. */

/** Chunks in order. `whole`, when present, is all of it: no need to iterate. */
export interface Body extends AsyncIterable<Uint8Array> {
  readonly whole?: Uint8Array;
  /** False while it is still arriving. */
  readonly ended?: boolean;
}

/** One hidden class for every body that is here already: the request path makes two of them. */
class WholeBody implements Body {
  readonly whole: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.whole = bytes;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    if (this.whole.length > 0) yield this.whole;
  }
}

/** A body that is here already. */
export const wholeBody = (bytes: Uint8Array): Body => new WholeBody(bytes);

/** No body at all. */
export const EMPTY_BODY: Body = wholeBody(new Uint8Array(0));

/** Text as a body, UTF-8. */
export const textBody = (text: string): Body => (text === '' ? EMPTY_BODY : wholeBody(new TextEncoder().encode(text)));
