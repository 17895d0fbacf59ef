/** Claims of a verified token, where policies and routes look for them: in the stream's metadata. Pure. */
import type { MetadataMatcher, StringMatcher, ValueMatcher } from '#envoy';

/** Whose metadata it is. */
export const JWT_FILTER = 'envoy.filters.http.jwt_authn';

/** The key under which the whole payload stands. */
export const PAYLOAD = 'payload';

/** A value of any kind that is such a text. */
export const textValue = (matcher: StringMatcher): ValueMatcher => ({ matchPattern: { $case: 'stringMatch', value: matcher } });

/** One of several; a single one stands for itself. */
export const anyValue = (matchers: readonly ValueMatcher[]): ValueMatcher =>
  matchers.length === 1 && matchers[0] ? matchers[0] : { matchPattern: { $case: 'orMatch', value: { valueMatchers: [...matchers] } } };

/** A claim that is a text. path: names from the payload's top inwards. */
export const claimIs = (path: readonly string[], value: ValueMatcher): MetadataMatcher => ({
  filter: JWT_FILTER,
  path: [PAYLOAD, ...path].map((key) => ({ segment: { $case: 'key', value: key } })),
  value,
  invert: false,
});

/** A claim that is a text, or a list with such a text in it. */
export const claimHolds = (path: readonly string[], value: ValueMatcher): MetadataMatcher =>
  claimIs(path, anyValue([{ matchPattern: { $case: 'listMatch', value: { matchPattern: { $case: 'oneOf', value } } } }, value]));

/** `[a][b]` → a, b. Undefined when it is not in brackets. Source: istio extractNameInNestedBrackets. */
export const bracketed = (text: string): string[] | undefined => {
  if (/^(?:\[[^[\]]*\])+$/.test(text)) return text.slice(1, -1).split('][');
  return text.startsWith('[') && text.endsWith(']') && text.length > 1 ? [text.slice(1, -1)] : undefined;
};

const ROUTING = '@request.auth.claims';

/** A VirtualService's header name that means a claim: `@request.auth.claims.a.b` or `@request.auth.claims[a][b]` → a, b. Undefined: an ordinary header. */
export const routingClaim = (header: string): string[] | undefined => {
  if (!header.toLowerCase().startsWith(ROUTING)) return undefined;
  const rest = header.slice(ROUTING.length);
  if (rest.startsWith('.') && rest.length > 1) return rest.slice(1).split('.');
  return rest.startsWith('[') && rest.endsWith(']') && rest.length > 2 ? rest.slice(1, -1).split('][') : undefined;
};
