import { expect, test } from 'vitest';
import { type Random, realRandom, seededRandom, seededStreams, seedFor } from './random.ts';

const draws = (random: Random, count = 5): number[] => Array.from({ length: count }, () => random.below(1000));

test('a stream is the same for the same seed and name, whatever else draws', () => {
  const calm = draws(seededRandom(7).stream('split:a'));
  const busy = seededRandom(7);
  const stream = busy.stream('split:a');
  const drawn = calm.map(() => {
    busy.float();
    busy.stream('split:b').float();
    return stream.below(1000);
  });
  expect(drawn).toEqual(calm);
});

test('another name or another seed is another sequence', () => {
  const all = [seededRandom(7).stream('a'), seededRandom(7).stream('b'), seededRandom(8).stream('a'), seededRandom(7)].map((random) =>
    draws(random).join(),
  );
  expect(new Set(all).size).toBe(4);
});

test('a stream goes on where it stands; a restarted one begins again', () => {
  const random = seededRandom(7);
  const all = draws(seededRandom(7).stream('a'), 10);
  expect([...draws(random.stream('a')), ...draws(random.stream('a'))]).toEqual(all);
  expect(draws(random.restarted('a'))).toEqual(all.slice(0, 5));
  expect(draws(random.restarted('a'))).toEqual(all.slice(0, 5));
});

test('neighbouring names and seeds have evenly spread beginnings', () => {
  const first = Array.from({ length: 2000 }, (_, n) => seededRandom(1).restarted(`pick:outbound|80||s-${n}`).float());
  const bySeed = Array.from({ length: 2000 }, (_, n) => seededRandom(seedFor(n, 'reviews')).float());
  for (const sample of [first, bySeed]) {
    const mean = sample.reduce((sum, x) => sum + x, 0) / sample.length;
    // Five standard deviations of the mean of 2000 uniform draws; the seeds are fixed.
    expect(Math.abs(mean - 0.5)).toBeLessThan((5 * Math.sqrt(1 / 12)) / Math.sqrt(2000));
  }
});

test('seeded streams leave chance itself alone', () => {
  expect(draws(seededStreams(7).stream('a'))).toEqual(draws(seededRandom(7).stream('a')));
  expect(draws(seededStreams(7)).join()).not.toBe(draws(seededStreams(7)).join());
  const real = realRandom();
  expect([real.stream('a'), real.restarted('a')]).toEqual([real, real]);
});
