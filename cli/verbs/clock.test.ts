import { expect, test } from 'vitest';
import { durationText, readDuration } from './clock.ts';

test.each([
  ['30s', 30_000],
  ['5m', 300_000],
  ['12h', 43_200_000],
  ['2d', 172_800_000],
  ['1h30m', 5_400_000],
])('%s is %d ms', (text, ms) => {
  expect(readDuration(text)).toBe(ms);
});

test.each(['', '12', 'h', '-1h', '1.5h', '12 h', '366d', '0s', '999999d'])('“%s” is refused in words', (text) => {
  expect(() => readDuration(text)).toThrow(/write 30s|at least/);
});

test.each([
  [0, '0s'],
  [46_800_000, '13h'],
  [93_600_000, '1d 2h'],
  [93_661_000, '1d 2h'],
  [61_400, '1m 1s'],
])('%d ms are told as %s', (ms, text) => {
  expect(durationText(ms)).toBe(text);
});
