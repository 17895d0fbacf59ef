import { expect, test } from 'vitest';
import { shiftableClock } from './shiftable-clock.ts';

const HOUR_MS = 3_600_000;

test('a shift moves both times ahead and fires what fell due, in order, once', () => {
  const clock = shiftableClock();
  const before = { now: clock.nowMs(), wall: clock.wallTimeMs() };
  const fired: string[] = [];
  clock.after(2 * HOUR_MS, () => fired.push('two'));
  clock.after(HOUR_MS, () => fired.push('one'));
  clock.after(3 * HOUR_MS, () => fired.push('three'));
  clock.shift(2.5 * HOUR_MS);
  expect(fired).toEqual(['one', 'two']);
  expect(clock.nowMs() - before.now).toBeGreaterThanOrEqual(2.5 * HOUR_MS);
  expect(clock.wallTimeMs() - before.wall).toBeGreaterThanOrEqual(2.5 * HOUR_MS);
  expect(clock.aheadMs).toBe(2.5 * HOUR_MS);
});

test('a ticking timer ticks once for a long shift, not once for each missed tick', () => {
  const clock = shiftableClock();
  const over = new AbortController();
  let ticks = 0;
  clock.every(1000, () => ticks++, over.signal);
  clock.shift(HOUR_MS);
  over.abort();
  expect(ticks).toBe(1);
});

test('a cancelled timer does not fire, whatever stands beside it', () => {
  const clock = shiftableClock();
  const fired: number[] = [];
  const cancels = [1, 2, 3].map((name) => clock.after(HOUR_MS, () => fired.push(name)));
  cancels[1]?.();
  cancels[1]?.();
  clock.shift(HOUR_MS);
  expect(fired).toEqual([1, 3]);
});

test('without a shift it is the machine’s time', async () => {
  const clock = shiftableClock();
  const started = performance.now();
  await clock.sleep(20);
  expect(performance.now() - started).toBeGreaterThanOrEqual(19);
});
