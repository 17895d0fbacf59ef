/** Waits for quiet before a push, so that many changes make one. Source of the defaults: istio PILOT_DEBOUNCE_AFTER and PILOT_DEBOUNCE_MAX. */
import type { Cancel, Clock } from '#system/clock.ts';

/** How long changes must pause, and how long a push may be put off at most. */
export interface PushDelays {
  readonly quietMs: number;
  readonly longestMs: number;
}

/** Istio's. */
export const DEFAULT_PUSH_DELAYS: PushDelays = { quietMs: 100, longestMs: 10_000 };

/** At most one push waits at any time. */
export class PushQueue {
  readonly #clock: Clock;
  readonly #push: () => void;
  readonly #delays: PushDelays;
  #cancel: Cancel = () => {};
  #since: number | undefined;

  constructor(clock: Clock, push: () => void, delays: PushDelays = DEFAULT_PUSH_DELAYS) {
    this.#clock = clock;
    this.#push = push;
    this.#delays = delays;
  }

  /** True while a change has not been pushed yet. */
  get pending(): boolean {
    return this.#since !== undefined;
  }

  /** Something changed: push when it is quiet. */
  request(): void {
    const now = this.#clock.nowMs();
    this.#since ??= now;
    this.#cancel();
    const waitMs = Math.min(this.#delays.quietMs, this.#since + this.#delays.longestMs - now);
    this.#cancel = this.#clock.after(Math.max(0, waitMs), () => {
      this.#since = undefined;
      this.#push();
    });
  }

  /** Forgets what waits. */
  close(): void {
    this.#cancel();
    this.#since = undefined;
  }
}
