/** Policies as they are written → what our proxy answers. Every ALLOW row has its DENY twin: the same rule refuses what it would have allowed, and nothing else. */
import { expect, test } from 'vitest';
import { simulatedSystem } from '#system/simulated-system.ts';
import { filterRoom } from '../../../proxy/filters/filter-room.fixture.ts';
import { filterTypeOf } from '../../../proxy/filters/registry.ts';
import { EMPTY_BODY } from '../../../proxy/http/body.ts';
import type { HttpFilter } from '../../../proxy/http/filter.ts';
import { HeaderMap } from '../../../proxy/http/header-map.ts';
import { type HttpRequest, NO_TRAILERS } from '../../../proxy/http/message.ts';
import { StreamError } from '../../../proxy/http/stream-error.ts';
import { StreamRecord } from '../../../proxy/http/stream-record.ts';
import type { MeshService } from '../../mesh/mesh.ts';
import { httpAuthorization } from './authorization-filters.ts';
import type { AuthorizationPolicy } from './rbac.ts';
import { requestAuthentication } from './request-authentication.ts';
import { input, policy } from './said.fixture.ts';

interface Call {
  readonly method?: string;
  readonly path?: string;
  readonly host?: string;
  readonly headers?: readonly [string, string][];
  /** Identity without its scheme; absent: plain text. */
  readonly who?: string;
  readonly peer?: string;
  readonly client?: string;
  readonly port?: number;
  readonly sni?: string;
  readonly claims?: Record<string, unknown>;
}

const room = filterRoom({ system: simulatedSystem() });

const chainOf = (policies: readonly AuthorizationPolicy[], trustDomains: readonly string[]): HttpFilter[] =>
  httpAuthorization(input(policies, { trustDomains })).own.flatMap(({ configType }) => {
    if (configType?.$case !== 'typedConfig') throw new Error('no configuration');
    return filterTypeOf(configType.value.typeUrl).compile(configType.value, room) ?? [];
  });

const statusOf = async (policies: readonly AuthorizationPolicy[], call: Call, trustDomains: readonly string[]): Promise<number> => {
  const [direct, remote] = [call.peer ?? '10.0.0.1', call.client ?? call.peer ?? '10.0.0.1'];
  const downstream = {
    id: 1,
    local: { address: '10.0.0.2', port: call.port ?? 9080 },
    remote: { address: remote, port: 5 },
    ...(direct !== remote && { direct: { address: direct, port: 5 } }),
    ...(call.who !== undefined && { peerIdentity: `spiffe://${call.who}` }),
    ...(call.sni !== undefined && { serverName: call.sni }),
  };
  const stream = new StreamRecord(1, downstream, 0, 0);
  if (call.claims) stream.metadata = { 'envoy.filters.http.jwt_authn': { payload: call.claims } };
  const request: HttpRequest = {
    method: call.method ?? 'GET',
    scheme: 'http',
    authority: call.host ?? 'reviews',
    path: call.path ?? '/',
    headers: HeaderMap.of(...(call.headers ?? [])),
    body: EMPTY_BODY,
    trailers: NO_TRAILERS,
  };
  const filters = chainOf(policies, trustDomains);
  const next = (index: number): ReturnType<HttpFilter> =>
    filters[index]?.(request, stream, () => next(index + 1)) ??
    Promise.resolve({ status: 200, headers: HeaderMap.EMPTY, body: EMPTY_BODY, trailers: NO_TRAILERS });
  try {
    return (await next(0)).status;
  } catch (error) {
    if (error instanceof StreamError) return error.status;
    throw error;
  }
};

const P = 'cluster.local/ns/default/sa/productpage';
const from = (source: string): string => `{from: [{source: ${source}}]}`;
const to = (operation: string): string => `{to: [{operation: ${operation}}]}`;
const when = (key: string, values: string): string => `{when: [{key: "${key}", ${values}}]}`;
const x = (name: string, ...values: string[]): Call => ({ headers: values.map((value) => [name, value]) });

/** [rule, call, does the rule hold]. */
const ROWS: readonly (readonly [string, Call, boolean])[] = [
  ['{}', {}, true],
  // Methods
  [to('{methods: [GET]}'), {}, true],
  [to('{methods: [GET]}'), { method: 'POST' }, false],
  [to('{methods: [GET]}'), { method: 'get' }, false],
  [to('{methods: ["P*"]}'), { method: 'PUT' }, true],
  [to('{methods: ["*T"]}'), { method: 'POST' }, true],
  [to('{methods: ["*"]}'), { method: 'PATCH' }, true],
  [to('{notMethods: [GET]}'), {}, false],
  [to('{notMethods: [GET]}'), { method: 'POST' }, true],
  // Paths
  [to('{paths: [/admin]}'), { path: '/admin' }, true],
  [to('{paths: [/admin]}'), { path: '/admin?x' }, true],
  [to('{paths: [/admin]}'), { path: '/admin?' }, true],
  [to('{paths: [/admin]}'), { path: '/admin/' }, false],
  [to('{paths: [/admin]}'), { path: '/admin.' }, false],
  [to('{paths: [/admin]}'), { path: '/Admin' }, false],
  [to('{paths: [/admin]}'), { path: '/admin%20' }, false],
  [to('{paths: [/admin]}'), { path: '/admin;x=y' }, false],
  [
    to('{paths: [/admin]}'),
    {
      path: '/x',
      headers: [
        ['x-envoy-original-path', '/admin'],
        ['x-original-url', '/admin'],
      ],
    },
    false,
  ],
  [to('{paths: ["/admin*"]}'), { path: '/administrator' }, true],
  [to('{paths: ["/admin/*"]}'), { path: '/admin' }, false],
  [to('{paths: ["*/info"]}'), { path: '/a/info' }, true],
  [to('{paths: ["*/info"]}'), { path: '/a/info?y=/x' }, true],
  [to('{paths: ["*/info"]}'), { path: '/a/x?y=/info' }, false],
  [to('{paths: ["*"]}'), { path: '/' }, true],
  [to('{paths: ["/a/{*}/b"]}'), { path: '/a/x/b' }, true],
  [to('{paths: ["/a/{*}/b"]}'), { path: '/a/x/y/b' }, false],
  [to('{paths: ["/a/{*}/b"]}'), { path: '/a//b' }, false],
  [to('{paths: ["/a/{*}/b"]}'), { path: '/a/x/b?q' }, true],
  [to('{paths: ["/c/{**}"]}'), { path: '/c/x/y' }, true],
  [to('{paths: ["/c/{**}"]}'), { path: '/c/' }, true],
  [to('{paths: ["/c/{**}"]}'), { path: '/c' }, false],
  [to('{paths: ["/d/{*}/e/{**}"]}'), { path: '/d/1/e/2/3' }, true],
  [to('{paths: [/a.c]}'), { path: '/abc' }, false],
  [to('{notPaths: [/secret, "/secret/*"]}'), { path: '/secret/x' }, false],
  [to('{notPaths: [/secret]}'), { path: '/open' }, true],
  [to('{paths: ["/a*"], notPaths: [/ab]}'), { path: '/ab' }, false],
  [to('{paths: ["/a*"], notPaths: [/ab]}'), { path: '/ac' }, true],
  // Hosts
  [to('{hosts: [secret.com]}'), { host: 'Secret.COM' }, true],
  [to('{hosts: [secret.com]}'), { host: 'secret.com:8080' }, false],
  [to('{hosts: ["secret.com:*"]}'), { host: 'SECRET.com:8080' }, true],
  [to('{hosts: ["secret.com:*"]}'), { host: 'secret.com' }, false],
  [to('{hosts: ["*.example.com"]}'), { host: 'a.Example.com' }, true],
  [to('{hosts: ["*.example.com"]}'), { host: 'example.com' }, false],
  [to('{hosts: ["*"]}'), { host: 'anything' }, true],
  [to('{notHosts: [bad.example]}'), { host: 'BAD.example' }, false],
  // Ports
  [to('{ports: ["9080"]}'), {}, true],
  [to('{ports: ["9080"]}'), { port: 9081 }, false],
  [to('{notPorts: ["9080"]}'), { port: 9081 }, true],
  // Fields are joined by "and", their values by "or", entries by "or"
  [to('{methods: [GET], paths: [/a, /b]}'), { path: '/b' }, true],
  [to('{methods: [GET], paths: [/a, /b]}'), { path: '/b', method: 'PUT' }, false],
  ['{to: [{operation: {methods: [PUT]}}, {operation: {paths: [/a]}}]}', { path: '/a' }, true],
  ['{to: [{operation: {methods: [PUT]}}, {operation: {paths: [/a]}}]}', {}, false],
  [`{from: [{source: {principals: [${P}]}}], to: [{operation: {methods: [GET]}}]}`, { who: P }, true],
  [`{from: [{source: {principals: [${P}]}}], to: [{operation: {methods: [GET]}}]}`, { who: P, method: 'POST' }, false],
  [`{from: [{source: {principals: [${P}]}}], to: [{operation: {methods: [GET]}}]}`, {}, false],
  // Principals
  [from(`{principals: [${P}]}`), { who: P }, true],
  [from(`{principals: [${P}]}`), { who: `${P}2` }, false],
  [from(`{principals: [${P}]}`), {}, false],
  [from('{principals: ["*"]}'), { who: P }, true],
  [from('{principals: ["*"]}'), {}, false],
  [from('{principals: ["cluster.local/ns/default/*"]}'), { who: P }, true],
  [from('{principals: ["cluster.local/ns/default/*"]}'), { who: 'cluster.local/ns/default2/sa/productpage' }, false],
  [from('{principals: ["*/sa/productpage"]}'), { who: P }, true],
  [from('{principals: ["*/sa/product.age"]}'), { who: P }, false],
  [from(`{notPrincipals: [${P}]}`), { who: P }, false],
  [from(`{notPrincipals: [${P}]}`), {}, true],
  [from(`{principals: ["*"], notPrincipals: [${P}]}`), {}, false],
  // Namespaces and accounts
  [from('{namespaces: [default]}'), { who: P }, true],
  [from('{namespaces: [default]}'), { who: 'cluster.local/ns/other/sa/productpage' }, false],
  [from('{namespaces: [default]}'), { who: 'cluster.local/ns/default2/sa/x' }, false],
  [from('{namespaces: [default]}'), {}, false],
  [from('{namespaces: ["def*"]}'), { who: P }, true],
  [from('{namespaces: [d.fault]}'), { who: P }, false],
  [from('{notNamespaces: [default]}'), { who: P }, false],
  [from('{notNamespaces: [default]}'), {}, true],
  [from('{serviceAccounts: [productpage]}'), { who: P }, true],
  [from('{serviceAccounts: [productpage]}'), { who: 'cluster.local/ns/other/sa/productpage' }, false],
  [from('{serviceAccounts: [default/productpage]}'), { who: P }, true],
  [from('{serviceAccounts: [my.app]}'), { who: 'cluster.local/ns/default/sa/my.app' }, true],
  [from('{serviceAccounts: [my.app]}'), { who: 'cluster.local/ns/default/sa/myxapp' }, false],
  [from('{serviceAccounts: [productpage]}'), { who: `${P}-admin` }, false],
  [from('{notServiceAccounts: [productpage]}'), { who: P }, false],
  // Addresses
  [from('{ipBlocks: [10.0.0.0/8]}'), {}, true],
  [from('{ipBlocks: [10.0.0.1]}'), { peer: '10.0.0.2' }, false],
  [from('{ipBlocks: [10.0.0.0/8]}'), { peer: '10.0.0.1', client: '1.2.3.4' }, true],
  [from('{remoteIpBlocks: [10.0.0.0/8]}'), { peer: '10.0.0.1', client: '1.2.3.4' }, false],
  [from('{remoteIpBlocks: [1.2.3.4]}'), { peer: '10.0.0.1', client: '1.2.3.4' }, true],
  [from('{notIpBlocks: [10.0.0.0/8]}'), {}, false],
  [from('{notRemoteIpBlocks: [10.0.0.0/8]}'), { client: '1.2.3.4' }, true],
  [from('{ipBlocks: ["::1", "fd00::/8"]}'), { peer: 'fd00::5' }, true],
  // Tokens
  [from('{requestPrincipals: ["*"]}'), {}, false],
  [from('{requestPrincipals: ["*"]}'), { claims: { iss: 'i', sub: 's' } }, true],
  [from('{requestPrincipals: ["*"]}'), { claims: { iss: 'i' } }, false],
  [from('{requestPrincipals: [i/s]}'), { claims: { iss: 'i', sub: 's' } }, true],
  [from('{requestPrincipals: [i/s]}'), { claims: { iss: 'i', sub: 't' } }, false],
  [from('{requestPrincipals: [https://i/s]}'), { claims: { iss: 'https://i', sub: 's' } }, true],
  [from('{requestPrincipals: ["i/*"]}'), { claims: { iss: 'i', sub: 'any' } }, true],
  [from('{requestPrincipals: ["*/s"]}'), { claims: { iss: 'any', sub: 's' } }, true],
  [from('{notRequestPrincipals: ["*"]}'), {}, true],
  [from('{notRequestPrincipals: ["*"]}'), { claims: { iss: 'i', sub: 's' } }, false],
  [when('request.auth.principal', 'values: [i/s]'), { claims: { iss: 'i', sub: 's' } }, true],
  [when('request.auth.audiences', 'values: [a]'), { claims: { aud: ['b', 'a'] } }, true],
  [when('request.auth.audiences', 'values: [a]'), { claims: { aud: 'a' } }, true],
  [when('request.auth.audiences', 'values: [a]'), { claims: { aud: ['b'] } }, false],
  [when('request.auth.presenter', 'values: [app]'), { claims: { azp: 'app' } }, true],
  [when('request.auth.claims[groups]', 'values: [admin]'), { claims: { groups: ['user', 'admin'] } }, true],
  [when('request.auth.claims[groups]', 'values: [admin]'), { claims: { groups: 'admin' } }, true],
  [when('request.auth.claims[groups]', 'values: [admin]'), { claims: { groups: ['administrator'] } }, false],
  [when('request.auth.claims[groups]', 'values: ["adm*"]'), { claims: { groups: ['administrator'] } }, true],
  [when('request.auth.claims[groups]', 'values: [admin]'), {}, false],
  [when('request.auth.claims[a][b]', 'values: [v]'), { claims: { a: { b: 'v' } } }, true],
  [when('request.auth.claims[a][b]', 'values: [v]'), { claims: { a: 'v' } }, false],
  [when('request.auth.claims[n]', 'values: ["1"]'), { claims: { n: 1 } }, false],
  [when('request.auth.claims[__proto__]', 'values: ["*"]'), { claims: {} }, false],
  [when('request.auth.claims[constructor][name]', 'values: ["*"]'), { claims: {} }, false],
  [when('request.auth.claims[groups]', 'notValues: [admin]'), {}, true],
  // Headers
  [when('request.headers[x-role]', 'values: [admin]'), x('x-role', 'admin'), true],
  [when('request.headers[X-Role]', 'values: [admin]'), x('x-role', 'admin'), true],
  [when('request.headers[x-role]', 'values: [admin]'), x('x-role', 'Admin'), false],
  [when('request.headers[x-role]', 'values: [admin]'), x('x_role', 'admin'), false],
  [when('request.headers[x-role]', 'values: [admin]'), {}, false],
  [when('request.headers[x-role]', 'values: [admin]'), x('x-role', 'user', 'admin'), true],
  [when('request.headers[x-role]', 'values: ["adm*"]'), x('x-role', 'administrator'), true],
  [when('request.headers[x-role]', 'values: ["*min"]'), x('x-role', 'admin'), true],
  [when('request.headers[x-role]', 'values: ["*"]'), x('x-role', 'y'), true],
  [when('request.headers[x-role]', 'values: ["*"]'), {}, false],
  [when('request.headers[x-role]', 'notValues: [admin]'), {}, true],
  [when('request.headers[x-role]', 'notValues: [admin]'), x('x-role', 'admin'), false],
  [when('request.headers[__proto__]', 'values: [admin]'), {}, false],
  [when('request.headers[__proto__]', 'values: [admin]'), x('__proto__', 'admin'), true],
  [when('request.headers[constructor]', 'values: ["*"]'), {}, false],
  // The other conditions
  [when('source.ip', 'values: [10.0.0.1]'), {}, true],
  [when('remote.ip', 'values: [1.2.3.4]'), { client: '1.2.3.4' }, true],
  [when('source.namespace', 'values: [default]'), { who: P }, true],
  [when('source.namespace', 'notValues: [default]'), {}, true],
  [when('source.principal', `values: [${P}]`), { who: P }, true],
  [when('source.serviceAccount', 'values: [default/productpage]'), { who: P }, true],
  [when('destination.ip', 'values: [10.0.0.2]'), {}, true],
  [when('destination.ip', 'values: [10.0.1.0/24]'), {}, false],
  [when('destination.port', 'values: ["9080"]'), {}, true],
  [when('connection.sni', 'values: ["*.example"]'), { sni: 'a.example' }, true],
  [when('connection.sni', 'values: ["*.example"]'), {}, false],
  ['{when: [{key: source.ip, values: [10.0.0.1]}, {key: destination.port, values: ["1"]}]}', {}, false],
];

test.each(ROWS)('%s of %j: %s', async (rule, call, holds) => {
  expect(await statusOf([policy(`{rules: [${rule}]}`)], call, ['cluster.local'])).toBe(holds ? 200 : 403);
  expect(await statusOf([policy(`{action: DENY, rules: [${rule}]}`)], call, ['cluster.local'])).toBe(holds ? 403 : 200);
});

const ALLOW_GET = policy('{rules: [{to: [{operation: {methods: [GET]}}]}]}', 'name: a');
const DENY_ADMIN = policy('{action: DENY, rules: [{to: [{operation: {paths: ["/admin*"]}}]}]}', 'name: d');
const AUDIT_ALL = policy('{action: AUDIT, rules: [{}]}', 'name: u');
const NOTHING = policy('{}', 'name: n');
const tried = (spec: string) => policy(spec, 'name: t, annotations: {istio.io/dry-run: "true"}');

/** [policies together, call, status]. */
const TOGETHER: readonly (readonly [readonly AuthorizationPolicy[], Call, number])[] = [
  [[], {}, 200],
  [[NOTHING], {}, 403],
  [[ALLOW_GET, NOTHING], {}, 200],
  [[ALLOW_GET, NOTHING], { method: 'PUT' }, 403],
  [[ALLOW_GET, DENY_ADMIN], { path: '/admin' }, 403],
  [[ALLOW_GET, DENY_ADMIN], { path: '/open' }, 200],
  [[ALLOW_GET, DENY_ADMIN], { method: 'PUT' }, 403],
  [[DENY_ADMIN], { path: '/open', method: 'PUT' }, 200],
  [[AUDIT_ALL], { method: 'PUT' }, 200],
  [[AUDIT_ALL, DENY_ADMIN], { path: '/admin' }, 403],
  [[tried('{action: DENY, rules: [{}]}')], {}, 200],
  [[tried('{}')], {}, 200],
  [[tried('{action: DENY, rules: [{}]}'), ALLOW_GET], { method: 'PUT' }, 403],
  [[tried('{rules: [{}]}'), NOTHING], {}, 403],
];

test.each(TOGETHER)('together: %#', async (policies, call, status) => {
  expect(await statusOf(policies, call, ['cluster.local'])).toBe(status);
});

test('a caller with an identity of the old trust domain is allowed, and denied, as one of the new', async () => {
  const rule = `{from: [{source: {principals: ["${P}"]}}]}`;
  const old = { who: 'old.local/ns/default/sa/productpage' };
  for (const [trustDomains, holds] of [
    [['cluster.local', 'old.local'], true],
    [['cluster.local'], false],
  ] as const) {
    expect(await statusOf([policy(`{rules: [${rule}]}`)], old, trustDomains)).toBe(holds ? 200 : 403);
    expect(await statusOf([policy(`{action: DENY, rules: [${rule}]}`)], old, trustDomains)).toBe(holds ? 403 : 200);
  }
});

test('our proxy takes an authorizer with all its settings, and issuers with and without keys', () => {
  const common = { service: 'authz.example', port: 8000, timeout: '2s', failOpen: true, statusOnError: '503', clearRouteCache: true };
  const body = { includeRequestBodyInCheck: { maxRequestBytes: 1024, allowPartialMessage: true, packAsBytes: true } };
  const providers = [
    {
      name: 'web',
      envoyExtAuthzHttp: {
        ...common,
        ...body,
        pathPrefix: '/check',
        includeRequestHeadersInCheck: ['x-*'],
        includeAdditionalHeadersInCheck: { a: 'b' },
        headersToUpstreamOnAllow: ['x-up'],
        headersToDownstreamOnDeny: ['*-down'],
        headersToDownstreamOnAllow: ['x-da'],
      },
    },
  ];
  const services = [{ hostname: 'authz.example', namespace: 'default' } as MeshService];
  const rule = {
    issuer: 'a',
    audiences: ['x'],
    jwks: '{"keys":[{"kty":"oct","kid":"k1","alg":"HS256","k":"c2VjcmV0"}]}',
    fromHeaders: [{ name: 'x-jwt', prefix: 'Tok ' }],
    fromParams: ['t'],
    fromCookies: ['c'],
    forwardOriginalToken: true,
    outputPayloadToHeader: 'x-payload',
    outputClaimToHeaders: [{ header: 'x-sub', claim: 'sub' }],
  };
  const filters = [
    ...httpAuthorization(input([policy('{action: CUSTOM, provider: {name: web}, rules: [{}]}')], { providers, services })).custom,
    ...requestAuthentication({
      rules: [rule, { issuer: 'b', jwksUri: 'http://x.example/' }],
      keysOf: () => undefined,
      routesByClaims: true,
    }),
  ];
  expect(filters.map(({ name }) => name.replace('envoy.filters.http.', ''))).toEqual(['rbac', 'ext_authz', 'jwt_authn']);
  const upstream = () => () => Promise.reject(new Error('nobody there'));
  for (const { configType } of filters) {
    if (configType?.$case !== 'typedConfig') throw new Error('no configuration');
    expect(filterTypeOf(configType.value.typeUrl).compile(configType.value, filterRoom({ upstream }))).toBeDefined();
  }
});
