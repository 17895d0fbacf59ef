/** What the caller gets when upstream cannot answer, and what is tried again. */
import { type ConformanceCase, defineCase, PROBE_USER_AGENT } from '../../define-case.ts';
import { expectBetween, expectContains, expectEqual, expectThat } from '../../expect.ts';
import { BEHAVE, echoOf, header, seen } from '../echoed.ts';
import { REVIEWS, reviewsRules, to } from '../routing/reviews.ts';
import { untilAbove } from '../waiting.ts';

/** Port 1 of the loopback: nobody listens there. */
const DEAD_HOST = `
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata:
  name: dead
spec:
  hosts: [dead.example.test]
  location: MESH_INTERNAL
  resolution: STATIC
  ports: [{ number: 9080, name: http, protocol: HTTP }]
  endpoints: [{ address: 127.0.0.1, ports: { http: 1 } }]
`;

const REQUESTS = 'cluster.outbound|9080||reviews.default.svc.cluster.local.upstream_rq_total';

/** RES-ERR-001 to 002. */
export const localReplies: readonly ConformanceCase[] = [
  defineCase({
    id: 'RES-ERR-001',
    claim: 'A service without any workload answers 503 "no healthy upstream" as text/plain, flag UH, without an upstream time.',
    source: 'Envoy response flag UH; local replies',
    profile: 'core',
    apply: `
apiVersion: v1
kind: Service
metadata:
  name: nobody
spec:
  selector: { app: nobody }
  ports: [{ name: http, port: 9080 }]
`,
    killedBy: [],
    labs: [],
    async run(mesh) {
      const answer = await mesh.send({ url: 'http://nobody:9080/' });
      expectEqual('status and body', [answer.status, answer.body], [503, 'no healthy upstream']);
      expectEqual('content-type', header(answer, 'content-type'), 'text/plain');
      expectEqual('x-envoy-upstream-service-time', header(answer, 'x-envoy-upstream-service-time'), undefined);
      expectEqual('flags', (await answer.told()).flags, 'UH');
    },
  }),
  defineCase({
    id: 'RES-ERR-002',
    claim: "A refused connection answers 503 with Envoy's words, and after Istio's two retries the flags are UF and URX.",
    source: 'Envoy router: reset reason: remote connection failure; Istio default retry policy (2 on connect-failure)',
    profile: 'core',
    apply: DEAD_HOST,
    killedBy: ['MUT-NO-RETRY'],
    labs: [],
    async run(mesh) {
      const answer = await mesh.send({ url: 'http://dead.example.test:9080/' });
      expectEqual('status', answer.status, 503);
      expectContains('body', answer.body, 'upstream connect error or disconnect/reset before headers');
      expectContains('body', answer.body, 'remote connection failure');
      expectEqual('flags', (await answer.told()).flags.split(',').sort(), ['UF', 'URX']);
      const tries = await mesh.stat('productpage-v1', 'cluster.outbound|9080||dead.example.test.upstream_cx_connect_fail');
      expectEqual('connections tried', tries, 3);
    },
  }),
];

/** RES-ERR-003 to 005. */
export const brokenExchanges: readonly ConformanceCase[] = [
  defineCase({
    id: 'RES-ERR-003',
    claim:
      "A program that hangs up instead of answering is a 503 of its own sidecar: connection termination, flag UC; the caller's sidecar passes it on.",
    source: 'Envoy response flag UC, reset reason: connection termination',
    profile: 'core',
    apply: reviewsRules(`- ${to('v1')}`),
    killedBy: [],
    labs: [],
    async run(mesh) {
      const answer = await mesh.send({ url: REVIEWS, headers: { [BEHAVE]: 'reset' } });
      expectEqual('status', answer.status, 503);
      expectContains('body', answer.body, 'connection termination');
      expectContains("flags of the program's sidecar", (await answer.told('reviews-v1')).flags, 'UC');
      const { flags, details } = await answer.told();
      expectEqual("flags and details of the caller's sidecar", [flags, details], ['-', 'via_upstream']);
    },
  }),
  defineCase({
    id: 'RES-ERR-004',
    claim:
      'A gRPC caller hears of a failure in gRPC: HTTP 200 with grpc-status 12 for no route, and 14 with the words for no healthy upstream.',
    source: 'gRPC over HTTP2, "Responses"; Envoy local replies to application/grpc',
    profile: 'core',
    apply: reviewsRules(`
- match: [{ uri: { prefix: /known } }]
  ${to('none')}`)
      .replace('name: v3', 'name: none')
      .replace('version: v3', 'version: v77'),
    killedBy: ['MUT-GRPC-ANSWERED-PLAIN'],
    labs: [],
    async run(mesh) {
      const ask = (path: string) =>
        mesh.send({ method: 'POST', url: `http://reviews:9080${path}`, headers: { 'content-type': 'application/grpc' } });
      const unknown = await ask('/unknown');
      expectEqual('status and grpc-status without a route', [unknown.status, header(unknown, 'grpc-status')], [200, '12']);
      const down = await ask('/known');
      const shown = ['content-type', 'grpc-status', 'grpc-message'].map((name) => header(down, name));
      expectEqual('content-type, grpc-status, grpc-message', shown, ['application/grpc', '14', 'no healthy upstream']);
      expectEqual('status and body', [down.status, down.body], [200, '']);
    },
  }),
  defineCase({
    id: 'RES-ERR-005',
    claim: 'A caller that leaves while it waits is told of as DC, with status 0 and the details downstream_remote_disconnect.',
    source: 'Envoy response flag DC',
    profile: 'core',
    apply: '',
    killedBy: ['MUT-LEAVING-UNNOTICED'],
    labs: [],
    async run(mesh) {
      const before = await mesh.stat('productpage-v1', REQUESTS);
      {
        await using wire = await mesh.dial('productpage-v1', 'reviews:9080');
        const probe = `User-Agent: ${PROBE_USER_AGENT}/leaves-${mesh.driver}`;
        wire.write(`GET /x HTTP/1.1\r\nHost: reviews:9080\r\n${BEHAVE}: delay=5000\r\n${probe}\r\n\r\n`);
        await untilAbove(mesh, 'productpage-v1', REQUESTS, before);
      }
      const { status, flags, details } = await mesh.told('productpage-v1', `leaves-${mesh.driver}`);
      expectEqual('status, flags and details', [status, flags, details], [0, 'DC', 'downstream_remote_disconnect']);
    },
  }),
];

/** RES-RETRY-001 to 003. */
export const retries: readonly ConformanceCase[] = [
  defineCase({
    id: 'RES-RETRY-001',
    claim: 'With a dead endpoint among live ones no request fails: the retry goes to another host.',
    source: 'Istio default retry policy: connect-failure, previous_hosts predicate',
    profile: 'core',
    apply: `
apiVersion: networking.istio.io/v1
kind: WorkloadEntry
metadata:
  name: reviews-dead
spec:
  address: 127.0.0.1
  labels: { app: reviews, version: v1 }
  ports: { http: 1 }
`,
    killedBy: ['MUT-RETRY-SAME-HOST'],
    labs: [],
    async run(mesh) {
      const retries = 'cluster.outbound|9080||reviews.default.svc.cluster.local.upstream_rq_retry';
      const before = await mesh.stat('productpage-v1', retries);
      const answers = await mesh.sendMany({ url: REVIEWS }, 60);
      expectEqual('statuses of 60 requests', [...new Set(answers.map((answer) => answer.status))], [200]);
      const made = (await mesh.stat('productpage-v1', retries)) - before;
      expectThat('retries made', made > 0, 'at least 1', made);
    },
  }),
  defineCase({
    id: 'RES-RETRY-002',
    claim: 'attempts: 3 means three retries: the fourth try may succeed, and the program sees it as x-envoy-attempt-count: 4.',
    source: 'seed: Retries & Timeouts; Istio HTTPRetry.attempts; Envoy RetryPolicy.num_retries',
    profile: 'core',
    apply: reviewsRules(`
- ${to('v1')}
  retries: { attempts: 3, retryOn: 5xx }`),
    killedBy: ['MUT-ATTEMPTS-ARE-TRIES'],
    labs: [],
    async run(mesh) {
      const answer = await mesh.send({
        url: `${REVIEWS}?try`,
        headers: { [BEHAVE]: 'fail=503;until=4', 'x-request-id': `retry-${mesh.driver}-a` },
      });
      expectEqual('status', answer.status, 200);
      expectEqual('x-envoy-attempt-count at the program', seen(echoOf(answer), 'x-envoy-attempt-count'), ['4']);
      const last = await mesh.send({ url: REVIEWS, headers: { [BEHAVE]: 'fail=503' } });
      expectEqual('status when every try fails', last.status, 503);
      expectEqual('flags when every try fails', (await last.told()).flags, 'URX');
    },
  }),
  defineCase({
    id: 'RES-RETRY-003',
    claim: "Istio's default policy does not retry a 503 that the program itself gave.",
    source: 'istio releasenotes 50506: 503 is no longer in the default retriable status codes',
    profile: 'core',
    apply: reviewsRules(`- ${to('v1')}`),
    killedBy: [],
    labs: [],
    async run(mesh) {
      const retry = 'cluster.outbound|9080|v1|reviews.default.svc.cluster.local.upstream_rq_retry';
      const before = await mesh.stat('productpage-v1', retry);
      const answer = await mesh.send({ url: REVIEWS, headers: { [BEHAVE]: 'fail=503' } });
      expectEqual('status', answer.status, 503);
      const told = await answer.told();
      expectEqual('flags and details', [told.flags, told.details], ['-', 'via_upstream']);
      expectEqual('retries', (await mesh.stat('productpage-v1', retry)) - before, 0);
    },
  }),
];

/** RES-TIME-001. */
export const timeouts: readonly ConformanceCase[] = [
  defineCase({
    id: 'RES-TIME-001',
    claim: 'A route timeout ends a slow request with 504 "upstream request timeout" and the flag UT; without it the same request succeeds.',
    source: 'Istio HTTPRoute.timeout; Envoy response flag UT, details response_timeout',
    profile: 'core',
    apply: reviewsRules(`
- match: [{ uri: { prefix: /hurry } }]
  ${to('v1')}
  timeout: 0.2s
- ${to('v1')}`),
    killedBy: ['MUT-TIMEOUT-IGNORED'],
    labs: [],
    async run(mesh) {
      const slow = { [BEHAVE]: 'delay=600' };
      const answer = await mesh.send({ url: 'http://reviews:9080/hurry', headers: slow });
      expectEqual('status and body', [answer.status, answer.body], [504, 'upstream request timeout']);
      const told = await answer.told();
      expectEqual('flags and details', [told.flags, told.details], ['UT', 'response_timeout']);
      expectBetween('duration in ms', told.durationMs, [190, 550]);
      const patient = await mesh.send({ url: REVIEWS, headers: slow });
      expectThat('status without a timeout', patient.status === 200, '200', patient.status);
    },
  }),
];
