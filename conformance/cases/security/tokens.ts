/** RequestAuthentication: which tokens are believed, what is told of them, and what a request without one may do. */
import { badTokens, type TestIssuer, testIssuer } from '../../corpus/tokens.ts';
import { type Ask, type ConformanceCase, defineCase, type MeshUnderTest } from '../../define-case.ts';
import { expectContains, expectEqual, expectThat, Mismatch } from '../../expect.ts';
import { askReviews, expectAllowed, expectDenied, reviewsPolicy } from './policies.ts';

const SOURCE = 'Istio RequestAuthentication';
const ISSUER = 'https://issuer.example';

/** A RequestAuthentication for reviews; rule: further fields of its only jwtRule, not indented. */
const requestAuthentication = ({ issuer, jwks }: TestIssuer, rule = ''): string => `
apiVersion: security.istio.io/v1
kind: RequestAuthentication
metadata:
  name: under-test
  namespace: default
spec:
  selector: { matchLabels: { app: reviews } }
  jwtRules:
  - issuer: ${issuer}
    jwks: '${jwks}'
${rule.trim().replace(/^(?=.)/gm, '    ')}
`;

const bearer = (token: string): Partial<Ask> => ({ headers: { Authorization: `Bearer ${token}` } });

const headersSeen = (body: string): ReadonlyMap<string, string> =>
  new Map((JSON.parse(body).headers as [string, string][]).map(([name, value]) => [name.toLowerCase(), value]));

/** The cases make their keys when they run: their configuration is theirs to apply. */
const withIssuer =
  (run: (mesh: MeshUnderTest, issuer: TestIssuer) => Promise<void>, rule = '') =>
  async (mesh: MeshUnderTest): Promise<void> => {
    const issuer = testIssuer(ISSUER, mesh.wallTimeMs);
    await mesh.apply(requestAuthentication(issuer, rule));
    await run(mesh, issuer);
  };

const REQUIRE_TOKEN = reviewsPolicy('action: ALLOW\nrules: [{ from: [{ source: { requestPrincipals: ["*"] } }] }]');

/** SEC-JWT-001 to 014. */
export const requestTokens: readonly ConformanceCase[] = [
  defineCase({
    id: 'SEC-JWT-001',
    claim: 'A good token is believed, and taken away before the program sees it; a request without one passes as well.',
    source: `${SOURCE}: missing tokens are allowed; forwardOriginalToken false`,
    profile: 'core',
    apply: '',
    killedBy: ['MUT-TOKEN-FORWARDED', 'MUT-JWT-MISSING-REFUSED'],
    labs: [],
    run: withIssuer(async (mesh, issuer) => {
      const answer = await expectAllowed(mesh, 'a good token', bearer(issuer.token()));
      expectEqual('authorization that the program sees', headersSeen(answer.body).get('authorization'), undefined);
      await expectAllowed(mesh, 'no token');
    }),
  }),
  defineCase({
    id: 'SEC-JWT-002',
    claim: 'Of all the ways to forge, twist or outlive a token none is believed: each is 401.',
    source: 'the RFC section of each row',
    profile: 'core',
    apply: '',
    killedBy: ['MUT-JWT-EXPIRY-IGNORED', 'MUT-JWT-NOT-BEFORE-IGNORED', 'MUT-JWT-ISSUER-IGNORED', 'MUT-JWT-SIGNATURE-IGNORED'],
    labs: [],
    run: withIssuer(async (mesh, issuer) => {
      const wrong: string[] = [];
      for (const { id, source, token, isTakenByEnvoy = false } of badTokens(issuer, mesh.wallTimeMs)) {
        const { status } = await askReviews(mesh, bearer(token));
        const right = isTakenByEnvoy && mesh.dataPlane === 'envoy' ? 200 : 401;
        if (status !== right) wrong.push(`${id} (${source}): ${status}`);
      }
      if (wrong.length > 0) throw new Mismatch('bad tokens', 'each of them 401', wrong.join('; '));
      await expectAllowed(mesh, 'a good token after all of them', bearer(issuer.token()));
    }),
  }),
  defineCase({
    id: 'SEC-JWT-003',
    claim: 'Each refusal says what was wrong, in Envoy’s words, and challenges with the realm that was asked for.',
    source: 'Envoy jwt_authn: status texts; RFC 6750 3',
    profile: 'core',
    apply: '',
    killedBy: [],
    labs: [],
    run: withIssuer(async (mesh, issuer) => {
      const now = Math.floor(mesh.wallTimeMs() / 1000);
      const texts: readonly (readonly [token: string, text: string])[] = [
        ['garbage', 'Jwt is not in the form of Header.Payload.Signature with two dots and 3 sections'],
        [issuer.token({ exp: now - 120 }), 'Jwt is expired'],
        [issuer.token({ nbf: now + 600 }), 'Jwt not yet valid'],
        [issuer.token({ iss: 'https://other.example' }), 'Jwt issuer is not configured'],
        [testIssuer(ISSUER, mesh.wallTimeMs).token(), 'Jwt verification fails'],
      ];
      for (const [token, text] of texts) {
        const { status, body, headers } = await askReviews(mesh, bearer(token));
        expectEqual('status and body', [status, body], [401, text]);
        const challenge = headers.find(([name]) => name.toLowerCase() === 'www-authenticate')?.[1] ?? '';
        expectEqual('www-authenticate', challenge, 'Bearer realm="http://reviews:9080/reviews/0", error="invalid_token"');
      }
    }),
  }),
  defineCase({
    id: 'SEC-JWT-004',
    claim: 'A token for another audience is 403; one of several audiences is enough.',
    source: `${SOURCE}, audiences`,
    profile: 'core',
    apply: '',
    killedBy: ['MUT-JWT-AUDIENCE-IGNORED'],
    labs: [],
    run: withIssuer(async (mesh, issuer) => {
      const answer = await askReviews(mesh, bearer(issuer.token({ aud: 'kitchen' })));
      expectEqual('status and body', [answer.status, answer.body], [403, 'Audiences in Jwt are not allowed']);
      await expectAllowed(mesh, 'the right audience', bearer(issuer.token({ aud: 'lab' })));
      await expectAllowed(mesh, 'several audiences', bearer(issuer.token({ aud: ['kitchen', 'lab'] })));
    }, 'audiences: [lab]'),
  }),
  defineCase({
    id: 'SEC-JWT-005',
    claim: 'A policy that wants a request principal denies who has none with 403, and believes who shows a good token.',
    source: 'Istio: require valid JWT tokens',
    profile: 'core',
    apply: REQUIRE_TOKEN,
    killedBy: ['MUT-REQUEST-PRINCIPAL-IGNORED'],
    labs: [],
    run: withIssuer(async (mesh, issuer) => {
      await expectDenied(mesh, 'no token');
      await expectAllowed(mesh, 'a good token', bearer(issuer.token()));
      expectEqual('status for a bad token', (await askReviews(mesh, bearer('garbage'))).status, 401);
    }),
  }),
  defineCase({
    id: 'SEC-JWT-006',
    claim: 'requestPrincipals are ISSUER/SUBJECT, as a whole or with a star at one end.',
    source: `Istio AuthorizationPolicy, requestPrincipals`,
    profile: 'core',
    apply: reviewsPolicy(`action: ALLOW\nrules: [{ from: [{ source: { requestPrincipals: ["${ISSUER}/ada", "*/root"] } }] }]`),
    killedBy: ['MUT-REQUEST-PRINCIPAL-IGNORED', 'MUT-REQUEST-PRINCIPAL-ISSUER-ONLY'],
    labs: [],
    run: withIssuer(async (mesh, issuer) => {
      await expectAllowed(mesh, 'ada', bearer(issuer.token()));
      await expectAllowed(mesh, 'root', bearer(issuer.token({ sub: 'root' })));
      await expectDenied(mesh, 'eve', bearer(issuer.token({ sub: 'eve' })));
      await expectDenied(mesh, 'somebody called ada2', bearer(issuer.token({ sub: 'ada2' })));
    }),
  }),
  defineCase({
    id: 'SEC-JWT-007',
    claim: 'A claim condition wants a text claim, or a list that has one of the values; nested claims too.',
    source: 'Istio authorization policy conditions, request.auth.claims',
    profile: 'core',
    apply: reviewsPolicy(`action: ALLOW
rules:
- when: [{ key: "request.auth.claims[groups]", values: [admins] }]
- when: [{ key: "request.auth.claims[realm][role]", values: [boss] }]`),
    killedBy: ['MUT-CLAIM-LIST-FIRST-ONLY'],
    labs: [],
    run: withIssuer(async (mesh, issuer) => {
      await expectAllowed(mesh, 'a text', bearer(issuer.token({ groups: 'admins' })));
      await expectAllowed(mesh, 'a list', bearer(issuer.token({ groups: ['users', 'admins'] })));
      await expectAllowed(mesh, 'a nested claim', bearer(issuer.token({ realm: { role: 'boss' } })));
      await expectDenied(mesh, 'another list', bearer(issuer.token({ groups: ['users'] })));
      await expectDenied(mesh, 'no such claim', bearer(issuer.token()));
      await expectDenied(mesh, 'no token');
    }),
  }),
  defineCase({
    id: 'SEC-JWT-008',
    claim: 'forwardOriginalToken lets the program see the token; without it the token is taken away.',
    source: `${SOURCE}, forwardOriginalToken`,
    profile: 'core',
    apply: '',
    killedBy: ['MUT-TOKEN-NEVER-FORWARDED'],
    labs: [],
    run: withIssuer(async (mesh, issuer) => {
      const token = issuer.token();
      const answer = await expectAllowed(mesh, 'a good token', bearer(token));
      expectEqual('authorization that the program sees', headersSeen(answer.body).get('authorization'), `Bearer ${token}`);
      await mesh.apply(requestAuthentication(issuer));
      const without = await expectAllowed(mesh, 'the same token, without the option', bearer(token));
      expectEqual('authorization that the program sees then', headersSeen(without.body).has('authorization'), false);
    }, 'forwardOriginalToken: true'),
  }),
  defineCase({
    id: 'SEC-JWT-009',
    claim: 'Claims and payload become headers, and what a client itself sends under those names is taken away.',
    source: `${SOURCE}, outputPayloadToHeader and outputClaimToHeaders`,
    profile: 'core',
    apply: '',
    killedBy: ['MUT-CLAIM-HEADER-KEPT'],
    labs: [],
    run: withIssuer(async (mesh, issuer) => {
      const forged = { 'x-subject': 'root', 'x-payload': 'forged' };
      const answer = await expectAllowed(mesh, 'a good token', { headers: { ...bearer(issuer.token()).headers, ...forged } });
      const seen = headersSeen(answer.body);
      expectEqual('x-subject', seen.get('x-subject'), 'ada');
      const without = await expectAllowed(mesh, 'no token', { headers: forged });
      expectEqual('x-subject without a token', headersSeen(without.body).get('x-subject'), undefined);
      expectEqual('issuer in x-payload', JSON.parse(Buffer.from(seen.get('x-payload') ?? '', 'base64url').toString()).iss, ISSUER);
    }, 'outputPayloadToHeader: x-payload\noutputClaimToHeaders: [{ header: x-subject, claim: sub }]'),
  }),
  defineCase({
    id: 'SEC-JWT-010',
    claim: 'fromHeaders replaces the usual places: a token is found where it says, and nowhere else.',
    source: `${SOURCE}, fromHeaders`,
    profile: 'extended',
    apply: REQUIRE_TOKEN,
    killedBy: ['MUT-JWT-DEFAULT-PLACES-KEPT'],
    labs: [],
    run: withIssuer(async (mesh, issuer) => {
      await expectAllowed(mesh, 'a token in x-token', { headers: { 'x-token': `Token ${issuer.token()}` } });
      await expectDenied(mesh, 'a token in authorization', bearer(issuer.token()));
    }, 'fromHeaders: [{ name: x-token, prefix: "Token " }]'),
  }),
  defineCase({
    id: 'SEC-JWT-011',
    claim: 'fromParams and fromCookies are places too.',
    source: `${SOURCE}, fromParams and fromCookies`,
    profile: 'extended',
    apply: REQUIRE_TOKEN,
    killedBy: ['MUT-JWT-COOKIES-IGNORED'],
    labs: [],
    run: withIssuer(async (mesh, issuer) => {
      await expectAllowed(mesh, 'a token in the query', { url: `http://reviews:9080/reviews/0?pass=${issuer.token()}` });
      await expectAllowed(mesh, 'a token in a cookie', { headers: { cookie: `a=b; pass=${issuer.token()}; c=d` } });
      await expectDenied(mesh, 'a token in another cookie', { headers: { cookie: `other=${issuer.token()}` } });
    }, 'fromParams: [pass]\nfromCookies: [pass]'),
  }),
  defineCase({
    id: 'SEC-JWT-012',
    claim: 'A key set without keys believes nobody: there is no key that it falls back to.',
    source: 'CVE-2026-31837: a default key',
    // istiod hands the empty set on, Envoy refuses the listener, and the one before it goes on without asking for tokens.
    controlPlanes: ['dinghy'],
    profile: 'core',
    apply: '',
    killedBy: ['MUT-JWT-WITHOUT-KEYS-BELIEVED'],
    labs: [],
    async run(mesh) {
      const issuer = testIssuer(ISSUER, mesh.wallTimeMs);
      await mesh.apply(requestAuthentication({ ...issuer, jwks: '{"keys":[]}' }));
      expectEqual('status for a good token', (await askReviews(mesh, bearer(issuer.token()))).status, 401);
      await expectAllowed(mesh, 'no token');
    },
  }),
  defineCase({
    id: 'SEC-JWT-013',
    claim: 'While two keys are published both are believed; a key that is no longer published is not.',
    source: `${SOURCE}: key rotation`,
    profile: 'core',
    apply: '',
    killedBy: ['MUT-JWT-FIRST-KEY-ONLY'],
    labs: [],
    async run(mesh) {
      const [old, fresh] = [testIssuer(ISSUER, mesh.wallTimeMs, 'old'), testIssuer(ISSUER, mesh.wallTimeMs, 'fresh')];
      const keys = (...issuers: readonly TestIssuer[]): string =>
        JSON.stringify({ keys: issuers.flatMap(({ jwks }) => JSON.parse(jwks).keys) });
      await mesh.apply(requestAuthentication({ ...old, jwks: keys(old, fresh) }));
      await expectAllowed(mesh, 'the old key', bearer(old.token()));
      await expectAllowed(mesh, 'the new key', bearer(fresh.token()));
      await mesh.apply(requestAuthentication({ ...old, jwks: keys(fresh) }));
      expectEqual('status for the old key', (await askReviews(mesh, bearer(old.token()))).status, 401);
      await expectAllowed(mesh, 'the new key, still', bearer(fresh.token()));
    },
  }),
  defineCase({
    id: 'SEC-JWT-014',
    claim: 'Nothing of a token stands in the exchange record of a request that was refused for it.',
    source: 'security: tokens never in logs',
    profile: 'core',
    apply: '',
    killedBy: [],
    labs: [],
    run: withIssuer(async (mesh, issuer) => {
      const token = issuer.token({ exp: 1 });
      const answer = await askReviews(mesh, bearer(token));
      const told = JSON.stringify([await answer.told(), await answer.told(await answer.servedBy())]);
      expectContains('record', told, 'jwt_authn_access_denied');
      expectThat(
        'record',
        token.split('.').every((part) => !told.includes(part)),
        'no part of the token',
        told,
      );
    }),
  }),
];
