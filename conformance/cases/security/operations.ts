/** What is asked for: `to.operation` of a policy, and `when`. */
import { type Ask, type ConformanceCase, defineCase, type MeshUnderTest } from '../../define-case.ts';
import { expectContains, expectEqual, expectThat } from '../../expect.ts';
import { head } from '../protocol/wire.ts';
import { at, expectAllowed, expectDenied, FROM_PRODUCTPAGE, FROM_VISITOR, PRODUCTPAGE, reviewsPolicy } from './policies.ts';

const OPERATION = 'Istio AuthorizationPolicy, Operation';
const CONDITION = 'Istio authorization policy conditions';

type Asks = Readonly<Record<string, Partial<Ask>>>;

/** Another host is no service of the mesh: who asks for it goes straight to the workload. */
const askedOfItself = async (mesh: MeshUnderTest, host: string): Promise<number> => {
  await using wire = await mesh.reach('reviews-v1', 9080);
  wire.write(head('GET /public HTTP/1.1', `Host: ${host}`, 'Connection: close'));
  return Number(/^HTTP\/1\.1 (\d{3})/.exec(await wire.untilClosed())?.[1]);
};

const expectEach = async (mesh: MeshUnderTest, allowed: Asks, denied: Asks): Promise<void> => {
  for (const [asks, status] of [
    [allowed, 200],
    [denied, 403],
  ] as const)
    for (const [who, ask] of Object.entries(asks)) {
      const other = ask.headers?.Host;
      if (other !== undefined) expectEqual(`status for ${who}`, await askedOfItself(mesh, other), status);
      else if (status === 200) await expectAllowed(mesh, who, ask);
      else await expectDenied(mesh, who, ask);
    }
};

const paths = (...list: readonly string[]): Asks => Object.fromEntries(list.map((path) => [path, at(path)]));

interface RuleCase {
  readonly id: ConformanceCase['id'];
  readonly claim: string;
  readonly source: string;
  readonly rule: string;
  readonly matching: Asks;
  readonly others: Asks;
  readonly killedBy: readonly string[];
  readonly profile?: ConformanceCase['profile'];
}

/** Both ways: as ALLOW the matching pass and the others do not, as DENY the other way round. */
const ruleCase = ({ id, claim, source, rule, matching, others, killedBy, profile = 'core' }: RuleCase): ConformanceCase =>
  defineCase({
    id,
    claim,
    source,
    profile,
    apply: reviewsPolicy(`action: ALLOW\nrules: [${rule}]`),
    killedBy,
    labs: [],
    async run(mesh) {
      await expectEach(mesh, matching, others);
      await mesh.apply(reviewsPolicy(`action: DENY\nrules: [${rule}]`));
      await expectEach(mesh, others, matching);
    },
  });

const operation = (fields: string): string => `{ to: [{ operation: { ${fields} } }] }`;
const when = (fields: string): string => `{ when: [{ ${fields} }] }`;
const role = (value: string): Partial<Ask> => ({ headers: { 'x-role': value } });
const method = (name: string): Partial<Ask> => ({ method: name, ...(name === 'POST' && { body: 'x' }) });
const host = (name: string): Partial<Ask> => ({ headers: { Host: name } });

/** SEC-AUTHZ-040 to 056. */
export const authorizationOperations: readonly ConformanceCase[] = [
  ruleCase({
    id: 'SEC-AUTHZ-040',
    claim: 'A path without a star is compared as a whole, and the query is none of it.',
    source: OPERATION,
    rule: operation('paths: ["/admin"]'),
    matching: paths('/admin', '/admin?x', '/admin?'),
    others: paths('/admin/', '/administrator', '/x/admin', '/Admin'),
    killedBy: ['MUT-AUTHZ-QUERY-IN-PATH'],
  }),
  ruleCase({
    id: 'SEC-AUTHZ-041',
    claim: 'A path that ends with * is a prefix, one that begins with * a suffix.',
    source: OPERATION,
    rule: operation('paths: ["/open/*", "*.css"]'),
    matching: paths('/open/', '/open/a/b', '/x/y.css', '/.css?v=1'),
    others: paths('/open', '/x.css.bak', '/o'),
    killedBy: ['MUT-PATH-WILDCARD-WIDE'],
  }),
  ruleCase({
    id: 'SEC-AUTHZ-042',
    claim: '{*} is one segment of a path, {**} any number of them.',
    source: `${OPERATION}: path templates`,
    rule: operation('paths: ["/user/{*}/data", "/static/{**}"]'),
    matching: paths('/user/7/data', '/static/a', '/static/a/b/c'),
    others: paths('/user/data', '/user/7/8/data', '/user//data', '/user/7/data/x', '/statically'),
    killedBy: ['MUT-TEMPLATE-CROSSES-SLASH'],
  }),
  ruleCase({
    id: 'SEC-AUTHZ-043',
    claim: 'Methods are compared to the letter.',
    source: OPERATION,
    rule: operation('methods: [GET, HEAD, post]'),
    matching: { GET: method('GET') },
    others: { POST: method('POST'), DELETE: method('DELETE') },
    killedBy: ['MUT-AUTHZ-METHOD-IGNORED', 'MUT-AUTHZ-METHOD-CASE'],
  }),
  ruleCase({
    id: 'SEC-AUTHZ-044',
    claim: 'A host is compared without regard to case and with its port, when it has one.',
    source: OPERATION,
    rule: operation('hosts: ["secret.example", "*.internal.example"]'),
    matching: {
      'secret.example': host('secret.example'),
      'SECRET.Example': host('SECRET.Example'),
      'a.internal.example': host('a.internal.example'),
    },
    others: {
      'secret.example:8080': host('secret.example:8080'),
      'secret.example.org': host('secret.example.org'),
      'internal.example': host('internal.example'),
    },
    killedBy: ['MUT-HOST-CASE'],
  }),
  ruleCase({
    id: 'SEC-AUTHZ-045',
    claim: 'Ports are the workload’s own.',
    source: OPERATION,
    rule: operation('ports: ["9080"]'),
    matching: { 'port 9080': {} },
    others: {},
    killedBy: [],
  }),
  ruleCase({
    id: 'SEC-AUTHZ-046',
    claim: 'Another port does not match.',
    source: OPERATION,
    rule: operation('ports: ["9081"]'),
    matching: {},
    others: { 'port 9080': {} },
    killedBy: ['MUT-AUTHZ-PORT-IGNORED'],
  }),
  ruleCase({
    id: 'SEC-AUTHZ-047',
    claim: 'notPaths, notMethods and notHosts exclude; fields of one operation must all hold.',
    source: OPERATION,
    rule: operation('methods: [GET], notPaths: ["/private*"], notHosts: ["blocked.example"]'),
    matching: paths('/public'),
    others: { '/private': at('/private'), POST: method('POST'), 'a host that is excluded': host('blocked.example') },
    killedBy: ['MUT-AUTHZ-NOT-IGNORED'],
  }),
  ruleCase({
    id: 'SEC-AUTHZ-050',
    claim: 'A header condition wants one of its values; a request without the header does not match.',
    source: CONDITION,
    rule: when('key: "request.headers[x-role]", values: ["admin", "ops-*"]'),
    matching: { admin: role('admin'), 'ops-7': role('ops-7') },
    others: { 'no header': {}, user: role('user'), Admin: role('Admin'), admin2: role('admin2') },
    killedBy: ['MUT-AUTHZ-CONDITION-IGNORED'],
  }),
  ruleCase({
    id: 'SEC-AUTHZ-051',
    claim: 'notValues of a header match every other value, and a request without the header.',
    source: CONDITION,
    rule: when('key: "request.headers[x-role]", notValues: ["guest"]'),
    matching: { 'no header': {}, user: role('user') },
    others: { guest: role('guest') },
    killedBy: ['MUT-AUTHZ-NOT-IGNORED'],
  }),
  ruleCase({
    id: 'SEC-AUTHZ-052',
    claim: 'source.principal and source.namespace in when mean the same as in from.',
    source: CONDITION,
    rule: `{ when: [{ key: source.principal, values: ["${PRODUCTPAGE}"] }, { key: source.namespace, values: [default] }] }`,
    matching: { productpage: FROM_PRODUCTPAGE },
    others: { 'the visitor': FROM_VISITOR },
    killedBy: [],
  }),
  ruleCase({
    id: 'SEC-AUTHZ-053',
    claim: 'destination.port and destination.ip are those of the workload.',
    source: CONDITION,
    rule: '{ when: [{ key: destination.port, values: ["9080"] }, { key: destination.ip, values: ["127.0.0.0/8"] }] }',
    matching: { 'a call on loopback': {} },
    others: {},
    killedBy: [],
    profile: 'extended',
  }),
  ruleCase({
    id: 'SEC-AUTHZ-054',
    claim: 'connection.sni is the server name of the handshake: for a call within the mesh it names the service.',
    source: CONDITION,
    rule: when('key: connection.sni, values: ["outbound_.9080_._.reviews.default.svc.cluster.local"]'),
    matching: { productpage: FROM_PRODUCTPAGE },
    others: {},
    killedBy: [],
    profile: 'extended',
  }),
  defineCase({
    id: 'SEC-AUTHZ-055',
    claim: 'A key of when that does not exist is refused when it is applied, with its place.',
    source: `${CONDITION}; security: a condition that is silently ignored allows`,
    // istiod names no field.
    controlPlanes: ['dinghy'],
    profile: 'core',
    apply: '',
    killedBy: [],
    labs: [],
    async run(mesh) {
      const problems = await mesh.refused(reviewsPolicy('action: DENY\nrules: [{ when: [{ key: "request.header[x]", values: [a] }] }]'));
      expectThat('problems', problems.length > 0, 'at least one', problems);
      expectContains('problem', problems.join('\n'), 'spec.rules[0].when[0].key');
    },
  }),
  defineCase({
    id: 'SEC-AUTHZ-056',
    claim: 'A DENY policy without rules, an operation without a field and a star within a path are refused when they are applied.',
    source: 'Istio validation of AuthorizationPolicy',
    // istiod takes a star within a path for a letter: a policy that matches nothing.
    controlPlanes: ['dinghy'],
    profile: 'extended',
    apply: '',
    killedBy: [],
    labs: [],
    async run(mesh) {
      for (const spec of ['action: DENY', 'rules: [{ to: [{ operation: {} }] }]', 'rules: [{ to: [{ operation: { paths: ["/a*b"] } }] }]'])
        expectThat(`problems of ${spec}`, (await mesh.refused(reviewsPolicy(spec))).length > 0, 'at least one', []);
    },
  }),
];
