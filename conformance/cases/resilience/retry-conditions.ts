/** What is tried again, what is not, and what the further tries carry. */
import { type ConformanceCase, defineCase, type MeshUnderTest } from '../../define-case.ts';
import { expectBetween, expectEqual } from '../../expect.ts';
import { BEHAVE, readEcho, seen } from '../echoed.ts';
import { afterHead } from '../protocol/wire.ts';
import { REVIEWS, reviewsRules, to } from '../routing/reviews.ts';
import { untilAbove } from '../waiting.ts';

const SOURCE = 'Istio HTTPRetry.retryOn; Envoy router filter, x-envoy-retry-on';

const V1_REQUESTS = 'cluster.outbound|9080|v1|reviews.default.svc.cluster.local.upstream_rq_total';

const retrying = (retries: string): string =>
  reviewsRules(`
- ${to('v1')}
  retries: ${retries}`);

/** The program fails its first try with that status: tells how many tries were made. */
const expectTries = async (mesh: MeshUnderTest, failure: number, tries: number): Promise<void> => {
  const answer = await mesh.send({ url: REVIEWS, headers: { [BEHAVE]: `fail=${failure};until=2` } });
  expectEqual(`tries after ${failure}`, (await answer.told()).attempts, tries);
  expectEqual(`status after ${failure}`, answer.status, tries === 1 ? failure : 200);
};

/** RES-RETRY-004 to 009. */
export const retryConditions: readonly ConformanceCase[] = [
  defineCase({
    id: 'RES-RETRY-004',
    claim: '5xx retries 500 and 503, and no 4xx.',
    source: SOURCE,
    profile: 'core',
    apply: retrying('{ attempts: 2, retryOn: 5xx }'),
    killedBy: ['MUT-RETRIES-4XX'],
    labs: [],
    async run(mesh) {
      await expectTries(mesh, 500, 2);
      await expectTries(mesh, 503, 2);
      await expectTries(mesh, 404, 1);
      await expectTries(mesh, 409, 1);
    },
  }),
  defineCase({
    id: 'RES-RETRY-005',
    claim: 'gateway-error retries 502 and 503, and not 500; retriable-4xx retries 409, and not 404.',
    source: SOURCE,
    profile: 'core',
    apply: retrying('{ attempts: 2, retryOn: "gateway-error,retriable-4xx" }'),
    killedBy: ['MUT-GATEWAY-ERROR-500'],
    labs: [],
    async run(mesh) {
      await expectTries(mesh, 502, 2);
      await expectTries(mesh, 503, 2);
      await expectTries(mesh, 500, 1);
      await expectTries(mesh, 409, 2);
      await expectTries(mesh, 404, 1);
    },
  }),
  defineCase({
    id: 'RES-RETRY-006',
    claim: 'Numbers among the conditions are status codes: "503,429" retries these two, and not 500.',
    source: 'Istio HTTPRetry.retryOn: integers become retriable status codes',
    profile: 'core',
    apply: retrying('{ attempts: 2, retryOn: "503,429" }'),
    killedBy: ['MUT-RETRY-CODES-DROPPED'],
    labs: [],
    async run(mesh) {
      await expectTries(mesh, 503, 2);
      await expectTries(mesh, 429, 2);
      await expectTries(mesh, 500, 1);
    },
  }),
  defineCase({
    id: 'RES-RETRY-007',
    claim: 'A POST is retried as any method is, and its body arrives again byte for byte.',
    source: 'Envoy retry: the method plays no part; request bodies are buffered for retries',
    profile: 'core',
    apply: retrying('{ attempts: 3, retryOn: 5xx }'),
    killedBy: ['MUT-BODY-NOT-REPLAYED'],
    labs: [],
    async run(mesh) {
      const [first, second] = ['the first half of it, '.repeat(1_000), 'and the second; '.repeat(1_000)];
      const head = ['POST /x HTTP/1.1', 'Host: reviews:9080', `Content-Length: ${first.length + second.length}`, 'Connection: close'];
      await using wire = await mesh.dial('productpage-v1', 'reviews:9080');
      const before = await mesh.stat('productpage-v1', V1_REQUESTS);
      wire.write(`${[...head, `${BEHAVE}: fail=503;until=3`].join('\r\n')}\r\n\r\n${first}`);
      // The second half leaves when the first is on its way: it can only come again from what was kept.
      await untilAbove(mesh, 'productpage-v1', V1_REQUESTS, before);
      wire.write(second);
      const echoed = readEcho(afterHead(await wire.untilClosed()));
      expectEqual(
        'method, and x-envoy-attempt-count at the program',
        [echoed.method, ...seen(echoed, 'x-envoy-attempt-count')],
        ['POST', '3'],
      );
      expectEqual('bytes of the body at the third try', echoed.body.length, first.length + second.length);
      expectEqual('whether they are those that were sent', echoed.body === first + second, true);
    },
  }),
  defineCase({
    id: 'RES-RETRY-008',
    claim: 'perTryTimeout ends each try for itself: two tries of 150 ms end as 504 with UT and URX, long before the program answers.',
    source: 'Istio HTTPRetry.perTryTimeout; Envoy details upstream_per_try_timeout',
    profile: 'core',
    apply: retrying('{ attempts: 1, perTryTimeout: 150ms, retryOn: 5xx }'),
    killedBy: ['MUT-PER-TRY-IGNORED'],
    labs: [],
    async run(mesh) {
      const answer = await mesh.send({ url: REVIEWS, headers: { [BEHAVE]: 'delay=1000' } });
      const { flags, attempts, durationMs } = await answer.told();
      expectEqual('status and body', [answer.status, answer.body], [504, 'upstream request timeout']);
      expectEqual('flags', flags.split(',').sort(), ['URX', 'UT']);
      expectEqual('tries', attempts, 2);
      expectBetween('duration in ms', durationMs, [295, 900]);
    },
  }),
  defineCase({
    id: 'RES-RETRY-009',
    claim: 'attempts: 0 switches retries off, those of the default policy too: a refused connection is tried once.',
    source: 'Istio HTTPRetry.attempts: "setting this to 0 disables retries"',
    profile: 'core',
    apply: `
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata:
  name: dead-once
spec:
  hosts: [dead-once.example.test]
  location: MESH_INTERNAL
  resolution: STATIC
  ports: [{ number: 9080, name: http, protocol: HTTP }]
  endpoints: [{ address: 127.0.0.1, ports: { http: 1 } }]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata:
  name: dead-once
spec:
  hosts: [dead-once.example.test]
  http:
  - route: [{ destination: { host: dead-once.example.test } }]
    retries: { attempts: 0 }
`,
    killedBy: ['MUT-ZERO-ATTEMPTS-RETRIED'],
    labs: [],
    async run(mesh) {
      const answer = await mesh.send({ url: 'http://dead-once.example.test:9080/' });
      expectEqual('status and flags', [answer.status, (await answer.told()).flags], [503, 'UF']);
      const tries = await mesh.stat('productpage-v1', 'cluster.outbound|9080||dead-once.example.test.upstream_cx_connect_fail');
      expectEqual('connections tried', tries, 1);
    },
  }),
];
