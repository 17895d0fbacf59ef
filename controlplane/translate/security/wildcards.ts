/** Istio's wildcards (`exact`, `prefix*`, `*suffix`, `*`) → Envoy's matchers. Pure. Source: istio pilot/pkg/security/authz/matcher. */
import type { HeaderMatcher, StringMatcher } from '#envoy';

/** What stands in front of a workload's identity on the wire. */
const SPIFFE = 'spiffe://';

/** Text → a regular expression (RE2) that matches that text only. */
export const quoted = (text: string): string => text.replace(/[\\.+*?()|[\]{}^$]/g, '\\$&');

/** A whole match of an RE2 expression. */
export const regexMatcher = (regex: string): StringMatcher => ({
  matchPattern: { $case: 'safeRegex', value: { regex } },
  ignoreCase: false,
});

/** Anything but nothing. */
export const PRESENT = regexMatcher('.+');

/** `*` is a regular expression: Envoy takes no empty prefix. */
export const wildcardMatcher = (value: string): StringMatcher => (value === '*' ? PRESENT : textMatcher(value, false));

/** A principal without its scheme, as policies write it. A suffix becomes a regular expression that starts at the scheme, so that it also holds on TCP. */
export const principalMatcher = (value: string): StringMatcher => {
  if (value === '*') return PRESENT;
  if (value.startsWith('*')) return regexMatcher(`${SPIFFE}.*${quoted(value.slice(1))}`);
  return textMatcher(`${SPIFFE}${value}`, false);
};

/** A value of one header; `*` asks only for its presence. */
export const headerMatcher = (name: string, value: string, letters: 'case counts' | 'any case' = 'case counts'): HeaderMatcher => ({
  name,
  headerMatchSpecifier:
    value === '*' ? { $case: 'presentMatch', value: true } : { $case: 'stringMatch', value: textMatcher(value, letters === 'any case') },
  invertMatch: false,
  treatMissingHeaderAsEmpty: false,
});

/** Any pattern but `*`. */
export const textMatcher = (value: string, ignoreCase: boolean): StringMatcher => ({ matchPattern: patternOf(value), ignoreCase });

const patternOf = (value: string): NonNullable<StringMatcher['matchPattern']> => {
  if (value.startsWith('*')) return { $case: 'suffix', value: value.slice(1) };
  if (value.endsWith('*')) return { $case: 'prefix', value: value.slice(0, -1) };
  return { $case: 'exact', value };
};
