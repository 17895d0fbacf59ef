/** Who asks: `from.source` of a policy. Each ALLOW has its DENY twin: the one caller passes, the other does not. */
import { type ConformanceCase, defineCase, type MeshUnderTest } from '../../define-case.ts';
import { expectContains, expectEqual, expectThat } from '../../expect.ts';
import { HOST, head } from '../protocol/wire.ts';
import { expectAllowed, expectDenied, FROM_PRODUCTPAGE, FROM_VISITOR, PRODUCTPAGE, policy, reviewsPolicy, VISITOR } from './policies.ts';
import { answerOver, FORBIDDEN, fate, LIKE_PRODUCTPAGE, oneRequest, SPIFFE } from './strangers.ts';

const SOURCE = 'Istio AuthorizationPolicy, Source';

const allow = (source: string): string => reviewsPolicy(`action: ALLOW\nrules: [{ from: [{ source: ${source} }] }]`);
const deny = (source: string): string => reviewsPolicy(`action: DENY\nrules: [{ from: [{ source: ${source} }] }]`);

/** productpage is one whom the source means, the visitor is not. */
const tellsApart =
  (source: string) =>
  async (mesh: MeshUnderTest): Promise<void> => {
    await expectAllowed(mesh, 'productpage, under ALLOW', FROM_PRODUCTPAGE);
    await expectDenied(mesh, 'the visitor, under ALLOW', FROM_VISITOR);
    await mesh.apply(deny(source));
    await expectDenied(mesh, 'productpage, under DENY', FROM_PRODUCTPAGE);
    await expectAllowed(mesh, 'the visitor, under DENY', FROM_VISITOR);
  };

const sourceCase = (
  id: ConformanceCase['id'],
  claim: string,
  source: string,
  killedBy: readonly string[],
  profile: ConformanceCase['profile'] = 'core',
): ConformanceCase => defineCase({ id, claim, source: SOURCE, profile, apply: allow(source), killedBy, labs: [], run: tellsApart(source) });

/** A request in plain text from nobody that the mesh knows; gives the whole answer. */
export const askAsStranger = async (mesh: MeshUnderTest, workload: string, ...fields: readonly string[]): Promise<string> => {
  await using wire = await mesh.reach(workload, 9080);
  wire.write(head('GET /reviews/0 HTTP/1.1', HOST, ...fields, 'Connection: close'));
  return await wire.untilClosed();
};

const statusLine = (text: string): string => text.slice(0, text.indexOf('\r\n'));

/** SEC-AUTHZ-020 to 032. */
export const authorizationSources: readonly ConformanceCase[] = [
  sourceCase('SEC-AUTHZ-020', 'A principal is compared as a whole.', `{ principals: ["${PRODUCTPAGE}", "${VISITOR.slice(0, -1)}"] }`, [
    'MUT-PRINCIPAL-BY-SUBSTRING',
  ]),
  sourceCase('SEC-AUTHZ-021', 'A principal that ends with * is a prefix.', '{ principals: ["cluster.local/ns/default/*"] }', [
    'MUT-PRINCIPAL-WILDCARD-WIDE',
  ]),
  sourceCase('SEC-AUTHZ-022', 'A principal that begins with * is a suffix.', '{ principals: ["*/sa/bookinfo-productpage"] }', [
    'MUT-PRINCIPAL-WILDCARD-WIDE',
  ]),
  sourceCase('SEC-AUTHZ-023', 'A namespace is that of the caller’s identity, not of its address.', '{ namespaces: [default, else] }', [
    'MUT-NAMESPACE-BY-SUBSTRING',
  ]),
  sourceCase(
    'SEC-AUTHZ-024',
    'A service account is NAMESPACE/ACCOUNT of the caller’s identity.',
    '{ serviceAccounts: [default/bookinfo-productpage] }',
    [],
  ),
  sourceCase(
    'SEC-AUTHZ-025',
    'notPrincipals excludes, and notNamespaces too.',
    '{ notPrincipals: ["*/sa/bookinfo-visitor"], notNamespaces: [other] }',
    ['MUT-AUTHZ-NOT-IGNORED'],
  ),
  defineCase({
    id: 'SEC-AUTHZ-026',
    claim: 'A principal of * means: anybody with an identity. A caller in plain text has none.',
    source: SOURCE,
    profile: 'core',
    apply: allow('{ principals: ["*"] }'),
    killedBy: ['MUT-AUTHZ-BEFORE-IDENTITY'],
    labs: [],
    async run(mesh) {
      await expectAllowed(mesh, 'the visitor', FROM_VISITOR);
      expectEqual('status for a stranger in plain text', statusLine(await askAsStranger(mesh, 'reviews-v1')), 'HTTP/1.1 403 Forbidden');
    },
  }),
  defineCase({
    id: 'SEC-AUTHZ-027',
    claim: 'A caller in plain text matches no principal and no namespace, and is none of notPrincipals either.',
    source: `${SOURCE}: "this field requires mTLS enabled"`,
    profile: 'core',
    apply: allow(`{ principals: ["${PRODUCTPAGE}"] }`),
    killedBy: [],
    labs: [],
    async run(mesh) {
      expectContains('answer to a stranger', await askAsStranger(mesh, 'reviews-v1'), 'RBAC: access denied');
      await mesh.apply(allow(`{ notPrincipals: ["${PRODUCTPAGE}"] }`));
      expectEqual('status for a stranger under notPrincipals', statusLine(await askAsStranger(mesh, 'reviews-v1')), 'HTTP/1.1 200 OK');
    },
  }),
  defineCase({
    id: 'SEC-AUTHZ-028',
    claim: 'A client that writes somebody’s identity into x-forwarded-client-cert does not become that somebody.',
    source: 'Envoy forward_client_cert_details; Istio security model',
    profile: 'core',
    apply: allow(`{ principals: ["${PRODUCTPAGE}"] }`),
    killedBy: ['MUT-IDENTITY-FROM-HEADER'],
    labs: [],
    async run(mesh) {
      const forged = `x-forwarded-client-cert: By=spiffe://cluster.local/ns/default/sa/bookinfo-reviews;URI=spiffe://${PRODUCTPAGE}`;
      expectEqual('status', statusLine(await askAsStranger(mesh, 'reviews-v1', forged)), 'HTTP/1.1 403 Forbidden');
      const visitor = { ...LIKE_PRODUCTPAGE, certificate: { uris: [SPIFFE.visitor] } };
      expectEqual(
        'fate of one with a certificate',
        fate(await answerOver(mesh, 'reviews-v1', visitor, oneRequest(forged).bytes)),
        FORBIDDEN,
      );
    },
  }),
  defineCase({
    id: 'SEC-AUTHZ-029',
    claim: 'A dot in a service account is a dot, not any character.',
    source: 'CVE-2026-39350',
    profile: 'core',
    apply: allow('{ serviceAccounts: ["default/bookinfo.productpage"] }'),
    killedBy: ['MUT-ACCOUNT-DOT-UNESCAPED'],
    labs: [],
    run: async (mesh) => void (await expectDenied(mesh, 'bookinfo-productpage', FROM_PRODUCTPAGE)),
  }),
  defineCase({
    id: 'SEC-AUTHZ-030',
    claim: 'ipBlocks are compared with the address at the other end of the connection.',
    source: SOURCE,
    profile: 'core',
    apply: allow('{ ipBlocks: ["127.0.0.0/8"] }'),
    killedBy: ['MUT-IP-BLOCK-IGNORED'],
    labs: [],
    async run(mesh) {
      await expectAllowed(mesh, 'a caller on loopback', FROM_PRODUCTPAGE);
      await mesh.apply(allow('{ ipBlocks: ["10.0.0.0/8", "2001:db8::/32"] }'));
      await expectDenied(mesh, 'a caller on loopback, when only 10.0.0.0/8 may', FROM_PRODUCTPAGE);
      await mesh.apply(allow('{ notIpBlocks: ["127.0.0.0/8"] }'));
      await expectDenied(mesh, 'a caller on loopback, when that is excluded', FROM_PRODUCTPAGE);
    },
  }),
  defineCase({
    id: 'SEC-AUTHZ-031',
    claim: 'At a gateway that trusts no proxy in front of it, x-forwarded-for does not change who asks.',
    source: 'Istio ingress authorization: ipBlocks and remoteIpBlocks',
    profile: 'core',
    apply: [
      `apiVersion: networking.istio.io/v1
kind: Gateway
metadata: { name: front, namespace: default }
spec:
  selector: { istio: ingressgateway }
  servers: [{ port: { number: 8080, name: http, protocol: HTTP }, hosts: ["*"] }]
`,
      `apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: front, namespace: default }
spec:
  hosts: ["*"]
  gateways: [front]
  http: [{ route: [{ destination: { host: reviews, port: { number: 9080 } } }] }]
`,
      policy(
        'selector: { matchLabels: { istio: ingressgateway } }\naction: DENY\nrules: [{ from: [{ source: { remoteIpBlocks: ["203.0.113.0/24"] } }] }]',
      ),
    ].join('---\n'),
    killedBy: [],
    labs: [],
    async run(mesh) {
      const answer = await mesh.send({ from: 'gateway', url: 'http://reviews:8080/', headers: { 'x-forwarded-for': '203.0.113.7' } });
      expectEqual('status for a forged x-forwarded-for', answer.status, 200);
      await mesh.apply(
        policy(
          'selector: { matchLabels: { istio: ingressgateway } }\naction: DENY\nrules: [{ from: [{ source: { remoteIpBlocks: ["127.0.0.0/8"] } }] }]',
        ),
      );
      const denied = await mesh.send({ from: 'gateway', url: 'http://reviews:8080/', headers: { 'x-forwarded-for': '203.0.113.7' } });
      expectThat('status when the peer itself is denied', denied.status === 403, '403', denied.status);
    },
  }),
  defineCase({
    id: 'SEC-AUTHZ-032',
    claim: 'DENY of everybody without a token is the way to require one: no token, 403.',
    source: 'Istio: require JWT, DENY notRequestPrincipals ["*"]',
    profile: 'core',
    apply: deny('{ notRequestPrincipals: ["*"] }'),
    killedBy: [],
    labs: [],
    run: async (mesh) => void (await expectDenied(mesh, 'a request without a token', FROM_PRODUCTPAGE)),
  }),
];
