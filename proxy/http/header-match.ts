/**
 * HeaderMatcher → predicate over a head. A repeated field matches when one of its values does: values are never joined,
 * so that a second value can neither hide nor fake the first (CVE-2026-26308).
 */
import { ConfigError, inField, refuseUnsupported } from '#api/config-error.ts';
import type { HeaderMatcher } from '#envoy';
import type { HeaderMap } from './header-map.ts';
import { type HttpRequest, schemeOf } from './message.ts';
import { asBytes, compileBytes, compileRegex, type TextTest, testFor } from './string-match.ts';

/** Whether a request is meant. */
export type RequestTest = (request: HttpRequest) => boolean;

/** Whether a response's head is meant. */
export type HeadTest = (headers: HeaderMap, status: number) => boolean;

const PSEUDO: Readonly<Record<string, (request: HttpRequest) => string>> = {
  ':method': (request) => request.method,
  ':authority': (request) => request.authority,
  ':path': (request) => request.path,
  ':scheme': schemeOf,
  host: (request) => request.authority,
};

/** How a field is read that is no field of its own in a request here; undefined for all others. name: in lower case. */
export const pseudoField = (name: string): ((request: HttpRequest) => string) | undefined =>
  Object.hasOwn(PSEUDO, name) ? PSEUDO[name] : undefined;

interface ValueTest {
  readonly absent: boolean;
  readonly present: TextTest;
}

const anyText = (): boolean => true;

const rangeTest = (start: number, end: number): TextTest => {
  return (text) => /^[+-]?\d{1,15}$/.test(text) && Number(text) >= start && Number(text) < end;
};

const HOW = { exactMatch: 'exact', prefixMatch: 'prefix', suffixMatch: 'suffix', containsMatch: 'contains' } as const;

const textTest = (specifier: NonNullable<HeaderMatcher['headerMatchSpecifier']>): TextTest => {
  switch (specifier.$case) {
    case 'stringMatch':
      return inField('string_match', () => compileBytes(specifier.value));
    case 'safeRegexMatch':
      return inField('safe_regex_match', () => compileRegex({ ...specifier.value, regex: asBytes(specifier.value.regex) }));
    case 'exactMatch':
    case 'prefixMatch':
    case 'suffixMatch':
    case 'containsMatch':
      return testFor(HOW[specifier.$case], asBytes(specifier.value));
    case 'rangeMatch':
      return rangeTest(Number(specifier.value.start), Number(specifier.value.end));
    case 'presentMatch':
      return anyText;
  }
};

/** What the matcher says of a field that is there, and of one that is not; invert is applied by the caller to both. */
const valueTest = (matcher: HeaderMatcher): ValueTest & { readonly invert: boolean } => {
  const specifier = matcher.headerMatchSpecifier;
  if (specifier === undefined) return { present: anyText, absent: matcher.treatMissingHeaderAsEmpty, invert: matcher.invertMatch };
  if (specifier.$case === 'presentMatch') {
    return { present: anyText, absent: matcher.treatMissingHeaderAsEmpty, invert: matcher.invertMatch !== !specifier.value };
  }
  const present = textTest(specifier);
  return { present, absent: matcher.treatMissingHeaderAsEmpty && present(''), invert: matcher.invertMatch };
};

const isPresence = ({ headerMatchSpecifier: specifier }: HeaderMatcher): boolean =>
  specifier === undefined || specifier.$case === 'presentMatch';

/** A missing field fails a value test whether or not it is inverted, unless it counts as empty; presence tests invert as they read. */
const compileFields = (matcher: HeaderMatcher): ((headers: HeaderMap) => boolean) => {
  const { present, absent, invert } = valueTest(matcher);
  const name = matcher.name.toLowerCase();
  const whenMissing = isPresence(matcher) || matcher.treatMissingHeaderAsEmpty ? absent !== invert : false;
  return ({ flat }) => {
    let seen = false;
    for (let i = 0; i < flat.length; i += 2) {
      if (flat[i] !== name) continue;
      if (present(flat[i + 1] as string)) return !invert;
      seen = true;
    }
    return seen ? invert : whenMissing;
  };
};

const check = (matcher: HeaderMatcher): void => {
  refuseUnsupported(matcher, { read: ['name', 'headerMatchSpecifier', 'invertMatch', 'treatMissingHeaderAsEmpty'] });
  if (matcher.name === '') throw new ConfigError('name', 'must not be empty');
};

/** Throws ConfigError with a path relative to the matcher. */
export const compileHeaderMatcher = (matcher: HeaderMatcher): RequestTest => {
  check(matcher);
  const read = pseudoField(matcher.name.toLowerCase());
  if (read) {
    const { present, invert } = valueTest(matcher);
    return (request) => present(read(request)) !== invert;
  }
  const test = compileFields(matcher);
  return (request) => test(request.headers);
};

/** The same over a response, where `:status` is the only pseudo field. */
export const compileResponseMatcher = (matcher: HeaderMatcher): HeadTest => {
  check(matcher);
  if (matcher.name === ':status') {
    const { present, invert } = valueTest(matcher);
    return (_headers, status) => present(String(status)) !== invert;
  }
  const test = compileFields(matcher);
  return (headers) => test(headers);
};
