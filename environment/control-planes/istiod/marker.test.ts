import { expect, test } from 'vitest';
import { markerHost, stateIn } from './marker.ts';

test('a page that names several states shows the newest', () => {
  expect(stateIn(`"${markerHost(9)}" "${markerHost(10)}:15999"`)).toBe(10);
});

test('a page without a state shows none', () => {
  expect(stateIn('{}')).toBe(0);
});
