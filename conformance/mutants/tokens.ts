/** Switched-on bugs of what is believed of tokens. */
import type { Mutant } from './mutant.ts';

const PROVIDER = 'proxy/filters/jwt/provider.ts';
const TRANSLATION = 'controlplane/translate/security/request-authentication.ts';
const CALLERS = 'controlplane/translate/security/principals.ts';

/** In the order of their names. */
export const TOKEN_MUTANTS: readonly Mutant[] = [
  {
    id: 'MUT-CLAIM-HEADER-KEPT',
    wrong: 'a client may write the fields that tell claims',
    file: PROVIDER,
    find: 'for (const name of own) removeIn(flat, name);',
    replace: '',
  },
  {
    id: 'MUT-CLAIM-LIST-FIRST-ONLY',
    wrong: 'of a claim that is a list only the first value counts',
    file: 'proxy/http/match/metadata-match.ts',
    find: 'Array.isArray(value) && value.some(test)',
    replace: 'Array.isArray(value) && value.slice(0, 1).some(test)',
  },
  {
    id: 'MUT-JWT-AUDIENCE-IGNORED',
    wrong: 'a token for somebody else is as good',
    file: PROVIDER,
    find: "if (!own(token.audiences)) return 'audience';",
    replace: '',
  },
  {
    id: 'MUT-JWT-COOKIES-IGNORED',
    wrong: 'tokens in cookies are not found',
    file: TRANSLATION,
    find: 'fromCookies: [...(rule.fromCookies ?? [])],',
    replace: '',
  },
  {
    id: 'MUT-JWT-DEFAULT-PLACES-KEPT',
    wrong: 'the usual places count beside those that were named',
    file: 'proxy/filters/jwt/locations.ts',
    find: 'return places.length > 0 ? places : DEFAULT;',
    replace: 'return [...places, ...DEFAULT];',
  },
  {
    id: 'MUT-JWT-EXPIRY-IGNORED',
    wrong: 'a token is good for ever',
    file: PROVIDER,
    find: "if (expiresAt !== undefined && nowSeconds > expiresAt + skew) return 'expired';",
    replace: '',
  },
  {
    id: 'MUT-JWT-FIRST-KEY-ONLY',
    wrong: 'of several keys only the first is tried',
    file: 'proxy/filters/jwt/key-set.ts',
    find: 'for (const key of keys) {',
    replace: 'for (const key of keys.slice(0, 1)) {',
  },
  {
    id: 'MUT-JWT-ISSUER-IGNORED',
    wrong: 'a token of any issuer is good when a known key signed it',
    file: PROVIDER,
    find: "return found.allows(token.issuer) ? token : 'issuer';",
    replace: 'return token;',
  },
  {
    id: 'MUT-JWT-MISSING-REFUSED',
    wrong: 'a request without a token is refused as one with a bad token is',
    file: TRANSLATION,
    find: "any([provider(name), { requiresType: { $case: 'allowMissing', value: {} } }])",
    replace: 'provider(name)',
  },
  {
    id: 'MUT-JWT-NOT-BEFORE-IGNORED',
    wrong: 'a token is good before its time',
    file: PROVIDER,
    find: "if (notBefore !== undefined && nowSeconds + skew < notBefore) return 'early';",
    replace: '',
  },
  {
    id: 'MUT-JWT-SIGNATURE-IGNORED',
    wrong: 'whoever signed it, a token is good',
    file: PROVIDER,
    find: 'const failure = signatureFailure(token, set);',
    replace: 'const failure = undefined;',
  },
  {
    id: 'MUT-JWT-WITHOUT-KEYS-BELIEVED',
    wrong: 'while there are no keys, tokens are believed',
    file: PROVIDER,
    find: "if (!set) return 'fetch';",
    replace: 'if (!set) return undefined;',
  },
  {
    id: 'MUT-REQUEST-PRINCIPAL-IGNORED',
    wrong: 'every request has the principal that was meant',
    file: CALLERS,
    find: "return PRINCIPALS.and(claims.map((claim) => ({ identifier: { $case: 'metadata', value: claim } })));",
    replace: 'return PRINCIPALS.anything;',
  },
  {
    id: 'MUT-REQUEST-PRINCIPAL-ISSUER-ONLY',
    wrong: 'the subject is no part of a request principal',
    file: CALLERS,
    find: ", claimIs(['sub'], textValue(subject))];",
    replace: '];',
  },
  {
    id: 'MUT-TOKEN-FORWARDED',
    wrong: 'the program sees the token',
    file: PROVIDER,
    find: 'if (!message.forward) found.removeFrom(draft);',
    replace: '',
  },
  {
    id: 'MUT-TOKEN-NEVER-FORWARDED',
    wrong: 'the program does not see the token even when it was asked for',
    file: TRANSLATION,
    find: 'forward: rule.forwardOriginalToken === true,',
    replace: 'forward: false,',
  },
];
