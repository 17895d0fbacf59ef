import { describe, expect, it } from 'vitest';
import { HeaderMatcher } from '#envoy';
import { EMPTY_BODY } from './body.ts';
import { HeaderMap } from './header-map.ts';
import { compileHeaderMatcher } from './header-match.ts';
import { type HttpRequest, NO_TRAILERS } from './message.ts';

const request = (...pairs: [string, string][]): HttpRequest => ({
  method: 'GET',
  scheme: 'http',
  authority: 'reviews:9080',
  path: '/reviews/0?x=1',
  headers: HeaderMap.of(...pairs),
  body: EMPTY_BODY,
  trailers: NO_TRAILERS,
});

const matches = (matcher: object, ...pairs: [string, string][]): boolean =>
  compileHeaderMatcher(HeaderMatcher.fromJSON(matcher))(request(...pairs));

describe('header matcher', () => {
  it('sees each value of a repeated field, so that a second value cannot hide the first', () => {
    const admin = { name: 'x-role', stringMatch: { exact: 'admin' } };
    expect(matches(admin, ['x-role', 'user'], ['x-role', 'admin'])).toBe(true);
    expect(matches(admin, ['x-role', 'user,admin'])).toBe(false);
  });

  it('never joins the values of a repeated field', () => {
    expect(matches({ name: 'x-h', stringMatch: { exact: 'a,b' } }, ['x-h', 'a'], ['x-h', 'b'])).toBe(false);
  });

  it('inverted fails as soon as one value matches', () => {
    const inverted = { name: 'x-h', stringMatch: { exact: 'b' }, invertMatch: true };
    expect(matches(inverted, ['x-h', 'a'], ['x-h', 'b'])).toBe(false);
    expect(matches(inverted, ['x-h', 'a'], ['x-h', 'c'])).toBe(true);
  });

  it('fails for an absent field even when inverted, unless absent counts as empty', () => {
    const inverted = { name: 'x-h', stringMatch: { exact: 'b' }, invertMatch: true };
    expect(matches(inverted)).toBe(false);
    expect(matches({ ...inverted, treatMissingHeaderAsEmpty: true })).toBe(true);
  });

  it.each([
    [{ presentMatch: true }, true, false],
    [{ presentMatch: false }, false, true],
    [{ presentMatch: true, invertMatch: true }, false, true],
    [{}, true, false],
  ])('presence %j is %s with the field and %s without', (specifier, withField, without) => {
    expect(matches({ name: 'x-h', ...specifier }, ['x-h', ''])).toBe(withField);
    expect(matches({ name: 'x-h', ...specifier })).toBe(without);
  });

  it.each(['exact', 'prefix', 'suffix', 'contains'])('finds configured text beyond ASCII (%s) by its bytes, as it travels', (how) => {
    const cafe = { name: 'x-h', stringMatch: { [how]: 'café' } };
    expect(matches(cafe, ['x-h', 'caf\xc3\xa9'])).toBe(true);
    expect(matches(cafe, ['x-h', 'caf\xe9'])).toBe(false);
    expect(matches({ name: 'x-h', [`${how}Match`]: 'café' }, ['x-h', 'caf\xc3\xa9'])).toBe(true);
  });

  it('takes each byte for a character in a regex', () => {
    const two = { name: 'x-h', stringMatch: { safeRegex: { regex: 'é|..!' } } };
    expect(matches(two, ['x-h', '\xc3\xa9'])).toBe(true);
    expect(matches(two, ['x-h', '\xff\xfe!'])).toBe(true);
    expect(matches(two, ['x-h', '\xe9'])).toBe(false);
  });

  it('ignores the case of letters of ASCII, and of no bytes beyond', () => {
    const word = { name: 'x-h', stringMatch: { exact: 'KÉ', ignoreCase: true } };
    expect(matches(word, ['x-h', 'k\xc3\x89'])).toBe(true);
    expect(matches(word, ['x-h', 'k\xc3\xa9'])).toBe(false);
    expect(matches(word, ['x-h', 'k\xe3\x89'])).toBe(false);
  });

  it('matches whole values by regex, also where backtracking would never end', () => {
    const evil = { name: 'x-h', stringMatch: { safeRegex: { regex: '(a+)+b' } } };
    expect(matches(evil, ['x-h', 'a'.repeat(5000)])).toBe(false);
    expect(matches(evil, ['x-h', 'aab'])).toBe(true);
    expect(matches({ name: 'x-h', stringMatch: { safeRegex: { regex: 'v[0-9]' } } }, ['x-h', 'v1x'])).toBe(false);
  });

  it('reads ranges as half open and only of whole numbers', () => {
    const range = { name: 'x-n', rangeMatch: { start: '5', end: '7' } };
    expect(['4', '5', '6', '7', '5.5', 'x'].map((value) => matches(range, ['x-n', value]))).toEqual([
      false,
      true,
      true,
      false,
      false,
      false,
    ]);
  });

  it('takes an absent field for present when absent counts as empty', () => {
    const presence = { name: 'x-a', treat_missing_header_as_empty: true };
    expect(matches({ ...presence, present_match: true })).toBe(true);
    expect(matches({ ...presence, present_match: false })).toBe(false);
    expect(matches({ ...presence, invert_match: true })).toBe(false);
  });

  it('knows pseudo fields, and host as the authority', () => {
    expect(matches({ name: ':method', stringMatch: { exact: 'GET' } })).toBe(true);
    expect(matches({ name: 'host', stringMatch: { prefix: 'reviews' } })).toBe(true);
    expect(matches({ name: ':path', stringMatch: { suffix: '?x=1' } })).toBe(true);
  });

  it('treats __proto__ as a name like any other', () => {
    expect(matches({ name: '__proto__', presentMatch: true })).toBe(false);
    expect(matches({ name: '__proto__', presentMatch: true }, ['__proto__', 'x'])).toBe(true);
  });

  it('refuses a pattern that RE2 does not know, with its path', () => {
    expect(() => matches({ name: 'x', stringMatch: { safeRegex: { regex: '(?=a)' } } })).toThrow(/^string_match\.safe_regex\.regex: /);
  });
});
