import { expect, test } from 'vitest';
import { behaviours, coverageTable } from './behaviours.ts';
import { CASE_IDS } from './registry.ts';

test('every behaviour has a case or says why not, and stands here once', () => {
  expect(behaviours.filter(({ cases, open }) => (cases.length === 0) === (open === undefined))).toEqual([]);
  expect(new Set(behaviours.map(({ id }) => id)).size).toBe(behaviours.length);
});

test('every case proves a documented behaviour', () => {
  const proving = new Set<string>(behaviours.flatMap(({ cases }) => cases));
  expect(CASE_IDS.filter((id) => !proving.has(id))).toEqual([]);
});

test('the table ends with what is proved and what is open', () => {
  expect(coverageTable().split('\n').at(-1)).toMatch(/^\d+ behaviours proved, \d+ open$/);
});
