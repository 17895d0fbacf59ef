/** What a policy says about the caller → Envoy principals. Pure. Source: istio pilot/pkg/security/authz/model. */
import type { CidrRange, Principal, StringMatcher, ValueMatcher } from '#envoy';
import { type Attribute, each, type Logic } from './attribute.ts';
import { anyValue, bracketed, claimHolds, claimIs, textValue } from './claims.ts';
import { rangeOf } from './ranges.ts';
import { allAliases, withAliases } from './trust-domains.ts';
import { headerMatcher, PRESENT, principalMatcher, quoted, regexMatcher, textMatcher, wildcardMatcher } from './wildcards.ts';

/** How principals combine. */
export const PRINCIPALS: Logic<Principal> = {
  anything: { identifier: { $case: 'any', value: true } },
  and: (ids) => ({ identifier: { $case: 'andIds', value: { ids: [...ids] } } }),
  or: (ids) => ({ identifier: { $case: 'orIds', value: { ids: [...ids] } } }),
  not: (id) => ({ identifier: { $case: 'notId', value: id } }),
};

/** What a policy's words mean where it stands. trustDomains: the mesh's own first, then its aliases. */
export interface PolicyScope {
  readonly namespace: string;
  readonly trustDomains: readonly string[];
}

const authenticated = (principalName: StringMatcher): Principal => ({ identifier: { $case: 'authenticated', value: { principalName } } });

const eachAuthenticated = (matcher: (value: string) => StringMatcher): Attribute<Principal>['any'] =>
  each(PRINCIPALS, (value) => authenticated(matcher(value)));

const ranges = (of: (range: CidrRange) => Principal['identifier']): Attribute<Principal> => ({
  http: false,
  any: each(PRINCIPALS, (value) => {
    const range = rangeOf(value);
    return range && { identifier: of(range) };
  }),
});

const namespaceMatcher = (value: string): StringMatcher => regexMatcher(`.*/ns/${value.split('*').map(quoted).join('.*')}/.*`);

/** `NAMESPACE/ACCOUNT`, or an account of the policy's own namespace. */
const accountMatcher = (value: string, own: string): StringMatcher => {
  const slash = value.indexOf('/');
  const [namespace, account] = slash < 0 ? [own, value] : [value.slice(0, slash), value.slice(slash + 1)];
  return regexMatcher(`spiffe://.+/ns/${quoted(namespace)}/(.+/|)sa/${quoted(account)}(/.+)?`);
};

const trustDomainMatcher = (value: string): StringMatcher => {
  if (value === '*') return textMatcher('spiffe://*', false);
  if (!value.includes('*')) return textMatcher(`spiffe://${value}/*`, false);
  const [head = '', ...tail] = value.split('*');
  return regexMatcher(`spiffe://${quoted(head)}[^/]*${quoted(tail.join('*'))}/.*`);
};

/** `ISSUER/SUBJECT`: the issuer may be a URL, so the last slash divides. */
const requestPrincipal = (value: string): Principal => {
  const [issuer, subject] = issuerAndSubject(value);
  const claims = [claimIs(['iss'], textValue(issuer)), claimIs(['sub'], textValue(subject))];
  return PRINCIPALS.and(claims.map((claim) => ({ identifier: { $case: 'metadata', value: claim } })));
};

const issuerAndSubject = (value: string): readonly [StringMatcher, StringMatcher] => {
  const exact = (text: string): StringMatcher => ({ matchPattern: { $case: 'exact', value: text }, ignoreCase: false });
  const slash = value.lastIndexOf('/');
  const [issuer, subject] = slash < 0 ? [value, ''] : [value.slice(0, slash), value.slice(slash + 1)];
  if (value === '*') return [PRESENT, PRESENT];
  if (value.startsWith('*')) return slash < 0 ? [PRESENT, textMatcher(value, false)] : [wildcardMatcher(issuer), exact(subject)];
  if (value.endsWith('*')) return slash < 0 ? [textMatcher(value, false), PRESENT] : [exact(issuer), wildcardMatcher(subject)];
  return [exact(issuer), exact(subject)];
};

/** A single one stands for itself: Istio's shape for what is looked up in a token. */
const requestPrincipals: Attribute<Principal>['any'] = (values) => {
  const nodes = values.map(requestPrincipal);
  return { node: nodes.length === 1 ? nodes[0] : PRINCIPALS.or(nodes), whole: true };
};

/** A claim of the token that is or holds one of the values. */
const inToken = (path: readonly string[]): Attribute<Principal> => ({
  http: true,
  any: (values) => ({ node: { identifier: { $case: 'metadata', value: claimHolds(path, oneOfTexts(values)) } }, whole: true }),
});

const oneOfTexts = (values: readonly string[]): ValueMatcher => anyValue(values.map((value) => textValue(wildcardMatcher(value))));

/** Fields of a source by name; `when` knows them by other names. */
export const sourceAttributes = ({ namespace, trustDomains }: PolicyScope) =>
  ({
    principals: { http: false, any: (values) => eachAuthenticated(principalMatcher)(withAliases(values, trustDomains)) },
    requestPrincipals: { http: true, any: requestPrincipals },
    serviceAccounts: { http: false, any: eachAuthenticated((value) => accountMatcher(value, namespace)) },
    trustDomains: { http: false, any: (values) => eachAuthenticated(trustDomainMatcher)(allAliases(values, trustDomains)) },
    namespaces: { http: false, any: eachAuthenticated(namespaceMatcher) },
    remoteIpBlocks: ranges((range) => ({ $case: 'remoteIp', value: range })),
    ipBlocks: ranges((range) => ({ $case: 'directRemoteIp', value: range })),
  }) as const satisfies Record<string, Attribute<Principal>>;

/** `when` key → field of a source. */
const AS_SOURCE = {
  'source.principal': 'principals',
  'request.auth.principal': 'requestPrincipals',
  'source.serviceAccount': 'serviceAccounts',
  'source.trustDomain': 'trustDomains',
  'source.namespace': 'namespaces',
  'remote.ip': 'remoteIpBlocks',
  'source.ip': 'ipBlocks',
} as const;

const HEADERS = 'request.headers';
const CLAIMS = 'request.auth.claims';

/** Conditions about the caller and its token, by key. Undefined: no such key. */
export const callerCondition = (key: string, scope: PolicyScope): Attribute<Principal> | undefined => {
  if (Object.hasOwn(AS_SOURCE, key)) return sourceAttributes(scope)[AS_SOURCE[key as keyof typeof AS_SOURCE]];
  if (key === 'request.auth.audiences') return inToken(['aud']);
  if (key === 'request.auth.presenter') return inToken(['azp']);
  if (key.startsWith(CLAIMS)) {
    const path = bracketed(key.slice(CLAIMS.length));
    return path && inToken(path);
  }
  const header = key.startsWith(HEADERS) ? bracketed(key.slice(HEADERS.length)) : undefined;
  return header?.length === 1 && header[0] ? requestHeader(header[0]) : undefined;
};

const requestHeader = (name: string): Attribute<Principal> => ({
  http: true,
  any: each(PRINCIPALS, (value) => ({ identifier: { $case: 'header', value: headerMatcher(name, value) } })),
});
