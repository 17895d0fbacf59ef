/** What a RequestAuthentication must obey beyond its shape. Messages follow istioctl validate. Source: istio pkg/config/validation validateJwtRule. */
import { checkDuration, fail } from '../../checks.ts';
import type { Complaint } from '../../problem.ts';
import type { JwtRule, RequestAuthenticationSpec } from '../../security/request-authentication.ts';
import { checkSelection } from './selection.ts';

/** Paths in the complaints start at `spec`. */
export const validateRequestAuthentication = (spec: RequestAuthenticationSpec): readonly Complaint[] => [
  ...checkSelection(spec),
  ...(spec.jwtRules ?? []).flatMap((rule, index) => checkRule(rule, `spec.jwtRules[${index}]`)),
];

const checkRule = (rule: JwtRule, path: string): Complaint[] => {
  const { issuer, jwks, jwksUri, fromHeaders = [], outputClaimToHeaders = [], outputPayloadToHeader } = rule;
  const listed = [
    ...nonEmpty(rule.audiences, `${path}.audiences`, 'audience must be non-empty string'),
    ...nonEmpty(rule.fromParams, `${path}.fromParams`, 'location query must be non-empty string'),
    ...nonEmpty(rule.fromCookies, `${path}.fromCookies`, 'cookie name must be non-empty string'),
  ];
  const headers = [
    ...fromHeaders.flatMap(({ name = '' }, index) => checkHeader(name, `${path}.fromHeaders[${index}]`, 'location header')),
    ...outputClaimToHeaders.flatMap(({ header = '', claim = '' }, index) => [
      ...checkHeader(header, `${path}.outputClaimToHeaders[${index}]`, 'outputClaimToHeaders header'),
      ...(claim === ''
        ? [fail(`${path}.outputClaimToHeaders[${index}]`, 'outputClaimToHeaders claim value must be non-empty string')]
        : []),
    ]),
    ...(outputPayloadToHeader ? checkHeader(outputPayloadToHeader, `${path}.outputPayloadToHeader`, 'outputPayloadToHeader') : []),
  ];
  const complaints = [...listed, ...headers, ...checkDuration(rule.timeout, `${path}.timeout`)];
  if (!issuer) complaints.push(fail(issuer === undefined ? path : `${path}.issuer`, 'issuer must be set'));
  if (jwks && jwksUri) complaints.push(fail(path, 'only one of jwks and jwksUri may be set'));
  const noKeys = jwks ? keysFault(jwks) : undefined;
  if (noKeys !== undefined) complaints.push(fail(`${path}.jwks`, `jwks parse error: ${noKeys}`));
  const noAddress = jwksUri ? addressFault(jwksUri) : undefined;
  if (noAddress !== undefined) complaints.push(fail(`${path}.jwksUri`, noAddress));
  return complaints;
};

const nonEmpty = (values: readonly string[] | undefined, path: string, message: string): Complaint[] =>
  (values ?? []).flatMap((value, index) => (value === '' ? [fail(`${path}[${index}]`, message)] : []));

/** Letters of a header's name. Source: RFC 9110 token. */
const TOKEN = /^[\w!#$%&'*+.^`|~-]{1,256}$/;

const checkHeader = (name: string, path: string, what: string): Complaint[] => {
  if (name === '') return [fail(path, `${what} name must be non-empty string`)];
  return TOKEN.test(name) ? [] : [fail(path, `${what} name "${name.slice(0, 80)}" is not a header's name`)];
};

const keysFault = (jwks: string): string | undefined => {
  let read: unknown;
  try {
    read = JSON.parse(jwks);
  } catch {
    return 'failed to unmarshal JWK set: not JSON';
  }
  const set = read as { readonly keys?: unknown; readonly kty?: unknown } | null;
  if (typeof set !== 'object' || set === null || Array.isArray(set)) return 'failed to unmarshal JWK set: not an object';
  const keys = 'keys' in set ? set.keys : [set];
  if (!Array.isArray(keys)) return 'failed to unmarshal JWK set: `keys` is not a list';
  const isKey = (key: unknown): boolean => typeof key === 'object' && key !== null && typeof (key as { kty?: unknown }).kty === 'string';
  return keys.every(isKey) ? undefined : 'failed to unmarshal JWK set: a key without a type (kty)';
};

const addressFault = (uri: string): string | undefined => {
  if (uri.length > 2048) return 'longer than 2048 characters';
  const url = URL.canParse(uri) ? new URL(uri) : undefined;
  return url && ['http:', 'https:'].includes(url.protocol)
    ? undefined
    : `URI scheme is not supported: "${uri.slice(0, 100)}" is no http or https address`;
};
