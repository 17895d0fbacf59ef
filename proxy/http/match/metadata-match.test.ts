import { expect, it } from 'vitest';
import { MetadataMatcher } from '#envoy';
import { compileMetadataMatcher } from './metadata-match.ts';

const compile = (value: object, more: object = {}) =>
  compileMetadataMatcher(MetadataMatcher.fromJSON({ filter: 'f', path: [{ key: 'a' }, { key: 'b' }], value, ...more }));
const holding = (b: unknown) => ({ f: { a: { b } } });

it.each([
  [{ stringMatch: { exact: 'x' } }, 'x', true],
  [{ stringMatch: { exact: 'x' } }, ['x'], false],
  [{ listMatch: { oneOf: { stringMatch: { exact: 'x' } } } }, ['y', 'x'], true],
  [{ listMatch: { oneOf: { stringMatch: { exact: 'x' } } } }, 'x', false],
  [{ doubleMatch: { exact: 2 } }, 2, true],
  [{ doubleMatch: { range: { start: 1, end: 2 } } }, 2, false],
  [{ boolMatch: true }, true, true],
  [{ boolMatch: true }, 'true', false],
  [{ nullMatch: {} }, null, true],
  [{ presentMatch: true }, null, true],
  [{ presentMatch: true }, undefined, false],
  [{ orMatch: { valueMatchers: [{ stringMatch: { exact: 'x' } }, { boolMatch: false }] } }, false, true],
])('%j says of %j: %s', (value, found, expected) => {
  expect(compile(value)(found === undefined ? undefined : holding(found))).toBe(expected);
});

it('inverts, and takes what is not there for no match before that', () => {
  expect(compile({ stringMatch: { exact: 'x' } }, { invert: true })(undefined)).toBe(true);
  expect(compile({ stringMatch: { exact: 'x' } }, { invert: true })(holding('x'))).toBe(false);
});

it('finds nothing on prototypes', () => {
  const matcher = MetadataMatcher.fromJSON({ filter: 'f', path: [{ key: 'constructor' }, { key: 'name' }], value: { presentMatch: true } });
  expect(compileMetadataMatcher(matcher)({ f: {} })).toBe(false);
});

it('refuses what is incomplete, with its path', () => {
  expect(() => compile({})).toThrow('value.match_pattern');
  expect(() => compile({ orMatch: { valueMatchers: [] } })).toThrow('value.or_match.value_matchers');
  expect(() => compile({ presentMatch: true }, { path: [] })).toThrow('path');
});
