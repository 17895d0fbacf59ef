import { expect, test } from 'vitest';
import { behaviours, coverageTable } from './behaviours.ts';

test('every behaviour has a case or says why not, and stands here once', () => {
  expect(behaviours.filter(({ cases, open }) => (cases.length === 0) === (open === undefined))).toEqual([]);
  expect(new Set(behaviours.map(({ id }) => id)).size).toBe(behaviours.length);
});

test('the table ends with what is proved and what is open', () => {
  expect(coverageTable().split('\n').at(-1)).toMatch(/^\d+ behaviours proved, \d+ open, \d+ cases beyond the catalogue$/);
});
