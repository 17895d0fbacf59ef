/** How long a request may take: the whole of it, a try, a silence; and what upstream is told of it. */
import { type ConformanceCase, defineCase } from '../../define-case.ts';
import { expectBetween, expectContains, expectEqual, expectThat } from '../../expect.ts';
import { among, everythingTo, program, resources } from '../alone.ts';
import { reviewsCluster, rise } from '../counted.ts';
import { DIRECT_URL, direct } from '../direct.ts';
import { BEHAVE, echoOf, seen } from '../echoed.ts';
import { begin, freshKey, release } from '../held.ts';
import { head } from '../protocol/wire.ts';
import { REVIEWS, reviewsRules, to } from '../routing/reviews.ts';

const SOURCE = 'Istio HTTPRoute.timeout; Envoy router';
const V1 = reviewsCluster('v1');

/** RES-TIME-002 to 005. */
export const timeoutsOfRoutes: readonly ConformanceCase[] = [
  defineCase({
    id: 'RES-TIME-002',
    claim:
      'The timeout of the route holds for all tries together: with 5 s it ends the third try of 2 s after 1 s, and that 504 is not tried again.',
    source: `${SOURCE}: the overall timeout includes retries; seed: attempts 3, perTryTimeout 2s`,
    profile: 'core',
    drivers: ['simulation'],
    because: 'five seconds pass at once on a virtual clock',
    apply: reviewsRules(`
- ${to('v1')}
  timeout: 5s
  retries: { attempts: 3, perTryTimeout: 2s, retryOn: "5xx,reset,connect-failure", backoff: 1ms }`),
    killedBy: [],
    labs: [],
    async run(mesh) {
      const [answer] = begin(mesh, 1, { url: REVIEWS, headers: { [BEHAVE]: 'delay=60000' } });
      for (let s = 0; s < 7; s++) await mesh.pass?.(1_000);
      const got = await answer;
      const told = await got?.told();
      expectEqual(
        'status, flags, details and tries',
        [got?.status, told?.flags, told?.details, told?.attempts],
        [504, 'UT', 'response_timeout', 3],
      );
      expectBetween('duration in ms', told?.durationMs ?? 0, [5_000, 5_010]);
    },
  }),
  defineCase({
    id: 'RES-TIME-003',
    claim:
      'A timeout that comes after the head of the answer cuts the body: no 504 any more, a connection that ends, and UT in the record.',
    source: `${SOURCE}: the timeout ends with the whole answer`,
    profile: 'core',
    apply: reviewsRules(`
- ${to('v1')}
  timeout: 0.3s`),
    killedBy: [],
    labs: [],
    async run(mesh) {
      const key = freshKey();
      await using wire = await mesh.dial('productpage-v1', 'reviews:9080');
      const probe = `stalls-${mesh.driver}-${mesh.dataPlane}`;
      wire.write(head('GET /x HTTP/1.1', 'Host: reviews:9080', `${BEHAVE}: size=100;stall=${key}`, `User-Agent: dinghy-probe/${probe}`));
      const text = await wire.untilClosed();
      expectContains('answer', text, 'HTTP/1.1 200');
      expectThat('body', text.endsWith('x'.repeat(50)) && !text.endsWith('x'.repeat(51)), 'the half that came', text.slice(-100));
      const { status, flags } = await mesh.told('productpage-v1', probe);
      expectEqual('status and flags', [status, flags], [200, 'UT']);
      await release(mesh, 'reviews-v1', key);
    },
  }),
  defineCase({
    id: 'RES-TIME-004',
    claim: 'Without a timeout nobody ends a slow answer: one that takes 50 s arrives.',
    source: 'Istio HTTPRoute.timeout: disabled by default (Envoy alone: 15 s)',
    profile: 'core',
    drivers: ['simulation'],
    because: 'fifty seconds pass at once on a virtual clock',
    apply: reviewsRules(`- ${to('v1')}`),
    killedBy: [],
    labs: [],
    async run(mesh) {
      const [answer] = begin(mesh, 1, { url: REVIEWS, headers: { [BEHAVE]: 'delay=50000' } });
      for (let s = 0; s < 52; s++) await mesh.pass?.(1_000);
      const got = await answer;
      const told = await got?.told();
      expectEqual('status and flags', [got?.status, told?.flags], [200, '-']);
      expectBetween('duration in ms', told?.durationMs ?? 0, [50_000, 50_010]);
    },
  }),
  defineCase({
    id: 'RES-TIME-005',
    claim:
      'Upstream is told how long the caller waits, in x-envoy-expected-rq-timeout-ms: the time of a try, and never more than what is left.',
    source: 'Envoy router: x-envoy-expected-rq-timeout-ms',
    profile: 'core',
    apply: '',
    killedBy: [],
    labs: [],
    async run(mesh) {
      const told = async (rule: string) => {
        await mesh.apply(direct(mesh, { rule }));
        return seen(echoOf(await mesh.send({ url: DIRECT_URL })), 'x-envoy-expected-rq-timeout-ms');
      };
      const [whole = ''] = await told('timeout: 4s');
      expectBetween('what is told with 4 s', Number(whole), [3_000, 4_000]);
      expectEqual('what is told with 1 s a try', await told('timeout: 4s\n    retries: { attempts: 2, perTryTimeout: 1s, retryOn: 5xx }'), [
        '1000',
      ]);
      expectEqual('what is told without a timeout', await told('retries: { attempts: 0 }'), []);
    },
  }),
];

/** RES-TIME-006 to 008. */
export const silences: readonly ConformanceCase[] = [
  defineCase({
    id: 'RES-TIME-006',
    claim: 'A stream on which nothing moves ends by the idle timeout: 504 "stream timeout" with SI; one that drips goes on.',
    source: 'Envoy HttpConnectionManager.stream_idle_timeout; response flag SI',
    profile: 'extended',
    apply: '',
    killedBy: [],
    labs: [],
    async run(mesh) {
      const listener = { routes: everythingTo('app'), more: 'stream_idle_timeout: 0.4s' };
      await using lone = await mesh.alone(resources([listener], [{ name: 'app', endpoints: among(program(mesh, 'reviews-v1')) }]));
      const silent = await lone.send({ path: '/silent', headers: { [BEHAVE]: 'delay=3000' } });
      expectEqual('status and body of a silent one', [silent.status, silent.body], [504, 'stream timeout']);
      expectContains('record', await lone.line('/silent '), '504 SI stream_idle_timeout');
      const dripping = await lone.send({ path: '/dripping', headers: { [BEHAVE]: 'size=6;drip=1/150' } });
      expectEqual('status and body of one that drips for 0.9 s', [dripping.status, dripping.body], [200, 'xxxxxx']);
      expectEqual('idle timeouts counted', await lone.stat('http.lone.downstream_rq_idle_timeout'), 1);
    },
  }),
  defineCase({
    id: 'RES-TIME-007',
    claim:
      'A request that does not arrive whole within the request timeout is answered 408 "request timeout", and nobody upstream hears of it.',
    source: 'Envoy HttpConnectionManager.request_timeout',
    profile: 'extended',
    apply: '',
    killedBy: [],
    labs: [],
    async run(mesh) {
      const listener = { routes: everythingTo('app'), more: 'request_timeout: 0.3s' };
      await using lone = await mesh.alone(resources([listener], [{ name: 'app', endpoints: among(program(mesh, 'reviews-v1')) }]));
      const slow = await lone.send({ path: '/slow', method: 'PUT', headers: { 'Transfer-Encoding': 'chunked' } });
      expectEqual('status and body', [slow.status, slow.body], [408, 'request timeout']);
      expectContains('record', await lone.line('/slow '), '408 - request_overall_timeout');
      expectEqual('timeouts counted', await lone.stat('http.lone.downstream_rq_timeout'), 1);
    },
  }),
  defineCase({
    id: 'RES-TIME-008',
    claim:
      'A gRPC caller that sets a deadline is answered at that time: grpc-timeout 200m ends a call of 2 s with grpc-status 4 or 14, UT.',
    source: 'gRPC over HTTP2, Timeout; Istio: max_stream_duration.grpc_timeout_header_max 0, no cap',
    profile: 'core',
    apply: reviewsRules(`- ${to('v1')}`),
    killedBy: [],
    labs: [],
    async run(mesh) {
      const headers = { 'content-type': 'application/grpc', 'grpc-timeout': '200m', [BEHAVE]: 'delay=2500' };
      const rose = await rise(mesh, V1, ['upstream_rq_total'], async () => {
        const answer = await mesh.send({ url: REVIEWS, method: 'POST', headers });
        const { flags, durationMs } = await answer.told();
        const status = Number(answer.headers.find(([name]) => name.toLowerCase() === 'grpc-status')?.[1]);
        expectThat('grpc-status', status === 4 || status === 14, '4 or 14', status);
        expectThat('flags', ['UT', 'UMSDR'].includes(flags), 'UT or UMSDR', flags);
        expectBetween('duration in ms', durationMs, [190, 1_800]);
      });
      expectEqual('requests sent', rose.upstream_rq_total, 1);
    },
  }),
];
