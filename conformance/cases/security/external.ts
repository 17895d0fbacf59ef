/** CUSTOM: somebody else decides. The one who is asked is productpage's echo, which answers as its script says and shows what it was shown. */
import { type Answer, type Ask, type ConformanceCase, defineCase, type MeshUnderTest } from '../../define-case.ts';
import { expectContains, expectEqual } from '../../expect.ts';
import { BEHAVE, echoOf, readEcho, seen } from '../echoed.ts';
import { afterHead, HOST, head } from '../protocol/wire.ts';
import { askReviews, DENIED_BODY, detailsOf, reviewsPolicy } from './policies.ts';
import { meshSettings } from './strangers.ts';

const SOURCE = 'Istio external authorization; Envoy ext_authz';
const CALLER = 'visitor-v1';
const URL_OF_REVIEWS = 'http://reviews.default.svc.cluster.local:9080';

/** Nobody listens there. */
const DEAD_AUTHORIZER = `
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: { name: dead-authorizer, namespace: default }
spec:
  hosts: [authorizer.example.test]
  location: MESH_INTERNAL
  resolution: STATIC
  ports: [{ number: 9080, name: http, protocol: HTTP }]
  endpoints: [{ address: 127.0.0.1, ports: { http: 1 } }]
`;

const LIVE = 'productpage.default.svc.cluster.local';
const DEAD = 'authorizer.example.test';

/** fields: YAML flow, after a comma. */
const provider = (service: string, fields = ''): string =>
  meshSettings(
    `extensionProviders: [{ name: authorizer, envoyExtAuthzHttp: { service: ${service}, port: 9080, includeRequestHeadersInCheck: [${BEHAVE}, x-role]${fields} } }]`,
  );

const custom = (name = 'authorizer', rules = '[{}]'): string =>
  reviewsPolicy(`action: CUSTOM\nprovider: { name: ${name} }\nrules: ${rules}`, { name: 'custom' });

const ask = (mesh: MeshUnderTest, path = '/reviews/0', headers: Ask['headers'] = {}): Promise<Answer> =>
  askReviews(mesh, { from: CALLER, url: `${URL_OF_REVIEWS}${path}`, headers });

/** The authorizer says no. */
const NO = { [BEHAVE]: 'fail=418' };

/** SEC-EXTAUTHZ-001 to 006. */
export const externalAuthorization: readonly ConformanceCase[] = [
  defineCase({
    id: 'SEC-EXTAUTHZ-001',
    claim: 'What the authorizer refuses is answered with its status and body, flag UAEX; what it lets pass reaches the program.',
    source: SOURCE,
    profile: 'core',
    apply: [provider(LIVE), custom()].join('---'),
    killedBy: ['MUT-EXTAUTHZ-IGNORED'],
    labs: [],
    async run(mesh) {
      const passed = await ask(mesh);
      expectEqual('status and program', [passed.status, echoOf(passed).workload.slice(0, 7)], [200, 'reviews']);
      const refused = await ask(mesh, '/reviews/0', NO);
      expectEqual('status and who answered', [refused.status, echoOf(refused).workload], [418, 'productpage-v1']);
      const told = await Promise.any(['reviews-v1', 'reviews-v2', 'reviews-v3'].map((workload) => refused.told(workload)));
      expectEqual('flags at the callee', told.flags, 'UAEX');
    },
  }),
  defineCase({
    id: 'SEC-EXTAUTHZ-002',
    claim:
      'CUSTOM is asked before DENY and ALLOW: its refusal is the answer; when it lets pass, DENY still denies, and ALLOW is still wanted.',
    source: 'Istio AuthorizationPolicy: CUSTOM, DENY, ALLOW in this order',
    profile: 'core',
    apply: [
      provider(LIVE),
      custom(),
      reviewsPolicy('action: DENY\nrules: [{ to: [{ operation: { paths: ["/denied"] } }] }]', { name: 'deny' }),
      reviewsPolicy('action: ALLOW\nrules: [{ to: [{ operation: { paths: ["/allowed", "/denied"] } }] }]', { name: 'allow' }),
    ].join('---'),
    killedBy: ['MUT-CUSTOM-AFTER-ALLOW'],
    labs: [],
    async run(mesh) {
      expectEqual('refused by CUSTOM, and by DENY', (await ask(mesh, '/denied', NO)).status, 418);
      expectEqual('refused by CUSTOM, not in ALLOW', (await ask(mesh, '/other', NO)).status, 418);
      const denied = await ask(mesh, '/denied');
      expectEqual('let pass by CUSTOM, refused by DENY', [denied.status, denied.body], [403, DENIED_BODY]);
      expectEqual('let pass by CUSTOM, not in ALLOW', (await ask(mesh, '/other')).status, 403);
      expectEqual('let pass by all', (await ask(mesh, '/allowed')).status, 200);
    },
  }),
  defineCase({
    id: 'SEC-EXTAUTHZ-003',
    claim: 'Only what the rules of CUSTOM match is shown to the authorizer.',
    source: 'Istio AuthorizationPolicy, CUSTOM rules',
    profile: 'core',
    apply: [provider(LIVE), custom('authorizer', '[{ to: [{ operation: { paths: ["/private"] } }] }]')].join('---'),
    killedBy: ['MUT-CUSTOM-RULES-IGNORED'],
    labs: [],
    async run(mesh) {
      const meant = await ask(mesh, '/private', NO);
      expectEqual('a path that is meant: the authorizer', [meant.status, echoOf(meant).workload], [418, 'productpage-v1']);
      const headers = { [BEHAVE]: 'fail=299' };
      const other = await ask(mesh, '/public', headers);
      expectEqual('another path: its own program', echoOf(other).workload.slice(0, 7), 'reviews');
    },
  }),
  defineCase({
    id: 'SEC-EXTAUTHZ-004',
    claim: 'An authorizer that cannot be reached refuses: 403, or statusOnError; with failOpen it lets pass.',
    source: 'Istio MeshConfig envoyExtAuthzHttp statusOnError, failOpen',
    profile: 'core',
    apply: [DEAD_AUTHORIZER, provider(DEAD), custom()].join('---'),
    killedBy: ['MUT-EXTAUTHZ-FAILS-OPEN'],
    labs: [],
    async run(mesh) {
      expectEqual('status', (await ask(mesh)).status, 403);
      await mesh.apply(provider(DEAD, ', statusOnError: "503"'));
      expectEqual('status with statusOnError', (await ask(mesh)).status, 503);
      await mesh.apply(provider(DEAD, ', failOpen: true'));
      expectEqual('status with failOpen', (await ask(mesh)).status, 200);
    },
  }),
  defineCase({
    id: 'SEC-EXTAUTHZ-005',
    claim: 'A provider that the mesh does not know denies what the rules match, and nothing else.',
    source: 'Istio: CUSTOM with an unknown provider denies',
    profile: 'core',
    apply: custom('nobody-knows', '[{ to: [{ operation: { paths: ["/private"] } }] }]'),
    killedBy: ['MUT-UNKNOWN-PROVIDER-ALLOWS'],
    labs: [],
    async run(mesh) {
      const denied = await ask(mesh, '/private');
      expectEqual('status', denied.status, 403);
      expectContains('details', await detailsOf(denied), 'rbac_access_denied');
      expectEqual('status elsewhere', (await ask(mesh, '/public')).status, 200);
    },
  }),
  defineCase({
    id: 'SEC-EXTAUTHZ-006',
    claim: 'The authorizer sees method, path, host and every value of the fields that it is to see, and no other field.',
    source: 'Envoy ext_authz HTTP service; CVE-2026-26308 shows why every value counts',
    profile: 'core',
    apply: [provider(LIVE), custom()].join('---'),
    killedBy: ['MUT-EXTAUTHZ-FIRST-VALUE'],
    labs: [],
    async run(mesh) {
      await using wire = await mesh.dial(CALLER, 'reviews.default.svc.cluster.local:9080');
      const fields = [`${BEHAVE}: fail=403`, 'x-role: user', 'x-role: admin', 'x-other: secret'];
      wire.write(
        head('GET /reviews/7?q=1 HTTP/1.1', HOST.replace('reviews', 'reviews.default.svc.cluster.local'), ...fields, 'Connection: close'),
      );
      const shown = readEcho(afterHead(await wire.untilClosed()));
      expectEqual('who was asked, and for what', [shown.workload, shown.method, shown.path], ['productpage-v1', 'GET', '/reviews/7?q=1']);
      expectEqual('values of x-role', seen(shown, 'x-role').join(',').replaceAll(' ', ''), 'user,admin');
      expectEqual('values of x-other', seen(shown, 'x-other'), []);
    },
  }),
];
