import { expect, test } from 'vitest';
import { leavingOf, raceOf, tapeOf } from './race.ts';

const tape = tapeOf(240);
const lanes = new Map(raceOf(tape).map((lane) => [lane.name, lane]));
const lane = (name: string) => {
  const found = lanes.get(name);
  if (found === undefined) throw new Error(`no lane ${name}`);
  return found;
};

test('every algorithm serves the same tape, and a second race is the same', () => {
  for (const { runs } of lanes.values()) expect(runs.map(({ fromMs }) => fromMs)).toEqual(tape.map(({ atMs }) => atMs));
  expect(raceOf(tape).map(({ worstMs }) => worstMs)).toEqual([...lanes.values()].map(({ worstMs }) => worstMs));
});

test('round robin gives the slow host its full turn, least request spares it', () => {
  const atSlow = (name: string) => lane(name).runs.filter(({ host }) => host === 3).length;
  expect(atSlow('ROUND_ROBIN')).toBe(60);
  expect(atSlow('LEAST_REQUEST')).toBeLessThan(40);
  expect(lane('LEAST_REQUEST').worstMs).toBeLessThan(lane('ROUND_ROBIN').worstMs / 3);
  expect(lane('ROUND_ROBIN').longestQueue).toBeGreaterThan(lane('LEAST_REQUEST').longestQueue);
});

test('with the ring each user stays with one host, with the others hardly anybody does', () => {
  expect(lane('consistentHash').faithful).toBe(24);
  expect(lane('ROUND_ROBIN').faithful).toBeLessThan(3);
});

test('when a host leaves, its own users move, and of the others few: fewer hosts have more places each', () => {
  const { before, after, moved, movedFromLeaver } = leavingOf(1_000);
  expect(before.reduce((sum, count) => sum + count, 0)).toBe(1_000);
  expect([after[3], movedFromLeaver]).toEqual([0, before[3]]);
  expect(moved - movedFromLeaver).toBeLessThan(200);
});
