import { expect, test } from 'vitest';
import { bandAt, runningShare } from './band.ts';

test('the band closes in on the weight as the root of the number of requests', () => {
  const width = (n: number) => bandAt(n, 0.1)[1] - bandAt(n, 0.1)[0];
  expect(width(400) / width(100)).toBeCloseTo(0.5, 1);
  const [low, high] = bandAt(3_000, 0.1);
  expect([low, high].map((share) => Math.round(share * 1_000) / 1_000)).toEqual([0.09, 0.111]);
});

test('with few requests it is wide, and never leaves 0 to 1', () => {
  expect(bandAt(0, 0.1)).toEqual([0, 1]);
  for (const n of [1, 2, 5, 10]) {
    const [low, high] = bandAt(n, 0.1);
    expect([low >= 0, high <= 1, low < 0.1, high > 0.1]).toEqual([true, true, true, true]);
  }
});

test('the line goes on where earlier rounds ended', () => {
  expect(runningShare([true, false], { n: 8, hits: 0 })).toEqual([
    { n: 9, share: 1 / 9 },
    { n: 10, share: 0.1 },
  ]);
  const many = runningShare(Array.from({ length: 3_000 }, (_, index) => index % 10 === 0));
  expect([many.length <= 401, many.at(-1)?.n, many.at(-1)?.share]).toEqual([true, 3_000, 0.1]);
});
