/** Rewrites, redirects, header edits and origins beyond their first cases. */
import { type ConformanceCase, defineCase } from '../../define-case.ts';
import { expectContains, expectEqual } from '../../expect.ts';
import { reviewsCluster, rise } from '../counted.ts';
import { DIRECT_URL, direct } from '../direct.ts';
import { echoOf, header, seen } from '../echoed.ts';
import { REVIEWS, reviewsRules, to } from './reviews.ts';

const at = (path: string): string => `http://reviews:9080${path}`;

/** TRAF-REWRITE-004 and 005, TRAF-REDIRECT-002, TRAF-HDR-004. */
export const moreActions: readonly ConformanceCase[] = [
  defineCase({
    id: 'TRAF-REWRITE-004',
    claim:
      'Upstream learns the path that was asked, in x-envoy-original-path; a rewrite to "/" leaves no double slash behind a prefix that ends in one.',
    source: 'Istio HTTPRewrite.uri; Envoy x-envoy-original-path',
    profile: 'core',
    apply: '',
    killedBy: [],
    labs: [],
    async run(mesh) {
      await mesh.apply(direct(mesh, { rule: 'match: [{ uri: { prefix: /api/ } }]\n    rewrite: { uri: / }' }));
      const answer = await mesh.send({ url: `${DIRECT_URL}api/x?q=1` });
      const echoed = echoOf(answer);
      expectEqual('path, and the one that was asked', [echoed.path, ...seen(echoed, 'x-envoy-original-path')], ['/x?q=1', '/api/x?q=1']);
      expectEqual('path in the record', (await answer.told()).path, '/api/x?q=1');
      await mesh.apply(direct(mesh, { rule: 'timeout: 5s' }));
      expectEqual(
        'x-envoy-original-path without a rewrite',
        seen(echoOf(await mesh.send({ url: DIRECT_URL })), 'x-envoy-original-path'),
        [],
      );
    },
  }),
  defineCase({
    id: 'TRAF-REWRITE-005',
    claim: 'A retry carries the same rewritten path and host as the first try: rewrites do not add up.',
    source: 'Envoy router: a request is finalized once',
    profile: 'core',
    apply: reviewsRules(`
- match: [{ uri: { prefix: /a } }]
  rewrite: { uri: /a/a, authority: inside.example.test }
  retries: { attempts: 2, retryOn: 5xx }
  headers: { request: { add: { x-once: "1" } } }
  ${to('v1')}`),
    killedBy: ['MUT-REWRITE-KEEPS-HOST'],
    labs: [],
    async run(mesh) {
      const answer = await mesh.send({ url: at('/a/x'), headers: { 'x-lab-behave': 'fail=503;until=3' } });
      const echoed = echoOf(answer);
      expectEqual('path at the third try', [echoed.path, (await answer.told()).attempts], ['/a/a/x', 3]);
      expectEqual('host, and what was added', [seen(echoed, 'host'), seen(echoed, 'x-once')], [['inside.example.test'], ['1']]);
    },
  }),
  defineCase({
    id: 'TRAF-REDIRECT-002',
    claim:
      'Each code, scheme and port is as configured: 302, 303, 307, https, a port that is given; the port of the scheme is not written.',
    source: 'Istio HTTPRedirect.redirectCode, scheme, port; Envoy RedirectAction',
    profile: 'core',
    apply: reviewsRules(`
${[302, 303, 307].map((code) => `- match: [{ uri: { exact: /${code} } }]\n  redirect: { uri: /there, redirectCode: ${code} }`).join('\n')}
- match: [{ uri: { exact: /secure } }]
  redirect: { scheme: https, authority: new.example.test }
- match: [{ uri: { exact: /port } }]
  redirect: { authority: new.example.test, port: 8443, scheme: https }
- ${to('v1')}`),
    killedBy: [],
    labs: [],
    async run(mesh) {
      const where = async (path: string) => {
        const answer = await mesh.send({ url: at(path) });
        return [answer.status, header(answer, 'location'), (await answer.told()).attempts];
      };
      for (const code of [302, 303, 307]) expectEqual(`answer to ${code}`, await where(`/${code}`), [code, 'http://reviews:9080/there', 0]);
      expectEqual('https', await where('/secure'), [301, 'https://new.example.test/secure', 0]);
      expectEqual('https at a port', await where('/port'), [301, 'https://new.example.test:8443/port', 0]);
    },
  }),
  defineCase({
    id: 'TRAF-HDR-004',
    claim:
      'Edits of the destination come before those of the rule: where both set a field the rule has the last word, on requests and on responses.',
    source: 'Istio HTTPRouteDestination.headers; Envoy: cluster weight before route before virtual host',
    profile: 'core',
    apply: reviewsRules(`
- headers:
    request: { set: { x-both: rule } }
    response: { set: { x-back: rule } }
  route:
${['v1', 'v2']
  .map(
    (version) => `  - destination: { host: reviews, subset: ${version} }
    weight: 50
    headers:
      request: { set: { x-both: destination, x-own: destination } }
      response: { set: { x-back: destination } }`,
  )
  .join('\n')}`),
    killedBy: ['MUT-DESTINATION-HEADERS-IGNORED'],
    labs: [],
    async run(mesh) {
      const answer = await mesh.send({ url: REVIEWS });
      const echoed = echoOf(answer);
      expectEqual('x-both and x-own at the program', [seen(echoed, 'x-both'), seen(echoed, 'x-own')], [['rule'], ['destination']]);
      expectEqual('x-back at the caller', header(answer, 'x-back'), 'rule');
      expectContains('cluster', (await answer.told()).cluster, '|reviews.default.svc.cluster.local');
    },
  }),
];

/** TRAF-CORS-003 and 004. */
export const moreOrigins: readonly ConformanceCase[] = [
  defineCase({
    id: 'TRAF-CORS-003',
    claim: 'Origins match by exact text, prefix or whole regex; each allowed one is named back, a longer one is not.',
    source: 'Istio CorsPolicy.allowOrigins; Envoy CORS filter',
    profile: 'core',
    apply: reviewsRules(`
- corsPolicy:
    allowOrigins: [{ exact: "https://a.test" }, { prefix: "https://b." }, { regex: "https://[a-z]+[.]c[.]test" }]
  ${to('v1')}`),
    killedBy: ['MUT-REGEX-UNANCHORED', 'MUT-EXACT-AS-PREFIX'],
    labs: [],
    async run(mesh) {
      const allowed = async (origin: string) =>
        header(await mesh.send({ url: REVIEWS, headers: { Origin: origin } }), 'access-control-allow-origin') ?? 'none';
      for (const origin of ['https://a.test', 'https://b.test', 'https://shop.c.test'])
        expectEqual(`answer to ${origin}`, await allowed(origin), origin);
      for (const origin of ['https://a.test.evil', 'http://b.test', 'https://shop.c.test.evil'])
        expectEqual(`answer to ${origin}`, await allowed(origin), 'none');
    },
  }),
  defineCase({
    id: 'TRAF-CORS-004',
    claim: 'The proxy counts origins that the policy allows and those that it does not; a preflight of an allowed one never goes upstream.',
    source: 'Envoy CORS filter: origin_valid, origin_invalid',
    profile: 'extended',
    apply: reviewsRules(`
- corsPolicy: { allowOrigins: [{ exact: "https://a.test" }], allowMethods: [GET] }
  ${to('v1')}`),
    killedBy: ['MUT-PREFLIGHT-PASSES'],
    labs: [],
    async run(mesh) {
      const valid = async (): Promise<number[]> => {
        const { body } = await mesh.page('productpage-v1', '/stats?filter=cors');
        const sum = (name: string) =>
          [...body.matchAll(new RegExp(`^http\\..*cors\\.${name}: (\\d+)$`, 'gm'))].reduce((all, [, count]) => all + Number(count), 0);
        return [sum('origin_valid'), sum('origin_invalid')];
      };
      const [before = [], rose] = [
        await valid(),
        await rise(mesh, reviewsCluster('v1'), ['upstream_rq_total'], async () => {
          for (const origin of ['https://a.test', 'https://evil.test', 'https://evil.test'])
            await mesh.send({ url: REVIEWS, headers: { Origin: origin } });
          await mesh.send({
            url: REVIEWS,
            method: 'OPTIONS',
            headers: { Origin: 'https://a.test', 'Access-Control-Request-Method': 'GET' },
          });
        }),
      ];
      const after = await valid();
      expectEqual(
        'valid and invalid origins',
        after.map((count, index) => count - (before[index] ?? 0)),
        [2, 2],
      );
      expectEqual('requests sent upstream', rose.upstream_rq_total, 3);
    },
  }),
];
