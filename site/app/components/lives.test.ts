import { expect, test } from 'vitest';
import { rememberLives, renewalOf, spanOf } from './lives.ts';

const life = (holder: string, serial: string, issuedAtMs: number) => ({
  ...{ holder, serial, issuedAtMs, notAfterMs: issuedAtMs + 100, identity: '', rotations: 0, authority: 'a' },
});

test('a life seen before is no news; a new one of the same holder stands after it', () => {
  const first = [life('reviews', '1', 0)];
  expect(rememberLives(first, first)).toBe(first);
  expect(rememberLives(first, [life('reviews', '2', 60)]).map(({ serial }) => serial)).toEqual(['1', '2']);
});

test('only the last four lives of each holder are kept', () => {
  let seen = rememberLives([], [life('ratings', 'r', 0)]);
  for (let i = 0; i < 9; i++) seen = rememberLives(seen, [life('reviews', String(i), i * 50)]);
  expect(seen.filter(({ holder }) => holder === 'reviews').map(({ serial }) => serial)).toEqual(['5', '6', '7', '8']);
  expect(seen.some(({ holder }) => holder === 'ratings')).toBe(true);
});

test('the line of time holds every life and now, and half of a life is when it is renewed', () => {
  const lives = [life('reviews', '1', 0), life('ratings', '2', 50)];
  const [from, to] = spanOf(lives, 500);
  expect(from).toBeLessThan(0);
  expect(to).toBeGreaterThan(500);
  expect(renewalOf(life('reviews', '1', 0))).toBe(50);
});
