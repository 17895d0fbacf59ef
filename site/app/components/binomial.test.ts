import { expect, test } from 'vitest';
import { binomial, usualCounts } from './binomial.tsx';

test('chances of a count add up to one and have the published values', () => {
  expect(binomial(10, 0.1, 1)).toBeCloseTo(0.38742, 5);
  expect(binomial(10, 0.1, 0)).toBeCloseTo(0.34868, 5);
  const sum = Array.from({ length: 201 }, (_, k) => binomial(200, 0.1, k)).reduce((a, b) => a + b);
  expect(sum).toBeCloseTo(1, 9);
});

test('the usual counts hold nineteen tries of twenty', () => {
  expect(usualCounts(10, 0.1, 0.95)).toEqual([0, 3]);
  const [low, high] = usualCounts(200, 0.1, 0.95);
  expect([low, high]).toEqual([12, 28]);
});
