/**
 * The time after a start in which proxies of an earlier life come back. Workloads are known by their streams: whoever were answered first
 * would lose the endpoints of all who are still on their way, and traffic with them. A control plane that kept its state needs none of this.
 */
import type { Clock } from '#system/clock.ts';
import { PushQueue } from './push-queue.ts';

/** A returning proxy tries again within 0.5 s, then 1 s, 2 s …; quiet for this long, those who noticed the restart are back. */
const QUIET_MS = 2_000;
/** Nobody waits longer than this after the start. */
const LONGEST_MS = 15_000;

/** Over once and for all when the returning proxies have gone quiet. */
export class Settling {
  readonly #clock: Clock;
  #endsAtMs: number;
  readonly #queue: PushQueue;
  readonly #waiting: (() => void)[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#endsAtMs = clock.nowMs() + LONGEST_MS;
    this.#queue = new PushQueue(clock, () => this.#release(), { quietMs: QUIET_MS, longestMs: LONGEST_MS });
  }

  /** Calls `resume` when the mesh is complete; at once when it already is. */
  whenOver(resume: () => void): void {
    if (this.#clock.nowMs() >= this.#endsAtMs) {
      resume();
      return;
    }
    this.#waiting.push(resume);
    this.#queue.request();
  }

  /** Nothing has to be waited for. */
  end(): void {
    this.#endsAtMs = this.#clock.nowMs();
    this.#release();
  }

  /** Forgets who waits. */
  close(): void {
    this.#waiting.length = 0;
    this.#queue.close();
  }

  #release(): void {
    for (const resume of this.#waiting.splice(0)) resume();
  }
}
