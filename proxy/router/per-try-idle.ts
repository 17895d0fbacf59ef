/** A try in which upstream says nothing for too long: before the head it counts as a try that failed, after it the exchange is reset. */
import type { Cancel, Clock } from '#system/clock.ts';
import type { Body } from '../http/body.ts';
import type { HttpFilter } from '../http/filter.ts';
import type { HttpResponse } from '../http/message.ts';
import { release } from './release.ts';
import { ScopedStream } from './scoped-stream.ts';
import { type TimeoutRoom, timedOut } from './timeout.ts';

/** LIVING STATE of one wait: one timer, moved only when it fires. */
class Silence {
  readonly #clock: Clock;
  readonly #ms: number;
  readonly #tooLong: () => void;
  #sinceMs: number;
  #cancel: Cancel = () => {};

  constructor(clock: Clock, ms: number, tooLong: () => void) {
    this.#clock = clock;
    this.#ms = ms;
    this.#tooLong = tooLong;
    this.#sinceMs = clock.nowMs();
    this.#wait(ms);
  }

  broken(): void {
    this.#sinceMs = this.#clock.nowMs();
  }

  stop(): void {
    this.#cancel();
  }

  #wait(ms: number): void {
    this.#cancel = this.#clock.after(ms, () => {
      const left = this.#sinceMs + this.#ms - this.#clock.nowMs();
      if (left > 0) this.#wait(left);
      else this.#tooLong();
    });
  }
}

/** The same body; heard: called for each piece, ended: when there are no more, or nobody wants more. */
const listened = (body: Body, heard: () => void, ended: () => void): Body => {
  const source = body[Symbol.asyncIterator]();
  const iterator: AsyncIterator<Uint8Array> = {
    next: async () => {
      const piece = await source.next();
      if (piece.done) ended();
      else heard();
      return piece;
    },
    return: async () => {
      ended();
      await source.return?.();
      return { done: true, value: undefined };
    },
  };
  return {
    get ended() {
      return body.ended ?? true;
    },
    [Symbol.asyncIterator]: () => iterator,
  };
};

/** ms: how long upstream may be silent. Source: RetryPolicy.per_try_idle_timeout. */
export const perTryIdleTimeout = (ms: number, { clock, count, told }: TimeoutRoom): HttpFilter => {
  const error = () => timedOut(told, 'upstream_per_try_idle_timeout');
  return (request, stream, next) =>
    new Promise((resolve, reject) => {
      const controller = new AbortController();
      const outer = stream.signal;
      let settled = false;
      const silence = new Silence(clock, ms, () => {
        count();
        const expired = error();
        controller.abort(expired);
        if (!settled) reject(expired);
        settled = true;
      });
      const abort = () => controller.abort(outer.reason);
      const stop = () => {
        silence.stop();
        outer.removeEventListener('abort', abort);
      };
      outer.addEventListener('abort', abort, { once: true });
      const begun = (response: HttpResponse): HttpResponse => {
        silence.broken();
        stream.onDone(stop);
        if (response.body.whole !== undefined) silence.stop();
        return response.body.whole === undefined
          ? {
              ...response,
              body: listened(
                response.body,
                () => silence.broken(),
                () => silence.stop(),
              ),
            }
          : response;
      };
      next(request, new ScopedStream(stream, controller.signal)).then(
        (response) => {
          if (settled) return release(response);
          settled = true;
          resolve(begun(response));
        },
        (failure: unknown) => {
          stop();
          if (!settled) reject(failure);
          settled = true;
        },
      );
    });
};
