import { describe, expect, it } from 'vitest';
import { Any } from '#envoy';
import { simulatedSystem } from '#system/simulated-system.ts';
import type { TlsFacts } from '#system/tls/tls-facts.ts';
import { EMPTY_BODY } from '../../http/body.ts';
import { HeaderMap } from '../../http/header-map.ts';
import { type HttpRequest, type HttpResponse, NO_TRAILERS } from '../../http/message.ts';
import { StreamError } from '../../http/stream-error.ts';
import type { DownstreamConnection, StreamInfo } from '../../http/stream-info.ts';
import { StreamRecord } from '../../http/stream-record.ts';
import { filterRoom } from '../filter-room.fixture.ts';
import { rbac } from '../rbac.ts';
import { compileTemplate } from './uri-template.ts';

const TYPE = { '@type': rbac.typeUrl };
const JWT = 'envoy.filters.http.jwt_authn';
const ok: HttpResponse = { status: 200, headers: HeaderMap.EMPTY, body: EMPTY_BODY, trailers: NO_TRAILERS };

interface Asked extends Partial<Pick<HttpRequest, 'method' | 'path' | 'authority'>> {
  readonly headers?: readonly (readonly [string, string])[];
  readonly metadata?: StreamInfo['metadata'];
  readonly downstream?: Partial<DownstreamConnection>;
}

const setUp = (config: object, route?: object) => {
  const system = simulatedSystem();
  const listener = Any.fromJSON({ ...TYPE, ...config });
  const room = filterRoom({ system });
  const filter = route ? rbac.compileRoute?.(listener, Any.fromJSON(route), room) : rbac.compile(listener, room);
  const ask = async ({ headers = [], metadata, downstream, ...asked }: Asked = {}) => {
    const local = { address: '10.0.0.2', port: 9080 };
    const stream = new StreamRecord(1, { id: 1, local, remote: { address: '10.0.0.1', port: 5 }, ...downstream }, 0, 0);
    stream.metadata = metadata;
    const request: HttpRequest = {
      ...{ method: 'GET', scheme: 'http', authority: 'ratings', path: '/a?token=x', body: EMPTY_BODY, trailers: NO_TRAILERS },
      headers: HeaderMap.of(...headers),
      ...asked,
    };
    const answer = filter ? await filter(request, stream, async () => ok).catch((error: unknown) => error) : ok;
    const refusal = answer instanceof StreamError ? answer : undefined;
    return { allowed: refusal === undefined, details: refusal?.codeDetails, metadata: stream.metadata };
  };
  const counter = (name: string): number => system.metrics.scope('http', 'test').counter(`rbac.${name}`).value;
  return { ask, counter };
};

const any = [{ any: true }];
const rules = (action: string, permissions: object[], principals: object[] = any) => ({
  rules: { action, policies: { p: { permissions, principals } } },
});
const allowed = async (permission: object, asked: Asked = {}): Promise<boolean> =>
  (await setUp(rules('ALLOW', [permission])).ask(asked)).allowed;
const isMeant = async (principal: object, asked: Asked = {}): Promise<boolean> =>
  (await setUp(rules('ALLOW', any, [principal])).ask(asked)).allowed;

const claim = (value: object, more: object = {}) => ({
  metadata: { filter: JWT, path: [{ key: 'payload' }, { key: 'groups' }], value, ...more },
});
const token = (groups: unknown): Asked => ({ metadata: { [JWT]: { payload: { groups } } } });

describe('metadata', () => {
  const list = claim({ listMatch: { oneOf: { stringMatch: { exact: 'a' } } } });
  it.each([
    [list, token(['b', 'a']), true],
    [list, token('a'), false],
    [list, {}, false],
    [claim({ stringMatch: { exact: 'a' } }), token('a'), true],
    [claim({ presentMatch: true }, { invert: true }), {}, true],
    [claim({ orMatch: { valueMatchers: [list.metadata.value, { stringMatch: { exact: 'a' } }] } }), token('a'), true],
  ])('%j', async (matcher, asked, expected) => {
    expect(await isMeant(matcher, asked)).toBe(expected);
    expect(await allowed(matcher, asked)).toBe(expected);
  });
});

describe('the name of a peer', () => {
  const peer = (names: object): Partial<DownstreamConnection> => ({
    tls: { peer: { subject: '', uris: [], dnsNames: [], ...names } } as unknown as TlsFacts,
  });
  const named = (exact: string) => ({ authenticated: { principalName: { exact } } });
  it.each([
    [named('spiffe://a/ns/b/sa/c'), { peerIdentity: 'spiffe://a/ns/b/sa/c' }, true],
    [named('spiffe://a/ns/b/sa/c'), {}, false],
    [named('urn:x'), peer({ uris: ['urn:w', 'urn:x'] }), true],
    [named('host.example'), peer({ uris: ['urn:x'], dnsNames: ['host.example'] }), true],
    [named('CN=x'), peer({ subject: 'CN=x' }), true],
    [named('CN=x'), peer({ subject: 'CN=y' }), false],
    [{ authenticated: {} }, peer({}), true],
    [{ authenticated: {} }, {}, false],
  ])('%j of %j: %s', async (principal, downstream, expected) => {
    expect(await isMeant(principal, { downstream })).toBe(expected);
  });
});

describe('path templates', () => {
  it.each([
    ['/a/*/b', '/a/x/b', true],
    ['/a/*/b', '/a/x/y/b', false],
    ['/a/*/b', '/a//b', false],
    ['/c/**', '/c/', true],
    ['/c/**', '/c/d/e', true],
    ['/c/**', '/c', false],
    ['/**/z', '/a/b/z', true],
    ['/*.css', '/site.css', true],
    ['/*.css', '/siteXcss', false],
    ['/{user}/x', '/ann/x', true],
    ['/{where=v1/*}/x', '/v1/y/x', true],
    ['/{rest=**}', '/', true],
    ['/a/', '/a/', true],
    ['/a/', '/a', false],
    ['/(a+)+$', `/${'a'.repeat(30_000)}!`, false],
  ])('%s fits %s: %s', (template, path, expected) => {
    expect(compileTemplate(template)(path)).toBe(expected);
  });

  it.each([
    '',
    'a',
    '/**/*',
    '/**/**',
    '/{a}/{a}',
    '/{1}',
    '/{a=}',
    '/{a',
    '/a*',
    '/**/{a}',
    '/a b',
    '/{a}/{b}/{c}/{d}/{e}/{f}',
    '/***',
    '//a',
    `/${'a'.repeat(2_000)}`,
  ])('refuses %s', (template) => {
    expect(() => compileTemplate(template)).toThrow('path_template');
  });

  it('see the path without its query, and are refused with their path', async () => {
    const template = (pathTemplate: string) => ({
      uriTemplate: {
        name: 't',
        typedConfig: { '@type': 'type.googleapis.com/envoy.extensions.path.match.uri_template.v3.UriTemplateMatchConfig', pathTemplate },
      },
    });
    expect(await allowed(template('/a/*'), { path: '/a/b?c/d' })).toBe(true);
    expect(() => setUp(rules('ALLOW', [template('/**/**')]))).toThrow(
      'rules.policies[p].permissions[0].uri_template.typed_config.path_template',
    );
  });
});

describe('what nobody can answer is refused with its path', () => {
  it.each([
    ['principals[0].filter_state', rules('ALLOW', any, [{ filterState: { key: 'k', stringMatch: { exact: 'x' } } }])],
    ['permissions[0].any', rules('ALLOW', [{ any: false }])],
    ['permissions[0].destination_port', rules('ALLOW', [{ destinationPort: 70_000 }])],
    ['permissions[0].destination_port_range.start', rules('ALLOW', [{ destinationPortRange: { start: 5, end: 5 } }])],
    ['principals[0].remote_ip.address_prefix', rules('ALLOW', any, [{ remoteIp: { addressPrefix: 'x' } }])],
    ['safe_regex', rules('ALLOW', [{ urlPath: { path: { safeRegex: { regex: `/${'a'.repeat(1_024)}` } } } }])],
    ['condition', { rules: { policies: { p: { permissions: any, principals: any, condition: { constExpr: { boolValue: true } } } } } }],
  ])('%s', (path, config) => {
    expect(() => setUp(config)).toThrow(path);
  });
});

describe('values', () => {
  it('of a repeated header are all looked at; names of prototypes are ordinary names', async () => {
    const header = (name: string) => rules('DENY', [{ header: { name, stringMatch: { exact: 'admin' } } }]);
    const twice = [
      ['x-role', 'user'],
      ['x-role', 'admin'],
    ] as const;
    expect((await setUp(header('x-role')).ask({ headers: twice })).allowed).toBe(false);
    for (const name of ['__proto__', 'constructor']) {
      expect((await setUp(header(name)).ask()).allowed).toBe(true);
      const { allowed, metadata } = await setUp(header(name)).ask({ headers: [[name, 'admin']] });
      expect(allowed).toBe(false);
      expect(JSON.stringify(metadata)).toContain(`"${name}":["admin"]`);
    }
  });

  it('that are not UTF-8, or long, are matched whole and in linear time', async () => {
    const regex = (text: string) => ({ header: { name: 'x', stringMatch: { safeRegex: { regex: text } } } });
    expect(await allowed(regex('.*b'), { headers: [['x', '\xff\xfeb']] })).toBe(true);
    expect(await allowed(regex('(a+)+b'), { headers: [['x', 'a'.repeat(30_000)]] })).toBe(false);
    expect(await allowed(regex('b'), { headers: [['x', 'abc']] })).toBe(false);
  });

  it('of claims may hold line ends that are no line feeds', async () => {
    expect(await isMeant(claim({ stringMatch: { safeRegex: { regex: 'a.*' } } }), token('a\u2028b'))).toBe(true);
  });
});

describe('verdicts', () => {
  it('are asked for in the order of names, whatever order they were written in', async () => {
    const policy = { permissions: any, principals: any };
    const { ask } = setUp({
      rules: { action: 'DENY', policies: { 'b c': policy, 'a\td': policy, Z: { ...policy, permissions: [{ destinationPort: 1 }] } } },
    });
    expect((await ask()).details).toBe('rbac_access_denied_matched_policy[a_d]');
  });

  it('are noted as Envoy notes them, with prefixes, beside what others noted', async () => {
    const { ask, counter } = setUp({
      ...rules('ALLOW', any),
      rulesStatPrefix: 'r_',
      shadowRules: { action: 'DENY', policies: { s: { permissions: any, principals: any } } },
      shadowRulesStatPrefix: 'istio_dry_run_deny_',
    });
    expect((await ask({ metadata: { other: { a: 1 } } })).metadata).toEqual({
      other: { a: 1 },
      'envoy.filters.http.rbac': {
        istio_dry_run_deny_shadow_effective_policy_id: 's',
        istio_dry_run_deny_shadow_engine_result: 'denied',
        r_enforced_effective_policy_id: 'p',
        r_enforced_engine_result: 'allowed',
      },
    });
    expect([counter('r_.allowed'), counter('r_.denied'), counter('istio_dry_run_deny_.shadow_denied')]).toEqual([1, 0, 1]);
  });

  it('of LOG rules only leave a hint', async () => {
    const { ask, counter } = setUp(rules('LOG', [{ header: { name: 'x', presentMatch: true } }]));
    expect((await ask()).metadata).toMatchObject({ 'envoy.common': { access_log_hint: false } });
    expect(await ask({ headers: [['x', '']] })).toMatchObject({ allowed: true, metadata: { 'envoy.common': { access_log_hint: true } } });
    expect(counter('allowed')).toBe(2);
  });

  it('are counted also where there is nothing to deny', async () => {
    const { ask, counter } = setUp({ rules: { action: 'DENY' } });
    expect((await ask()).allowed).toBe(true);
    expect(counter('allowed')).toBe(1);
  });

  it('of a route take its prefix where it has one', async () => {
    const ROUTE = 'type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBACPerRoute';
    const { ask } = setUp(rules('DENY', any), { '@type': ROUTE, rbac: { ...rules('ALLOW', any), rulesStatPrefix: 'own_' } });
    expect((await ask()).metadata).toMatchObject({ 'envoy.filters.http.rbac': { own_enforced_engine_result: 'allowed' } });
  });
});

describe('the facts of a denial', () => {
  it('are those that the rules asked about, and no secrets', async () => {
    const header = (name: string) => ({ header: { name, stringMatch: { exact: 'never' } } });
    const { ask } = setUp(
      rules('ALLOW', [header('x-role'), header('Authorization'), header('x-absent')], [claim({ stringMatch: { exact: 'b' } })]),
    );
    const { metadata } = await ask({
      ...token(['a']),
      headers: [
        ['x-role', 'r'.repeat(1_000)],
        ['authorization', 'Bearer secret'],
        ['x-other', 'private'],
      ],
      downstream: { peerIdentity: 'spiffe://td/ns/web/sa/x', direct: { address: '10.9.9.9', port: 1 } },
    });
    expect(metadata?.['dinghy.authz']).toEqual({
      ...{ policy: 'none', action: 'ALLOW', principal: 'spiffe://td/ns/web/sa/x', namespace: 'web' },
      ...{ sourceIp: '10.9.9.9', remoteIp: '10.0.0.1', destinationIp: '10.0.0.2', port: 9080, method: 'GET', path: '/a', host: 'ratings' },
      headers: { 'x-role': [`${'r'.repeat(256)}…`], authorization: 'present', 'x-absent': [] },
      claims: { groups: ['a'] },
    });
  });

  it('are not written for who may pass', async () => {
    expect((await setUp(rules('ALLOW', any)).ask()).metadata).not.toHaveProperty(['dinghy.authz']);
  });
});
