import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import type { CallFacts, FieldEdit } from '#api/story.ts';
import { simulatedSystem } from '#system/simulated-system.ts';
import { filterRoom } from '../../proxy/filters/filter-room.fixture.ts';
import { filterTypeOf } from '../../proxy/filters/registry.ts';
import { EMPTY_BODY } from '../../proxy/http/body.ts';
import { chain } from '../../proxy/http/filter.ts';
import { HeaderMap } from '../../proxy/http/header-map.ts';
import { type HttpResponse, NO_TRAILERS } from '../../proxy/http/message.ts';
import { StreamRecord } from '../../proxy/http/stream-record.ts';
import { validateAuthorizationPolicy } from '../resources/validation/security/authorization-policy.ts';
import { httpAuthorization } from '../translate/security/authorization-filters.ts';
import { input, policy } from '../translate/security/said.fixture.ts';
import { explain } from './explain.ts';
import { readFacts } from './read-facts.ts';
import type { PolicyInForce } from './read-policy.ts';

const DOMAINS = ['cluster.local'];
const SEED = policy(
  '{action: ALLOW, rules: [{from: [{source: {principals: [cluster.local/ns/default/sa/bookinfo-productpage]}}], to: [{operation: {methods: [GET]}}]}]}',
  'name: ratings',
);
const inForce = (policies: readonly PolicyInForce[]) => ({ policies, trustDomains: DOMAINS });
const call = (more: Partial<CallFacts> = {}): CallFacts => ({
  ...{
    transport: 'http',
    principal: '',
    sourceIp: '10.0.0.1',
    remoteIp: '10.0.0.1',
    port: 9080,
    method: 'GET',
    path: '/',
    host: 'ratings',
  },
  ...more,
});
const PRODUCTPAGE = 'spiffe://cluster.local/ns/default/sa/bookinfo-productpage';
const REVIEWS = 'spiffe://cluster.local/ns/default/sa/bookinfo-reviews';

describe('the story', () => {
  it('names the leaf that failed and the edit that would admit the caller', () => {
    const story = explain(inForce([SEED]), call({ principal: REVIEWS }));
    expect(story).toMatchObject({ verdict: 'denied', decidedBy: '' });
    expect(story.policies[0]?.rules[0]?.leaves).toEqual([
      {
        path: 'spec.rules[0].from[0].source.principals',
        wanted: ['cluster.local/ns/default/sa/bookinfo-productpage'],
        excludes: false,
        actual: 'cluster.local/ns/default/sa/bookinfo-reviews',
        held: false,
      },
      { path: 'spec.rules[0].to[0].operation.methods', wanted: ['GET'], excludes: false, actual: 'GET', held: true },
    ]);
    expect(story.change).toEqual([
      {
        policy: 'default/ratings',
        path: 'spec.rules[0].from[0].source.principals',
        edit: 'add',
        value: 'cluster.local/ns/default/sa/bookinfo-reviews',
      },
    ]);
    expect(story.sentence).toContain('wants "cluster.local/ns/default/sa/bookinfo-productpage", and the call has');
  });

  it('knows no edit for a caller without identity, and says where a field stands', () => {
    const placed: PolicyInForce = { ...SEED, origin: { file: 'a.yaml' }, locate: () => ({ line: 12, column: 1 }) };
    const story = explain(inForce([placed]), call());
    expect(story).toMatchObject({ verdict: 'denied', change: [] });
    expect(story.policies[0]?.rules[0]?.leaves[0]).toMatchObject({ actual: 'none', place: { file: 'a.yaml', line: 12 } });
  });

  it('of a DENY names the rule and how to except the call from it', () => {
    const deny = policy('{action: DENY, rules: [{to: [{operation: {paths: ["/admin*"]}}]}]}', 'name: d');
    expect(explain(inForce([SEED, deny]), call({ principal: PRODUCTPAGE, path: '/admin/x' }))).toMatchObject({
      verdict: 'denied',
      decidedBy: 'default/d spec.rules[0]',
      change: [{ policy: 'default/d', path: 'spec.rules[0].to[0].operation.notPaths', edit: 'add', value: '/admin/x' }],
    });
  });

  it('tells what policies that are only tried would have done', () => {
    const tried = policy('{action: DENY, rules: [{}]}', 'name: t, annotations: {istio.io/dry-run: "true"}');
    expect(explain(inForce([SEED, tried]), call({ principal: PRODUCTPAGE }))).toMatchObject({ verdict: 'allowed', dryRun: 'denied' });
  });

  it('does not guess what was not recorded', () => {
    const admin = policy('{rules: [{when: [{key: "request.headers[x-role]", values: [admin]}]}]}');
    const story = explain(inForce([admin]), call());
    expect(story.verdict).toBe('not certain');
    expect(story.policies[0]?.rules[0]?.leaves[0]).toMatchObject({ actual: 'not recorded', held: null });
  });

  it('a policy without rules allows nothing', () => {
    expect(explain(inForce([policy('{}')]), call())).toMatchObject({
      verdict: 'denied',
      change: [{ path: 'spec.rules', edit: 'add rule' }],
    });
  });

  it('on connections, an ALLOW rule about requests never holds, and a DENY rule is without them', () => {
    const tcp = { transport: 'tcp', principal: PRODUCTPAGE, sourceIp: '10.0.0.1', remoteIp: '10.0.0.1', port: 1 } as const;
    expect(explain(inForce([SEED]), tcp).verdict).toBe('denied');
    const deny = policy('{action: DENY, rules: [{to: [{operation: {methods: [POST]}}]}]}');
    expect(explain(inForce([deny]), tcp).verdict).toBe('denied');
  });
});

const ok: HttpResponse = { status: 200, headers: HeaderMap.EMPTY, body: EMPTY_BODY, trailers: NO_TRAILERS };
const HEADERS = ['x-role', '__proto__'];

interface Asked {
  readonly principal: string | undefined;
  readonly method: string;
  readonly path: string;
  readonly host: string;
  readonly port: number;
  readonly remote: string;
  readonly headers: readonly (readonly [string, string])[];
  readonly claims: Readonly<Record<string, unknown>> | undefined;
}

const room = filterRoom({ system: simulatedSystem() });

/** What our proxy answers, and the facts that it left if it refused. */
const answered = async (policies: readonly PolicyInForce[], asked: Asked) => {
  const filters = httpAuthorization(input(policies)).own.flatMap(({ configType }) => {
    if (configType?.$case !== 'typedConfig') return [];
    return filterTypeOf(configType.value.typeUrl).compile(configType.value, room) ?? [];
  });
  const { principal, remote, port, headers, claims, host, ...rest } = asked;
  const local = { address: '10.0.0.2', port };
  const ends = { id: 1, local, remote: { address: remote, port: 1 }, direct: { address: '10.0.0.9', port: 1 } };
  const stream = new StreamRecord(1, { ...ends, ...(principal !== undefined && { peerIdentity: principal }) }, 0, 0);
  if (claims) stream.metadata = { 'envoy.filters.http.jwt_authn': { payload: claims } };
  const request = {
    ...rest,
    authority: host,
    scheme: 'http' as const,
    headers: HeaderMap.of(...headers),
    body: EMPTY_BODY,
    trailers: NO_TRAILERS,
  };
  const allowed = await chain(filters, async () => ok)(request, stream).then(
    () => true,
    () => false,
  );
  return { allowed, recorded: stream.metadata?.['dinghy.authz'] };
};

const factsOf = ({ principal, path, port, remote, method, host, headers, claims }: Asked): CallFacts => ({
  ...{ transport: 'http', principal: principal ?? '', sourceIp: '10.0.0.9', remoteIp: remote, destinationIp: '10.0.0.2', serverName: '' },
  ...{ port, method, host, path: path.replace(/[?#].*/s, '') },
  headers: Object.fromEntries(HEADERS.map((name) => [name, headers.filter(([key]) => key === name).map(([, value]) => value)])),
  claims: { groups: claims?.groups ?? null, iss: claims?.iss ?? null, sub: claims?.sub ?? null, aud: claims?.aud ?? null },
});

const some = (...values: string[]) => fc.uniqueArray(fc.constantFrom(...values), { minLength: 1, maxLength: 2 });
const field = (name: string, values: fc.Arbitrary<string[]>) => {
  const not = `not${name[0]?.toUpperCase()}${name.slice(1)}`;
  return fc.record({ [name]: values, [not]: values }, { requiredKeys: [] });
};
const merged = (...parts: fc.Arbitrary<object>[]) =>
  fc
    .tuple(...parts.map((part) => fc.option(part, { nil: {}, freq: 2 })))
    .map((all) => Object.assign({}, ...all) as object)
    .filter((fields) => Object.keys(fields).length > 0);
const source = merged(
  field('principals', some('cluster.local/ns/a/sa/x', 'cluster.local/ns/a/*', '*/sa/x', '*')),
  field('namespaces', some('a', 'b*', 'a.b')),
  field('ipBlocks', some('10.0.0.0/24', '10.0.0.9', '11.0.0.0/8')),
  field('remoteIpBlocks', some('10.1.0.0/16', '::1')),
  field('requestPrincipals', some('iss/ann', 'iss/*', '*')),
);
const operation = merged(
  field('methods', some('GET', 'POST', '*')),
  field('paths', some('/a', '/a*', '*/b', '*', '/a/{*}/b', '/c/{**}')),
  field('hosts', some('Ratings', 'rat*', '*:9080')),
  field('ports', some('9080', '80')),
);
const condition = fc.oneof(
  fc.record({ key: fc.constantFrom(...HEADERS.map((name) => `request.headers[${name}]`)), values: some('admin', 'a*', '*') }),
  fc.record({ key: fc.constant('request.headers[x-role]'), notValues: some('admin', 'user') }),
  fc.record({ key: fc.constant('request.auth.claims[groups]'), values: some('g', 'h*') }),
  fc.record({ key: fc.constant('request.auth.audiences'), notValues: some('me', '*') }),
  fc.record({ key: fc.constant('source.serviceAccount'), values: some('a/x', 'x') }),
  fc.record({ key: fc.constant('destination.ip'), values: some('10.0.0.0/8', '10.0.0.3') }),
);
const rule = fc.record(
  {
    from: fc.array(fc.record({ source }), { minLength: 1, maxLength: 2 }),
    to: fc.array(fc.record({ operation }), { minLength: 1, maxLength: 2 }),
    when: fc.array(condition, { minLength: 1, maxLength: 2 }),
  },
  { requiredKeys: [] },
);
const policies = fc
  .array(fc.record({ action: fc.constantFrom('ALLOW', 'DENY'), rules: fc.array(rule, { maxLength: 3 }) }), { minLength: 1, maxLength: 3 })
  .map((specs) =>
    specs.map(
      (spec, index) => ({ metadata: { name: `p${index}`, namespace: 'a', labels: {}, annotations: {} }, spec }) as unknown as PolicyInForce,
    ),
  );
const asked: fc.Arbitrary<Asked> = fc.record({
  principal: fc.constantFrom(
    undefined,
    'spiffe://cluster.local/ns/a/sa/x',
    'spiffe://cluster.local/ns/b1/sa/y',
    'spiffe://cluster.local/ns/axb/sa/x',
  ),
  method: fc.constantFrom('GET', 'POST', 'PURGE'),
  path: fc.constantFrom('/a', '/a?b', '/a/x/b', '/a/x/y/b', '/c/', '/c', '/c/d/e?f', '/a/"/b', '/b'),
  host: fc.constantFrom('ratings', 'RATINGS', 'ratings:9080', 'x'),
  port: fc.constantFrom(9080, 80),
  remote: fc.constantFrom('10.1.2.3', '::ffff:10.1.2.3', '::1', '10.0.0.9'),
  headers: fc.array(fc.tuple(fc.constantFrom(...HEADERS), fc.constantFrom('admin', 'user', 'abc', '')), { maxLength: 3 }),
  claims: fc.constantFrom(
    undefined,
    { iss: 'iss', sub: 'ann' },
    { iss: 'iss', sub: 'bob', groups: ['f', 'g'], aud: 'me' },
    { groups: 'h1', aud: [] },
  ),
});

test('the verdict of the story is the proxy’s, from full facts and from those that it records', async () => {
  await fc.assert(
    fc.asyncProperty(policies, asked, async (some, one) => {
      const { allowed, recorded } = await answered(some, one);
      expect(explain(inForce(some), factsOf(one)).verdict).toBe(allowed ? 'allowed' : 'denied');
      if (allowed) return;
      const facts = readFacts({ principal: '', serverName: '', ...recorded });
      expect(facts && explain(inForce(some), facts).verdict).toBe('denied');
    }),
    { numRuns: 150, seed: 4 },
  );
}, 30_000);

/** The edits as somebody would type them: values first, then what is deleted, from below. */
const typed = (policies: readonly PolicyInForce[], change: readonly FieldEdit[]): PolicyInForce[] => {
  const named =
    (name: string) =>
    ({ metadata: { namespace, name: own } }: PolicyInForce) =>
      `${namespace}/${own}` === name;
  const all = policies.map((one) => ({ ...one, spec: structuredClone(one.spec) }));
  const gone = change.filter(({ edit }) => edit === 'remove policy').map(({ policy: name }) => name);
  const order = (edit: FieldEdit): number => (edit.edit === 'remove rule' ? 1 : 0);
  for (const { policy: name, path, edit, value } of change.toSorted((a, b) => order(a) - order(b) || (a.path < b.path ? 1 : -1))) {
    const spec = all.find(named(name))?.spec as never as Record<string, unknown>;
    const steps = path.match(/[^.[\]]+/g)?.slice(1) ?? [];
    const last = steps.pop() ?? '';
    const at = steps.reduce<Record<string, unknown>>((inner, step) => inner[step] as Record<string, unknown>, spec);
    const list = (at[last] ?? []) as string[];
    if (edit === 'add') at[last] = [...list, value];
    if (edit === 'remove') at[last] = list.filter((text) => text !== value);
    if (edit === 'remove rule') (at as unknown as unknown[]).splice(Number(last), 1);
  }
  return all.filter((one) => !gone.some((name) => named(name)(one)));
};

test('the edits that are told admit the call, on the proxy as well, and can be applied', async () => {
  let told = 0;
  await fc.assert(
    fc.asyncProperty(policies, asked, async (some, one) => {
      const { change, verdict } = explain(inForce(some), factsOf(one));
      if (verdict !== 'denied') expect(change).toEqual([]);
      if (change.length === 0 || change.some(({ edit }) => edit === 'add rule')) return;
      told++;
      const after = typed(some, change);
      const valid = (spec: object) => validateAuthorizationPolicy(spec).length === 0;
      for (const [index, { spec }] of some.entries())
        if (valid(spec)) expect(after.filter(({ metadata }) => metadata.name === `p${index}`).every((left) => valid(left.spec))).toBe(true);
      expect(explain(inForce(after), factsOf(one)).verdict).toBe('allowed');
      expect((await answered(after, one)).allowed).toBe(true);
    }),
    { numRuns: 200, seed: 5 },
  );
  expect(told).toBeGreaterThan(40);
}, 30_000);

describe('what to change', () => {
  const deny = (name: string, rules: string) => policy(`{action: DENY, rules: ${rules}}`, `name: ${name}`);

  it('of a DENY looks at every policy: what else denies, and what then allows', () => {
    const both = [
      deny('a', '[{to: [{operation: {paths: ["/x*"]}}]}]'),
      deny('b', '[{to: [{operation: {methods: [GET]}}]}, {to: [{operation: {methods: [PUT]}}]}]'),
      SEED,
    ];
    const { change, sentence } = explain(inForce(both), call({ principal: REVIEWS, path: '/x' }));
    expect(change.map(({ policy: name, path, edit, value }) => `${name} ${path} ${edit} ${value}`)).toEqual([
      'default/a spec.rules[0].to[0].operation.notPaths add /x',
      'default/b spec.rules[0].to[0].operation.notMethods add GET',
      'default/ratings spec.rules[0].from[0].source.principals add cluster.local/ns/default/sa/bookinfo-reviews',
    ]);
    expect(sentence).toContain(', and add "GET"');
  });

  it('takes away only the value that stands in the way, and a policy that denies everything', () => {
    const not = policy('{rules: [{to: [{operation: {methods: [GET], notPaths: ["/a", "/b*"]}}]}]}');
    expect(explain(inForce([not]), call({ path: '/b1' })).change).toMatchObject([{ edit: 'remove', value: '/b*' }]);
    expect(explain(inForce([deny('all', '[{}]')]), call()).change).toMatchObject([{ policy: 'default/all', edit: 'remove policy' }]);
  });

  it('says when what is asked afterwards was not recorded', () => {
    const admin = policy('{rules: [{when: [{key: "request.headers[x-role]", values: [admin]}]}]}');
    const story = explain(inForce([deny('d', '[{to: [{operation: {methods: [GET]}}]}]'), admin]), call({ refusedBy: 'DENY' }));
    expect(story.change).toMatchObject([{ policy: 'default/d', edit: 'add', value: 'GET' }]);
    expect(story.sentence).toContain('was not recorded');
  });
});

describe('what no ALLOW or DENY rule refused', () => {
  const custom = policy('{action: CUSTOM, provider: {name: ask}, rules: [{to: [{operation: {paths: ["/c*"]}}]}]}', 'name: c');
  const told = (details: string | undefined, path = '/c') => explain(inForce([custom]), call({ path, ...(details && { details }) }));

  it.each([
    ['ext_authz_denied', 'denied', 'the authorizer refused it: CUSTOM policy default/c asks ask, as spec.rules[0] matched'],
    ['ext_authz_error', 'denied', 'could not be asked'],
    [
      'rbac_access_denied_matched_policy[istio-ext-authz-ask-ns[default]-policy[c]-rule[0]-deny-due-to-bad-CUSTOM-action]',
      'denied',
      'its provider is not known',
    ],
    [undefined, 'not certain', 'what it said was not recorded'],
    ['via_upstream', 'allowed', 'no DENY policy matched'],
  ])('%s with a CUSTOM policy', (details, verdict, words) => {
    const story = told(details);
    expect(story).toMatchObject({ verdict, change: [] });
    expect(story.sentence).toContain(words);
    if (verdict === 'denied') expect(story.decidedBy).toBe('default/c spec.rules[0]');
  });

  it('what a CUSTOM policy does not ask about is allowed', () => {
    expect(told(undefined, '/d').verdict).toBe('allowed');
  });

  it('a token that was refused is told with the issuers that are believed', () => {
    const tokens = [{ metadata: { namespace: 'default', name: 'jwt' }, spec: { jwtRules: [{ issuer: 'ann' }] } }] as never;
    const story = explain({ ...inForce([SEED]), tokens }, call({ details: 'jwt_authn_access_denied{Jwt_is_expired}' }));
    expect(story).toMatchObject({ verdict: 'denied', change: [] });
    expect(story.sentence).toContain('its token was refused (Jwt is expired); RequestAuthentication default/jwt believes ann');
  });
});

test.each([undefined, null, [], 'x', { headers: { a: [1] }, claims: [], port: 1e9, method: 7 }])(
  '%j is no call, or one of which nothing was recorded',
  (value) => {
    const facts = readFacts(value);
    expect(facts === undefined || explain(inForce([SEED]), facts).verdict === 'denied').toBe(true);
  },
);
