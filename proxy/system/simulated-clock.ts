/** Time that stands still until somebody advances it. */
import { type Cancel, type Clock, clockFrom } from './clock.ts';

/** setImmediate runs after every microtask and nextTick that is due, and in-memory streams use nothing else; the rest is margin. */
const SETTLE_TURNS = 4;

interface Timer {
  readonly due: number;
  readonly order: number;
  readonly fire: () => void;
}

/** Waits until nothing more can happen without time passing. Real I/O (files, imports) is not waited for. */
export const settle = async (): Promise<void> => {
  for (let turn = 0; turn < SETTLE_TURNS; turn++) await new Promise((resolve) => setImmediate(resolve));
};

/** A clock under the caller's control. */
export interface SimulatedClock extends Clock {
  /** Lets `ms` pass: fires what falls due, in order, and returns when all that followed from it has happened. Calls must not overlap. */
  advance(ms: number): Promise<void>;
  /** When the next timer is due; undefined when nothing waits. */
  nextDueMs(): number | undefined;
}

/** startsAtWallMs: wall time at monotonic zero. */
export const simulatedClock = (startsAtWallMs = Date.UTC(2026, 0, 1)): SimulatedClock => {
  let now = 0;
  let count = 0;
  const timers = new Set<Timer>();
  const earliest = (): Timer | undefined => {
    let first: Timer | undefined;
    for (const timer of timers)
      if (!first || timer.due < first.due || (timer.due === first.due && timer.order < first.order)) first = timer;
    return first;
  };
  const after = (ms: number, fire: () => void): Cancel => {
    const timer = { due: now + Math.max(0, ms), order: count++, fire };
    timers.add(timer);
    return () => void timers.delete(timer);
  };
  const advance = async (ms: number): Promise<void> => {
    const until = now + ms;
    await settle();
    for (let timer = earliest(); timer && timer.due <= until; timer = earliest()) {
      timers.delete(timer);
      now = timer.due;
      timer.fire();
      await settle();
    }
    now = until;
  };
  const clock = clockFrom({ nowMs: () => now, wallTimeMs: () => startsAtWallMs + now, after });
  return { ...clock, advance, nextDueMs: () => earliest()?.due };
};
