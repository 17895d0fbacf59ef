/** A body that can be sent more than once: what was read is kept, up to a limit. */
import { type Body, wholeBody } from '../http/body.ts';
import { StreamError } from '../http/stream-error.ts';

/** A source that several readers share, each from its start. */
export interface ReplayableBody {
  /** The body from its first byte. */
  again(): Body;
  /** False once the limit was passed: the start is gone. */
  readonly canReplay: boolean;
}

/** LIVING STATE of one shared body. Reading is serialized: readers who are ahead wait for the same chunk. */
class SharedBody implements ReplayableBody {
  readonly #source: Body;
  readonly #pieces: AsyncIterator<Uint8Array>;
  readonly #limit: number;
  #kept: Uint8Array[] = [];
  #dropped = 0;
  #bytes = 0;
  #reading: Promise<boolean> | undefined;
  #ended = false;
  canReplay = true;

  constructor(source: Body, limit: number) {
    this.#source = source;
    this.#pieces = source[Symbol.asyncIterator]();
    this.#limit = limit;
  }

  again(): Body {
    const ended = () => this.#ended || this.#source.ended !== false;
    return {
      get ended() {
        return ended();
      },
      [Symbol.asyncIterator]: () => this.#readFrom(),
    };
  }

  async *#readFrom(): AsyncGenerator<Uint8Array> {
    for (let index = 0; ; index++) {
      if (index < this.#dropped) throw new StreamError('LR', { codeDetails: 'request_body_not_replayable' });
      while (index >= this.#dropped + this.#kept.length) if (!(await this.#more())) return;
      const chunk = this.#kept[index - this.#dropped];
      if (chunk) yield chunk;
    }
  }

  #more(): Promise<boolean> {
    this.#reading ??= this.#read().finally(() => {
      this.#reading = undefined;
    });
    return this.#reading;
  }

  /** Whether one more chunk was read. */
  async #read(): Promise<boolean> {
    if (this.#ended) return false;
    const { done, value } = await this.#pieces.next();
    if (done) {
      this.#ended = true;
      return false;
    }
    this.#bytes += value.length;
    if (this.#bytes > this.#limit) {
      this.canReplay = false;
      this.#dropped += this.#kept.length;
      this.#kept = [];
    }
    this.#kept.push(value);
    return true;
  }
}

/** limit: bytes kept at most. A body that is here whole can be read again whatever its size, but counts as too large for a retry beyond the limit, as in Envoy. */
export const replayable = (body: Body, limit: number): ReplayableBody => {
  const { whole } = body;
  if (whole !== undefined) return { again: () => wholeBody(whole), canReplay: whole.length <= limit };
  return new SharedBody(body, limit);
};
