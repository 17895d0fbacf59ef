import { expect, test } from 'vitest';
import type { JwtRule } from '../../resources/security/request-authentication.ts';
import { claimHolds, routingClaim, textValue } from './claims.ts';
import { requestAuthentication } from './request-authentication.ts';
import { plain } from './said.fixture.ts';
import { wildcardMatcher } from './wildcards.ts';

const KEYS = '{"keys":[{"kty":"oct","k":"c2VjcmV0"}]}';
const filter = (rules: readonly JwtRule[], fetched?: string, routesByClaims = false) =>
  requestAuthentication({ rules, keysOf: () => fetched, routesByClaims }).map(plain)[0]?.config;

test('no rule, no filter', () => {
  expect(requestAuthentication({ rules: [], keysOf: () => undefined, routesByClaims: false })).toEqual([]);
});

test('one issuer: its token is valid or there is none; preflights pass', () => {
  const config = filter([{ issuer: 'i', jwks: KEYS }]);
  expect(config?.providers['origins-0']).toMatchObject({
    issuer: 'i',
    localJwks: { inlineString: KEYS },
    payloadInMetadata: 'payload',
    normalizePayloadInMetadata: { spaceDelimitedClaims: ['permission', 'scope'] },
  });
  expect(config?.providers['origins-0'].forward).toBeFalsy();
  expect(config?.rules).toMatchObject([
    { match: { prefix: '/' }, requires: { requiresAny: { requirements: [{ providerName: 'origins-0' }, { allowMissing: {} }] } } },
  ]);
  expect(config?.bypassCorsPreflight).toBe(true);
});

test('every field of an issuer', () => {
  const config = filter([
    {
      issuer: 'i',
      audiences: ['a', 'b'],
      jwks: KEYS,
      fromHeaders: [{ name: 'x-jwt', prefix: 'Tok ' }],
      fromParams: ['tok'],
      fromCookies: ['ck'],
      forwardOriginalToken: true,
      outputPayloadToHeader: 'x-payload',
      outputClaimToHeaders: [{ header: 'x-sub', claim: 'sub' }],
      spaceDelimitedClaims: ['roles', 'scope'],
    },
  ]);
  expect(config?.providers['origins-0']).toMatchObject({
    audiences: ['a', 'b'],
    fromHeaders: [{ name: 'x-jwt', valuePrefix: 'Tok ' }],
    fromParams: ['tok'],
    fromCookies: ['ck'],
    forward: true,
    forwardPayloadHeader: 'x-payload',
    claimToHeaders: [{ headerName: 'x-sub', claimName: 'sub' }],
    normalizePayloadInMetadata: { spaceDelimitedClaims: ['permission', 'roles', 'scope'] },
  });
});

test('several issuers, by name: one valid token is enough, and none may be there that is bad', () => {
  const config = filter([
    { issuer: 'z', jwks: KEYS },
    { issuer: 'a', jwks: KEYS },
  ]);
  expect(config?.providers['origins-0'].issuer).toBe('a');
  const alone = (name: string) => ({ requiresAny: { requirements: [{ providerName: name }, { allowMissing: {} }] } });
  expect(config?.rules[0].requires.requiresAny.requirements).toMatchObject([
    { providerName: 'origins-0' },
    { providerName: 'origins-1' },
    { requiresAll: { requirements: [alone('origins-0'), alone('origins-1')] } },
  ]);
});

test('keys that were fetched are taken; without any, every token is refused, by no key but by asking where nobody answers', () => {
  const provider = (fetched?: string, jwks?: string) =>
    filter([{ issuer: 'i', jwksUri: 'http://keys.example/jwks', ...(jwks && { jwks }) }], fetched)?.providers['origins-0'];
  expect(provider(KEYS).localJwks.inlineString).toBe(KEYS);
  for (const none of [provider(), provider(undefined, '{"keys":[]}'), provider(undefined, 'nonsense')]) {
    expect(none.localJwks).toBeUndefined();
    expect(none.remoteJwks.httpUri).toMatchObject({ uri: 'http://no-keys.invalid/', cluster: 'BlackHoleCluster', timeout: '1s' });
  }
});

test('a gateway looks its route up again once claims are known', () => {
  expect(filter([{ issuer: 'i', jwks: KEYS }], undefined, true)?.providers['origins-0'].clearRouteCache).toBe(true);
});

test.each([
  ['@request.auth.claims.groups', ['groups']],
  ['@request.auth.claims.a.b', ['a', 'b']],
  ['@request.auth.claims[a][b]', ['a', 'b']],
  ['@request.auth.claims[https://x.y/z]', ['https://x.y/z']],
  ['@Request.Auth.Claims.KEY', ['KEY']],
  ['@request.auth.claims', undefined],
  ['@request.auth.claims.', undefined],
  ['@request.auth.claims[]', undefined],
  ['@request.auth.claims-x', undefined],
  ['x-request.auth.claims.a', undefined],
])('%s is the claim %j', (header, claim) => {
  expect(routingClaim(header)).toEqual(claim);
});

test('a claim is a text, or a list that has it', () => {
  expect(claimHolds(['groups'], textValue(wildcardMatcher('admin')))).toMatchObject({
    filter: 'envoy.filters.http.jwt_authn',
    path: [{ segment: { value: 'payload' } }, { segment: { value: 'groups' } }],
    value: {
      matchPattern: {
        $case: 'orMatch',
        value: { valueMatchers: [{ matchPattern: { $case: 'listMatch' } }, { matchPattern: { $case: 'stringMatch' } }] },
      },
    },
  });
});
