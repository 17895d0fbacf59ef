/** A body that is still arriving: filled by a codec, pulled by whoever reads it. */
import type { Body } from '../http/body.ts';
import { HeaderMap } from '../http/header-map.ts';

const HIGH_WATER = 65_536;

/** What the body asks of its connection. */
export interface BodySource {
  resume(): void;
  /** The reader went away before the end. */
  abandoned(): void;
  /** Nothing is held any more of a body that has come to its end. */
  drained?(): void;
}

/** Single reader. `push` says whether the source may go on. */
export class IncomingBody implements Body, AsyncIterator<Uint8Array> {
  readonly trailers: Promise<HeaderMap>;
  readonly #source: BodySource;
  readonly #queue: Uint8Array[] = [];
  #held = 0;
  #state: 'open' | 'ended' | 'failed' = 'open';
  #error: unknown;
  #waiting: { resolve: (result: IteratorResult<Uint8Array>) => void; reject: (error: unknown) => void } | undefined;
  #giveTrailers: (trailers: HeaderMap) => void = () => {};

  constructor(source: BodySource) {
    this.#source = source;
    this.trailers = new Promise((resolve) => {
      this.#giveTrailers = resolve;
    });
  }

  get ended(): boolean {
    return this.#state !== 'open';
  }

  push(chunk: Uint8Array): boolean {
    const waiting = this.#waiting;
    if (waiting) {
      this.#waiting = undefined;
      waiting.resolve({ done: false, value: chunk });
      return true;
    }
    this.#queue.push(chunk);
    this.#held += chunk.length;
    return this.#held < HIGH_WATER;
  }

  end(trailers: HeaderMap): void {
    if (this.#state !== 'open') return;
    this.#state = 'ended';
    this.#giveTrailers(trailers);
    this.#waiting?.resolve({ done: true, value: undefined });
    this.#waiting = undefined;
  }

  fail(error: unknown): void {
    if (this.#state !== 'open') return;
    this.#state = 'failed';
    this.#error = error;
    this.#giveTrailers(HeaderMap.EMPTY);
    this.#waiting?.reject(error);
    this.#waiting = undefined;
  }

  [Symbol.asyncIterator](): AsyncIterator<Uint8Array> {
    return this;
  }

  next(): Promise<IteratorResult<Uint8Array>> {
    const chunk = this.#queue.shift();
    if (chunk !== undefined) {
      this.#held -= chunk.length;
      if (this.#queue.length === 0) {
        if (this.#state === 'open') this.#source.resume();
        else this.#source.drained?.();
      }
      return Promise.resolve({ done: false, value: chunk });
    }
    if (this.#state === 'ended') return Promise.resolve({ done: true, value: undefined });
    if (this.#state === 'failed') return Promise.reject(this.#error);
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
      this.#source.resume();
    });
  }

  return(): Promise<IteratorResult<Uint8Array>> {
    this.#queue.length = 0;
    if (this.#state === 'open') this.#source.abandoned();
    else this.#source.drained?.();
    return Promise.resolve({ done: true, value: undefined });
  }
}
