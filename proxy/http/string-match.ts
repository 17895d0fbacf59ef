/** StringMatcher and RegexMatcher → predicates. A pattern that backtracking could blow up runs on RE2; the rest on the engine's own. */
import { RE2JS } from 're2js';
import { ConfigError, inField, refuseUnsupported } from '#api/config-error.ts';
import type { RegexMatcher, StringMatcher } from '#envoy';

/** Whether a text is meant. */
export type TextTest = (text: string) => boolean;

/**
 * Atoms without groups or alternatives, and at most one unbounded repeat: such a pattern, anchored at both ends, is matched in linear time
 * by any engine, and means the same in RE2 and here.
 */
const ATOM = String.raw`(?:[A-Za-z0-9_\-/ ,=@~%&;:!"'#<>]|\\[.\-/+*?()[\]{}^$|dw]|\.|\[\^?[A-Za-z0-9_./ -]+\])`;
const SIMPLE = new RegExp(`^(?:${ATOM}(?:\\?|\\{\\d{1,2}\\})?)*(?:${ATOM}[*+])?(?:${ATOM}(?:\\{\\d{1,2}\\})?)*$`);

/** A dot that stands for anything, or what a dot may be part of without standing for anything. */
const DOT = /\\.|\[\^?[^\]]+\]|\./g;

/** Istio's bound; RE2 itself is bounded by the size of its program. */
const LONGEST_REGEX = 1_024;

/** Whether a pattern occurs anywhere in a text, in time that is linear in the text. Throws Error when RE2 does not know the pattern. */
export const compileSearch = (pattern: string): TextTest => {
  const compiled = RE2JS.compile(pattern);
  return (text) => compiled.matcher(text).find();
};

/** Full match, as Envoy's regex matchers mean it. Throws ConfigError for a pattern that RE2 does not know. */
export const compileRegex = (matcher: RegexMatcher): TextTest => {
  if (matcher.regex === '') throw new ConfigError('regex', 'must not be empty');
  if (matcher.regex.length > LONGEST_REGEX) throw new ConfigError('regex', `is longer than ${LONGEST_REGEX} characters`);
  try {
    if (SIMPLE.test(matcher.regex)) {
      // RE2's dot is anything but a line feed; the engine's own also leaves out other line ends, which claims of a token may hold.
      const native = new RegExp(`^(?:${matcher.regex.replaceAll(DOT, (part) => (part === '.' ? '[^\\n]' : part))})$`);
      return (text) => native.test(text);
    }
    const compiled = RE2JS.compile(matcher.regex);
    return (text) => compiled.matches(text);
  } catch (cause) {
    throw new ConfigError('regex', cause instanceof Error ? cause.message : String(cause), { cause });
  }
};

/** A substitution's literal text and group numbers: `\\` is a backslash, `\1` a group, `\0` the whole match. */
const partsOf = (substitution: string, groups: number): (string | number)[] =>
  (substitution.match(/[^\\]+|\\.?/gs) ?? []).map((part) => {
    if (!part.startsWith('\\')) return part;
    if (part === '\\\\') return '\\';
    if (!/^\\\d$/.test(part)) throw new ConfigError('substitution', `${part} is neither a group nor a backslash`);
    const group = Number(part.slice(1));
    if (group > groups) throw new ConfigError('substitution', `${part} names a group that the pattern does not have`);
    return group;
  });

/** Replaces every match; `\1` names a group. Throws ConfigError as compileRegex does. */
export const compileReplace = (matcher: RegexMatcher | undefined, substitution: string): ((text: string) => string) => {
  if (!matcher || matcher.regex === '') throw new ConfigError('pattern.regex', 'must not be empty');
  try {
    const compiled = RE2JS.compile(asBytes(matcher.regex));
    const parts = partsOf(asBytes(substitution), compiled.groupCount());
    return (text) => {
      const matcher = compiled.matcher(text);
      let replaced = '';
      let last = 0;
      while (matcher.find()) {
        replaced += text.slice(last, matcher.start());
        for (const part of parts) replaced += typeof part === 'string' ? part : (matcher.group(part) ?? '');
        last = matcher.end();
      }
      return replaced + text.slice(last);
    };
  } catch (cause) {
    if (cause instanceof ConfigError) throw cause;
    throw new ConfigError('pattern.regex', cause instanceof Error ? cause.message : String(cause), { cause });
  }
};

const ASCII = /^[\0-\x7f]*$/;

/** Letters of ASCII alone have a case, as in Envoy: bytes beyond are parts of letters, and U+212A is no k. */
const lower = (text: string): string =>
  ASCII.test(text) ? text.toLowerCase() : text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());

/** Throws ConfigError with a path relative to the matcher. */
export const compileString = (matcher: StringMatcher): TextTest => {
  refuseUnsupported(matcher, { read: ['matchPattern', 'ignoreCase'] });
  const pattern = matcher.matchPattern;
  if (!pattern) throw new ConfigError('match_pattern', 'is required');
  if (pattern.$case === 'safeRegex') return inField('safe_regex', () => compileRegex(pattern.value));
  if (pattern.$case === 'custom') throw new ConfigError('custom', 'not supported by this proxy');
  const test = testFor(pattern.$case, matcher.ignoreCase ? lower(pattern.value) : pattern.value);
  return matcher.ignoreCase ? (text) => test(lower(text)) : test;
};

/** As configured → as it travels: configuration is Unicode, a field's or path's text here has one character for each byte of its UTF-8. */
export const asBytes = (text: string): string => (ASCII.test(text) ? text : Buffer.from(text, 'utf8').toString('latin1'));

/** The same for what travels: fields and paths. */
export const compileBytes = (matcher: StringMatcher): TextTest => {
  const pattern = matcher.matchPattern;
  if (pattern === undefined || pattern.$case === 'custom') return compileString(matcher);
  if (pattern.$case !== 'safeRegex') return compileString({ ...matcher, matchPattern: { ...pattern, value: asBytes(pattern.value) } });
  const value = { ...pattern.value, regex: asBytes(pattern.value.regex) };
  return compileString({ ...matcher, matchPattern: { $case: 'safeRegex', value } });
};

/** Where in a text the wanted one has to be. */
export const testFor = (how: 'exact' | 'prefix' | 'suffix' | 'contains', wanted: string): TextTest => {
  switch (how) {
    case 'exact':
      return (text) => text === wanted;
    case 'prefix':
      return (text) => text.startsWith(wanted);
    case 'suffix':
      return (text) => text.endsWith(wanted);
    case 'contains':
      return (text) => text.includes(wanted);
  }
};
