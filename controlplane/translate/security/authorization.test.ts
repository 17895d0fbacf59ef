/** What istiod makes of the same policies, in few words. Source: its output for each of these documents. */
import { expect, test } from 'vitest';
import { httpAuthorization, tcpAuthorization } from './authorization-filters.ts';
import { input, plain, policy, said, sayFilter } from './said.fixture.ts';

const rule = (policySpec: string, transport: 'http' | 'tcp' = 'http'): string | undefined =>
  said([policy(policySpec)], transport)['ns[default]-policy[p]-rule[0]'];

/** [rule, what it becomes on HTTP, what on TCP; undefined: the rule is gone]. All ALLOW. */
const ALLOW_ROWS: readonly (readonly [string, string, string | undefined])[] = [
  ['{}', 'any <- any', 'any <- any'],
  ['{to: [{operation: {methods: [GET, "PO*"]}}]}', '(:method = GET | :method ^= PO) <- any', undefined],
  ['{to: [{operation: {paths: [/exact, "/p*", "*/s", "*"]}}]}', '(path = /exact | path ^= /p | path $= /s | path ~ .+) <- any', undefined],
  ['{to: [{operation: {paths: ["/a/{*}/b", "/c/{**}"]}}]}', '(template /a/*/b | template /c/**) <- any', undefined],
  [
    '{to: [{operation: {hosts: [a.b, "*.example.com", "a.b:*", "*"]}}]}',
    '(:authority =i a.b | :authority $=i .example.com | :authority ^=i a.b: | :authority there) <- any',
    undefined,
  ],
  ['{to: [{operation: {ports: ["9080"]}}]}', 'port 9080 <- any', 'port 9080 <- any'],
  ['{to: [{operation: {notMethods: [DELETE]}}]}', 'not :method = DELETE <- any', undefined],
  ['{to: [{operation: {notPorts: ["1", "2"]}}]}', 'not (port 1 | port 2) <- any', 'not (port 1 | port 2) <- any'],
  [
    '{to: [{operation: {hosts: [h], methods: [GET], paths: [/p], ports: ["1"], notPaths: [/q]}}]}',
    '(:authority =i h & :method = GET & path = /p & not path = /q & port 1) <- any',
    undefined,
  ],
  [
    '{from: [{source: {principals: [cluster.local/ns/n/sa/s]}}]}',
    'any <- who = spiffe://cluster.local/ns/n/sa/s',
    'any <- who = spiffe://cluster.local/ns/n/sa/s',
  ],
  ['{from: [{source: {principals: ["*/sa/x.y"]}}]}', 'any <- who ~ spiffe://.*/sa/x\\.y', 'any <- who ~ spiffe://.*/sa/x\\.y'],
  [
    '{from: [{source: {principals: ["cluster.local/*", "*"]}}]}',
    'any <- (who ^= spiffe://cluster.local/ | who ~ .+)',
    'any <- (who ^= spiffe://cluster.local/ | who ~ .+)',
  ],
  ['{from: [{source: {notPrincipals: ["*"]}}]}', 'any <- not who ~ .+', 'any <- not who ~ .+'],
  [
    '{from: [{source: {namespaces: [n.o, "pre*"]}}]}',
    'any <- (who ~ .*/ns/n\\.o/.* | who ~ .*/ns/pre.*/.*)',
    'any <- (who ~ .*/ns/n\\.o/.* | who ~ .*/ns/pre.*/.*)',
  ],
  [
    '{from: [{source: {serviceAccounts: [my.app, o/d]}}]}',
    'any <- (who ~ spiffe://.+/ns/default/(.+/|)sa/my\\.app(/.+)? | who ~ spiffe://.+/ns/o/(.+/|)sa/d(/.+)?)',
    'any <- (who ~ spiffe://.+/ns/default/(.+/|)sa/my\\.app(/.+)? | who ~ spiffe://.+/ns/o/(.+/|)sa/d(/.+)?)',
  ],
  [
    '{from: [{source: {trustDomains: [td, "*", "a*c"]}}]}',
    'any <- (who ^= spiffe://td/ | who ^= spiffe:// | who ~ spiffe://a[^/]*c/.*)',
    'any <- (who ^= spiffe://td/ | who ^= spiffe:// | who ~ spiffe://a[^/]*c/.*)',
  ],
  [
    '{from: [{source: {ipBlocks: [10.0.0.0/8, 127.0.1.10, "::1"], remoteIpBlocks: [192.168.0.0/16]}}]}',
    'any <- (client 192.168.0.0/16 & (peer 10.0.0.0/8 | peer 127.0.1.10/32 | peer ::1/128))',
    'any <- (client 192.168.0.0/16 & (peer 10.0.0.0/8 | peer 127.0.1.10/32 | peer ::1/128))',
  ],
  [
    '{from: [{source: {requestPrincipals: [https://i/s]}}]}',
    'any <- (jwt_authn:payload.iss = https://i & jwt_authn:payload.sub = s)',
    undefined,
  ],
  ['{from: [{source: {requestPrincipals: ["*"]}}]}', 'any <- (jwt_authn:payload.iss ~ .+ & jwt_authn:payload.sub ~ .+)', undefined],
  ['{from: [{source: {requestPrincipals: ["i/*"]}}]}', 'any <- (jwt_authn:payload.iss = i & jwt_authn:payload.sub ~ .+)', undefined],
  ['{from: [{source: {requestPrincipals: ["i/s*"]}}]}', 'any <- (jwt_authn:payload.iss = i & jwt_authn:payload.sub ^= s)', undefined],
  ['{from: [{source: {requestPrincipals: ["*i/s"]}}]}', 'any <- (jwt_authn:payload.iss $= i & jwt_authn:payload.sub = s)', undefined],
  ['{from: [{source: {requestPrincipals: ["*/s"]}}]}', 'any <- (jwt_authn:payload.iss ~ .+ & jwt_authn:payload.sub = s)', undefined],
  ['{from: [{source: {requestPrincipals: ["*s"]}}]}', 'any <- (jwt_authn:payload.iss ~ .+ & jwt_authn:payload.sub $= s)', undefined],
  ['{from: [{source: {requestPrincipals: ["i*"]}}]}', 'any <- (jwt_authn:payload.iss ^= i & jwt_authn:payload.sub ~ .+)', undefined],
  ['{from: [{source: {notRequestPrincipals: ["*"]}}]}', 'any <- not (jwt_authn:payload.iss ~ .+ & jwt_authn:payload.sub ~ .+)', undefined],
  [
    '{when: [{key: "request.headers[X-Role]", values: [a, "b*", "*c", "*"]}]}',
    'any <- (X-Role = a | X-Role ^= b | X-Role $= c | X-Role there)',
    undefined,
  ],
  ['{when: [{key: "request.headers[__proto__]", notValues: [a]}]}', 'any <- not __proto__ = a', undefined],
  ['{when: [{key: source.ip, values: [10.0.0.1]}]}', 'any <- peer 10.0.0.1/32', 'any <- peer 10.0.0.1/32'],
  ['{when: [{key: remote.ip, notValues: [10.0.0.0/8]}]}', 'any <- not client 10.0.0.0/8', 'any <- not client 10.0.0.0/8'],
  ['{when: [{key: source.namespace, values: [n]}]}', 'any <- who ~ .*/ns/n/.*', 'any <- who ~ .*/ns/n/.*'],
  [
    '{when: [{key: source.principal, values: [cluster.local/ns/n/sa/s]}]}',
    'any <- who = spiffe://cluster.local/ns/n/sa/s',
    'any <- who = spiffe://cluster.local/ns/n/sa/s',
  ],
  [
    '{when: [{key: source.serviceAccount, values: [n/s]}]}',
    'any <- who ~ spiffe://.+/ns/n/(.+/|)sa/s(/.+)?',
    'any <- who ~ spiffe://.+/ns/n/(.+/|)sa/s(/.+)?',
  ],
  ['{when: [{key: request.auth.principal, values: [i/s]}]}', 'any <- (jwt_authn:payload.iss = i & jwt_authn:payload.sub = s)', undefined],
  [
    '{when: [{key: request.auth.audiences, values: [a, "b*"]}]}',
    'any <- jwt_authn:payload.aud (has (= a or ^= b) or (= a or ^= b))',
    undefined,
  ],
  ['{when: [{key: request.auth.presenter, values: [a]}]}', 'any <- jwt_authn:payload.azp (has = a or = a)', undefined],
  ['{when: [{key: "request.auth.claims[a][b.c]", values: [v]}]}', 'any <- jwt_authn:payload.a.b.c (has = v or = v)', undefined],
  ['{when: [{key: destination.ip, values: [10.0.0.0/8]}]}', 'to 10.0.0.0/8 <- any', 'to 10.0.0.0/8 <- any'],
  ['{when: [{key: destination.port, values: ["80"]}]}', 'port 80 <- any', 'port 80 <- any'],
  ['{when: [{key: connection.sni, values: ["*.a", b]}]}', '(sni $= .a | sni = b) <- any', '(sni $= .a | sni = b) <- any'],
  [
    '{from: [{source: {namespaces: [a]}}, {source: {namespaces: [b]}}], to: [{operation: {ports: ["1"]}}, {operation: {ports: ["2"]}}]}',
    'port 1 | port 2 <- who ~ .*/ns/a/.* | who ~ .*/ns/b/.*',
    'port 1 | port 2 <- who ~ .*/ns/a/.* | who ~ .*/ns/b/.*',
  ],
  [
    '{from: [{source: {namespaces: [a]}}], when: [{key: source.ip, values: [10.0.0.1]}, {key: destination.port, values: ["1"]}]}',
    'port 1 <- (who ~ .*/ns/a/.* & peer 10.0.0.1/32)',
    'port 1 <- (who ~ .*/ns/a/.* & peer 10.0.0.1/32)',
  ],
];

test.each(ALLOW_ROWS)('ALLOW %s', (written, http, tcp) => {
  expect(rule(`{rules: [${written}]}`)).toBe(http);
  expect(rule(`{rules: [${written}]}`, 'tcp')).toBe(tcp);
});

test.each(ALLOW_ROWS)('DENY %s: the same on HTTP, and on TCP never less', (written, http, tcp) => {
  expect(rule(`{action: DENY, rules: [${written}]}`)).toBe(http);
  const denied = rule(`{action: DENY, rules: [${written}]}`, 'tcp');
  if (tcp !== undefined) expect(denied).toBe(tcp);
  else expect(denied).toMatch(/^(?:any|port 1) <- any$/);
});

test('an ALLOW without rules allows nothing, and takes a filter of its own on both kinds of chains', () => {
  expect(rule('{}')).toBe('not any <- not any');
  expect(rule('{}', 'tcp')).toBe('not any <- not any');
});

test('what cannot be read takes an ALLOW rule away and is ignored by a DENY rule, so neither lets more through', () => {
  for (const bad of [
    '{to: [{operation: {ports: ["x"]}}]}',
    '{from: [{source: {ipBlocks: [1.2.3.4/99]}}]}',
    '{when: [{key: "request.header[x]", values: [a]}]}',
  ]) {
    expect(said([policy(`{rules: [${bad}]}`)])).toEqual({});
    expect(rule(`{action: DENY, rules: [${bad}]}`)).toBe('any <- any');
  }
});

test('a principal of the mesh also holds under its aliases; one of a stranger or of any trust domain stays alone', () => {
  const trustDomains = ['new.td', 'old.td'];
  const whoOf = (principal: string) =>
    said([policy(`{rules: [{from: [{source: {principals: ["${principal}"]}}]}]}`)], 'http', { trustDomains })[
      'ns[default]-policy[p]-rule[0]'
    ];
  const both = 'any <- (who = spiffe://new.td/ns/n/sa/s | who = spiffe://old.td/ns/n/sa/s)';
  expect(whoOf('cluster.local/ns/n/sa/s')).toBe(both);
  expect(whoOf('old.td/ns/n/sa/s')).toBe(both);
  expect(whoOf('strange.td/ns/n/sa/s')).toBe('any <- who = spiffe://strange.td/ns/n/sa/s');
  expect(whoOf('*/ns/n/sa/s')).toBe('any <- who ~ spiffe://.*/ns/n/sa/s');
  expect(whoOf('*.td/ns/n/sa/s')).toBe('any <- who ~ spiffe://.*\\.td/ns/n/sa/s');
});

const MIXED = [
  policy('{action: ALLOW, rules: [{}]}', 'name: a'),
  policy('{action: DENY, rules: [{to: [{operation: {methods: [DELETE]}}]}]}', 'name: d'),
  policy('{action: AUDIT, rules: [{}]}', 'name: u'),
  policy('{action: DENY, rules: [{to: [{operation: {ports: ["1"]}}]}]}', 'name: d2, namespace: istio-system'),
];

test('one filter an action, AUDIT before DENY before ALLOW, root namespace and own namespace together', () => {
  const { custom, own } = httpAuthorization(input(MIXED));
  expect(custom).toEqual([]);
  expect(own.map(plain).map(({ config }) => config.rules.action ?? 'ALLOW')).toEqual(['LOG', 'DENY', 'ALLOW']);
  expect(own.map((filter) => Object.keys(sayFilter(filter)))).toEqual([
    ['ns[default]-policy[u]-rule[0]'],
    ['ns[default]-policy[d]-rule[0]', 'ns[istio-system]-policy[d2]-rule[0]'],
    ['ns[default]-policy[a]-rule[0]'],
  ]);
  expect(
    tcpAuthorization(input(MIXED))
      .own.map(plain)
      .map(({ config }) => config.statPrefix),
  ).toEqual(['tcp.', 'tcp.', 'tcp.']);
});

test.each(['ALLOW', 'DENY'])('a policy that is only tried stands beside those in force: %s', (action) => {
  const enforced = policy(`{action: ${action}, rules: [{}]}`);
  const tried = (value: string) =>
    policy(`{action: ${action}, rules: [{to: [{operation: {paths: [/dry]}}]}]}`, `name: t, annotations: {istio.io/dry-run: "${value}"}`);
  const [filter] = httpAuthorization(input([enforced, tried('true')])).own.map(plain);
  expect(Object.keys(filter?.config.rules.policies)).toEqual(['ns[default]-policy[p]-rule[0]']);
  expect(Object.keys(filter?.config.shadowRules.policies)).toEqual(['ns[default]-policy[t]-rule[0]']);
  expect(filter?.config.shadowRulesStatPrefix).toBe(`istio_dry_run_${action.toLowerCase()}_`);
  const [alone] = httpAuthorization(input([tried('true')])).own.map(plain);
  expect(alone?.config.rules).toBeUndefined();
  const [inForce] = httpAuthorization(input([tried('false')])).own.map(plain);
  expect(inForce?.config.shadowRules).toBeUndefined();
});
