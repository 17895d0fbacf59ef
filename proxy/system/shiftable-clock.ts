/**
 * Real time with an offset that somebody may raise, as after a laptop's sleep: half a day passes at once, and what fell due in it fires once, in order.
 * Its timers are its own, since the machine's would not notice. For meshes in which people want to see what takes hours.
 */
import { type Cancel, type Clock, clockFrom } from './clock.ts';

/** A clock that can be put forward. */
export interface ShiftableClock extends Clock {
  /** How far it is ahead of the machine's, milliseconds. */
  readonly aheadMs: number;
  /** Puts it forward, and fires every timer that fell due within this call. */
  shift(ms: number): void;
}

interface Timer {
  readonly due: number;
  readonly order: number;
  readonly fire: () => void;
}

/** Longest that setTimeout can wait. */
const LONGEST_WAIT_MS = 2_147_483_647;

const earlier = (a: Timer, b: Timer): boolean => a.due < b.due || (a.due === b.due && a.order < b.order);

/** A list in order of time. Insertion is by halves: a busy proxy has thousands. */
class TimerQueue {
  readonly #timers: Timer[] = [];

  get first(): Timer | undefined {
    return this.#timers[0];
  }

  add(timer: Timer): void {
    this.#timers.splice(this.#placeOf(timer), 0, timer);
  }

  remove(timer: Timer): void {
    const place = this.#placeOf(timer);
    if (this.#timers[place] === timer) this.#timers.splice(place, 1);
  }

  #placeOf(timer: Timer): number {
    let low = 0;
    let high = this.#timers.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (earlier(this.#timers[middle] as Timer, timer)) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** startAheadMs: how far it is ahead of the machine's from the start. */
export const shiftableClock = (startAheadMs = 0): ShiftableClock => {
  let aheadMs = startAheadMs;
  let order = 0;
  let armed: NodeJS.Timeout | undefined;
  const queue = new TimerQueue();
  const nowMs = (): number => performance.now() + aheadMs;
  const fireDue = (): void => {
    const now = nowMs();
    for (let timer = queue.first; timer && timer.due <= now; timer = queue.first) {
      queue.remove(timer);
      timer.fire();
    }
    arm();
  };
  const arm = (): void => {
    clearTimeout(armed);
    const next = queue.first;
    if (next === undefined) return;
    armed = setTimeout(fireDue, Math.min(LONGEST_WAIT_MS, Math.max(0, next.due - nowMs())));
    armed.unref();
  };
  const after = (ms: number, fire: () => void): Cancel => {
    const timer = { due: nowMs() + Math.max(0, ms), order: order++, fire };
    queue.add(timer);
    if (queue.first === timer) arm();
    return () => queue.remove(timer);
  };
  return {
    ...clockFrom({ nowMs, wallTimeMs: () => Date.now() + aheadMs, after }),
    get aheadMs() {
      return aheadMs;
    },
    shift: (ms) => {
      aheadMs += ms;
      fireDue();
    },
  };
};
