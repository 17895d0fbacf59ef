/** How often a request is tried at most, how long that may take, and what is never tried again. */
import { type ConformanceCase, defineCase, type MeshUnderTest } from '../../define-case.ts';
import { expectBetween, expectContains, expectEqual, expectThat } from '../../expect.ts';
import { among, endpoint, everythingTo, program, resources } from '../alone.ts';
import { reviewsCluster, rise } from '../counted.ts';
import { DIRECT_CLUSTER, DIRECT_URL, direct, NOBODY } from '../direct.ts';
import { BEHAVE } from '../echoed.ts';
import { begin, freshKey } from '../held.ts';
import { head } from '../protocol/wire.ts';
import { REVIEWS, reviewsRules, to } from '../routing/reviews.ts';
import { SEED_RETRIES } from '../routing/seed.ts';

const SOURCE = 'Istio HTTPRetry; Envoy router filter, x-envoy-retry-on';
const V1 = reviewsCluster('v1');

const retrying = (retries: string, more = ''): string =>
  reviewsRules(`
- ${to('v1')}
  retries: ${retries}
  ${more}`);

/** Status, sorted flags and tries of one request that is scripted so. */
const fate = async (mesh: MeshUnderTest, url: string, script: string, more: Readonly<Record<string, string>> = {}): Promise<string> => {
  const answer = await mesh.send({ url, headers: { ...more, [BEHAVE]: script } });
  const { flags, attempts } = await answer.told();
  return `${answer.status} ${flags.split(',').sort().join()} ${attempts}`;
};

/** RES-RETRY-010 to 014. */
export const retryKinds: readonly ConformanceCase[] = [
  defineCase({
    id: 'RES-RETRY-010',
    claim: 'reset tries again after a reset and not after a refused connection; connect-failure the other way round.',
    source: `${SOURCE}: reset, connect-failure`,
    profile: 'core',
    apply: '',
    killedBy: [],
    labs: [],
    async run(mesh) {
      const rule = (on: string) => `retries: { attempts: 1, retryOn: ${on} }`;
      await mesh.apply(direct(mesh, { rule: rule('reset') }));
      expectEqual('reset: a program that resets once', await fate(mesh, DIRECT_URL, 'reset;until=2'), '200 - 2');
      expectEqual('reset: a program that always resets', await fate(mesh, DIRECT_URL, 'reset'), '503 UC,URX 2');
      await mesh.apply(direct(mesh, { rule: rule('connect-failure') }));
      expectEqual('connect-failure: a program that resets', await fate(mesh, DIRECT_URL, 'reset;until=2'), '503 UC 1');
      await mesh.apply(direct(mesh, { rule: rule('connect-failure'), workloads: [NOBODY] }));
      expectEqual('connect-failure: nobody there', await fate(mesh, DIRECT_URL, ''), '503 UF,URX 2');
      const counted = await mesh.stat('productpage-v1', `${DIRECT_CLUSTER}.upstream_rq_retry_limit_exceeded`);
      expectEqual('whether giving up was counted', counted > 0, true);
    },
  }),
  defineCase({
    id: 'RES-RETRY-011',
    claim: 'gRPC conditions look at grpc-status in the head: unavailable tries 14 again and not 13; 0 is no failure.',
    source: `${SOURCE}: cancelled, deadline-exceeded, internal, resource-exhausted, unavailable`,
    profile: 'core',
    apply: retrying('{ attempts: 2, retryOn: unavailable }'),
    killedBy: [],
    labs: [],
    async run(mesh) {
      const tries = async (status: number) =>
        (await mesh.send({ url: REVIEWS, headers: { [BEHAVE]: `header=grpc-status:${status}` } })).told();
      expectEqual(
        'tries after 14, 13 and 0',
        [(await tries(14)).attempts, (await tries(13)).attempts, (await tries(0)).attempts],
        [3, 1, 1],
      );
      expectEqual('retries counted', (await rise(mesh, V1, ['upstream_rq_retry'], () => tries(14))).upstream_rq_retry, 2);
    },
  }),
  defineCase({
    id: 'RES-RETRY-012',
    claim: 'What upstream calls rate-limited is not tried again, whatever its status.',
    source: 'Envoy router: x-envoy-ratelimited, unless retryOn says envoy-ratelimited',
    profile: 'core',
    apply: retrying('{ attempts: 2, retryOn: 5xx }'),
    killedBy: [],
    labs: [],
    async run(mesh) {
      const names = ['upstream_rq_retry', 'upstream_rq_503'] as const;
      const rose = await rise(mesh, V1, names, async () => {
        expectEqual('fate with the field', await fate(mesh, REVIEWS, 'fail=503;header=x-envoy-ratelimited:true'), '503 - 1');
      });
      expectEqual('statistics', rose, { upstream_rq_retry: 0, upstream_rq_503: 1 });
      expectEqual('fate without it', await fate(mesh, REVIEWS, 'fail=503'), '503 URX 3');
    },
  }),
  defineCase({
    id: 'RES-RETRY-013',
    claim: 'Once the head of an answer has gone to the caller nothing is tried again: a body that breaks off ends the answer.',
    source: 'Envoy router: no retry after response headers were sent downstream',
    profile: 'core',
    apply: '',
    killedBy: [],
    labs: [],
    async run(mesh) {
      await mesh.apply(direct(mesh, { rule: 'retries: { attempts: 3, retryOn: "5xx,reset" }' }));
      const names = ['upstream_rq_retry', 'upstream_rq_total'] as const;
      const rose = await rise(mesh, DIRECT_CLUSTER, names, async () => {
        await using wire = await mesh.dial('productpage-v1', 'direct.example.test:80');
        wire.write(head('GET /x HTTP/1.1', 'Host: direct.example.test', `${BEHAVE}: size=2000;cut`));
        const text = await wire.untilClosed();
        expectContains('answer', text, 'HTTP/1.1 200');
        expectThat('bytes of the body that came', text.length < 2_000, 'fewer than 2000', text.length);
      });
      expectEqual('statistics', rose, { upstream_rq_retry: 0, upstream_rq_total: 1 });
    },
  }),
  defineCase({
    id: 'RES-RETRY-014',
    claim: 'A request whose body is larger than what is kept for retries is sent once: 1.5 MB and a 503, which is the answer.',
    source: 'Envoy router: retries need the whole body in the buffer (per_connection_buffer_limit_bytes, 1 MiB)',
    profile: 'core',
    apply: retrying('{ attempts: 3, retryOn: 5xx }'),
    killedBy: [],
    labs: [],
    async run(mesh) {
      const send = async (bytes: number) => {
        const answer = await mesh.send({
          url: REVIEWS,
          method: 'POST',
          body: 'x'.repeat(bytes),
          headers: { [BEHAVE]: 'fail=503;until=2;size=2' },
        });
        return [answer.status, (await answer.told()).attempts];
      };
      expectEqual('status and tries with 100 kB', await send(100_000), [200, 2]);
      expectEqual('status and tries with 1.5 MB', await send(1_500_000), [503, 1]);
    },
  }),
];

/** RES-RETRY-015 to 018. */
export const retryTimes: readonly ConformanceCase[] = [
  defineCase({
    id: 'RES-RETRY-015',
    claim:
      "The founding text's policy on a program that hangs: four tries of 2 s each, and a 504 after 8 s and the back-offs, with UT and URX.",
    source: 'seed: Retries & Timeouts (timeout: 10s, attempts: 3, perTryTimeout: 2s, retryOn: 5xx,reset,connect-failure)',
    profile: 'core',
    drivers: ['simulation'],
    because: 'eight seconds pass at once on a virtual clock',
    apply: SEED_RETRIES,
    killedBy: ['MUT-PER-TRY-IGNORED', 'MUT-ATTEMPTS-ARE-TRIES'],
    labs: [],
    async run(mesh) {
      const [answer] = begin(mesh, 1, { url: REVIEWS, headers: { [BEHAVE]: 'delay=60000' } });
      for (let s = 0; s < 10; s++) await mesh.pass?.(1_000);
      const got = await answer;
      const told = await got?.told();
      expectEqual('status and body', [got?.status, got?.body], [504, 'upstream request timeout']);
      expectEqual('flags and tries', [told?.flags.split(',').sort(), told?.attempts], [['URX', 'UT'], 4]);
      // Back-offs of at most 25, 75 and 175 ms.
      expectBetween('duration in ms', told?.durationMs ?? 0, [8_000, 8_300]);
    },
  }),
  defineCase({
    id: 'RES-RETRY-016',
    claim: 'Without a condition that covers it perTryTimeout still ends the one try: 504, UT, upstream_per_try_timeout.',
    source: 'Istio HTTPRetry.perTryTimeout; Envoy details upstream_per_try_timeout',
    profile: 'core',
    apply: retrying('{ attempts: 2, perTryTimeout: 150ms, retryOn: connect-failure }'),
    killedBy: ['MUT-PER-TRY-IGNORED'],
    labs: [],
    async run(mesh) {
      const answer = await mesh.send({ url: REVIEWS, headers: { [BEHAVE]: 'delay=1500' } });
      const { flags, details, attempts, durationMs } = await answer.told();
      expectEqual(
        'status, flags, details and tries',
        [answer.status, flags, details, attempts],
        [504, 'UT', 'upstream_per_try_timeout', 1],
      );
      expectBetween('duration in ms', durationMs, [145, 1_200]);
      const rose = await rise(mesh, V1, ['upstream_rq_per_try_timeout', 'upstream_rq_timeout'], () => fate(mesh, REVIEWS, 'delay=1500'));
      expectEqual('statistics', rose, { upstream_rq_per_try_timeout: 1, upstream_rq_timeout: 0 });
    },
  }),
  defineCase({
    id: 'RES-RETRY-017',
    claim:
      'Between tries lies a random time below a growing ceiling: with backoff 1 s two retries of twenty requests wait 2 s ± 0.7 s a request on average, and never 4 s.',
    source: `${SOURCE}: back-off fully random below 1 s, then 3 s`,
    profile: 'core',
    drivers: ['simulation'],
    because: 'forty seconds of back-off pass at once on a virtual clock',
    apply: retrying('{ attempts: 2, retryOn: 5xx, backoff: 1s }'),
    killedBy: [],
    labs: [],
    async run(mesh) {
      const answers = begin(mesh, 20, { url: REVIEWS, headers: { [BEHAVE]: 'fail=503' } });
      for (let s = 0; s < 10; s++) await mesh.pass?.(500);
      const durations = await Promise.all(answers.map(async (answer) => (await (await answer).told()).durationMs));
      const mean = durations.reduce((sum, ms) => sum + ms, 0) / durations.length;
      // A sum of two uniform draws below 1 s and 3 s: mean 2 s, deviation 0.91 s, of twenty 0.2 s.
      expectBetween('mean duration in ms', mean, [1_300, 2_700]);
      expectThat('longest duration in ms', Math.max(...durations) < 4_100, 'below 4 s', Math.max(...durations));
      expectThat('different durations', new Set(durations.map(Math.round)).size > 10, 'more than ten of twenty', durations);
    },
  }),
  defineCase({
    id: 'RES-RETRY-018',
    claim: 'A retry of a retry multiplies: two proxies in a row that try three times each ask the program nine times for one request.',
    source: 'Envoy router: each hop has its own policy; retry amplification',
    profile: 'core',
    apply: '',
    killedBy: ['MUT-NO-RETRY'],
    labs: [],
    async run(mesh) {
      const twice = 'retry_policy: { retry_on: 5xx, num_retries: 2, retry_back_off: { base_interval: 0.001s, max_interval: 0.002s } }';
      await using lone = await mesh.alone((address) =>
        resources(
          [{ routes: everythingTo('next', twice) }, { port: 10_001, routes: everythingTo('app', twice) }],
          [
            { name: 'next', endpoints: among(endpoint(address, 10_001)) },
            { name: 'app', endpoints: among(program(mesh, 'reviews-v1')) },
          ],
        )(address),
      );
      const send = async (failures: number) => {
        const answers = [...Array.from({ length: failures }, () => 503), 200].join();
        return (await lone.send({ path: '/', headers: { [BEHAVE]: `answers=${answers};key=${freshKey()}` } })).status;
      };
      expectEqual('status when the ninth try succeeds, and when the tenth would', [await send(8), await send(9)], [200, 503]);
      const asked = await Promise.all(['next', 'app'].map((name) => lone.stat(`cluster.${name}.upstream_rq_total`)));
      expectEqual('requests of the first hop and of the second', asked, [6, 18]);
    },
  }),
];
