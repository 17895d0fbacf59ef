/** Limits by count: requests are held at the program, so that each place is taken, refused and freed when the case says so. */
import { type ConformanceCase, defineCase, type MeshUnderTest } from '../../define-case.ts';
import { expectContains, expectEqual } from '../../expect.ts';
import { gauges, healthOf, reviewsCluster, rise } from '../counted.ts';
import { DIRECT_CLUSTER, DIRECT_URL, direct } from '../direct.ts';
import { BEHAVE, header } from '../echoed.ts';
import { begin, freshKey, hold, release, untilHeld, untilHeldAmong } from '../held.ts';
import { head } from '../protocol/wire.ts';
import { everythingTo, REVIEWS } from '../routing/reviews.ts';
import { SEED_BREAKER } from '../routing/seed.ts';
import { untilStat } from '../waiting.ts';
import { limited } from './limits.ts';

const V1 = reviewsCluster('v1');
const ASK = { url: REVIEWS };
const BREAKERS = ['cx_open', 'rq_pending_open', 'rq_open', 'rq_retry_open'] as const;

const expectRefused = async (mesh: MeshUnderTest): Promise<void> => {
  const refused = await mesh.send(ASK);
  expectEqual('status and x-envoy-overloaded', [refused.status, header(refused, 'x-envoy-overloaded')], [503, 'true']);
  expectContains('body', refused.body, 'reset reason: overflow');
  const { flags, attempts } = await refused.told();
  expectEqual('flags and tries', [flags, attempts], ['UO', 1]);
};

const expectServed = async (mesh: MeshUnderTest): Promise<void> => expectEqual('status', (await mesh.send(ASK)).status, 200);

const breakersOf = (mesh: MeshUnderTest) => gauges(mesh, `${V1}.circuit_breakers.default`, BREAKERS);

/** RES-BREAK-006 to 010. */
export const heldLimits: readonly ConformanceCase[] = [
  // #region RES-BREAK-006
  defineCase({
    id: 'RES-BREAK-006',
    claim:
      'With one connection and one place in the queue, one request held is served, one waits, and the third is refused at once; the gauges cx_open and rq_pending_open say so until the first is released.',
    source: 'Istio ConnectionPoolSettings; Envoy circuit breaking: circuit_breakers.default.cx_open, rq_pending_open',
    profile: 'core',
    apply: limited('{ tcp: { maxConnections: 1 }, http: { http1MaxPendingRequests: 1 } }'),
    killedBy: [],
    labs: [],
    async run(mesh) {
      const held = await hold(mesh, 1, { ask: ASK });
      const [waiting] = begin(mesh, 1, ASK);
      await untilStat(mesh, `${V1}.upstream_rq_pending_active`, 1);
      expectEqual('breakers', await breakersOf(mesh), { cx_open: 1, rq_pending_open: 1, rq_open: 0, rq_retry_open: 0 });
      const names = ['upstream_rq_pending_overflow', 'upstream_rq_total', 'upstream_cx_total'] as const;
      const rose = await rise(mesh, V1, names, () => expectRefused(mesh));
      expectEqual('statistics', rose, { upstream_rq_pending_overflow: 1, upstream_rq_total: 0, upstream_cx_total: 0 });
      const [first] = await held.release();
      expectEqual('statuses of the held and of the one that waited', [first?.status, (await waiting)?.status], [200, 200]);
      await untilStat(mesh, `${V1}.upstream_rq_active`, 0);
      // The connection stays open, idle, and still fills the limit of one.
      expectEqual('breakers', await breakersOf(mesh), { cx_open: 1, rq_pending_open: 0, rq_open: 0, rq_retry_open: 0 });
    },
  }),
  // #endregion
  defineCase({
    id: 'RES-BREAK-007',
    claim:
      "The founding text's limits, to the request: of 151 requests at once 100 are under way, 50 wait, and the last one is refused; then all 150 are served.",
    source: 'seed: Circuit Breaking (maxConnections: 100, http1MaxPendingRequests: 50, http2MaxRequests: 100)',
    profile: 'core',
    apply: SEED_BREAKER,
    killedBy: ['MUT-PENDING-OFF-BY-ONE'],
    labs: [],
    async run(mesh) {
      const all = reviewsCluster();
      const workloads = ['reviews-v1', 'reviews-v2', 'reviews-v3'];
      const key = freshKey();
      const ask = { url: REVIEWS, headers: { [BEHAVE]: `hold=${key}` } };
      // Who waits for a connection to open waits, too: fifty at a time.
      const first = begin(mesh, 50, ask);
      await untilHeldAmong(mesh, workloads, key, 50);
      const second = begin(mesh, 50, ask);
      await untilHeldAmong(mesh, workloads, key, 100);
      const waiting = begin(mesh, 50, ask);
      await untilStat(mesh, `${all}.upstream_rq_pending_active`, 50);
      await expectRefused(mesh);
      await untilHeldAmong(mesh, workloads, key, 100);
      for (const workload of workloads) await release(mesh, workload, key);
      const answers = await Promise.all([...first, ...second, ...waiting]);
      expectEqual('statuses of 150', [...new Set(answers.map(({ status }) => status))], [200]);
    },
  }),
  defineCase({
    id: 'RES-BREAK-008',
    claim: 'A place is free when the answer has ended, not when its head came: while a body stalls the next request is refused.',
    source: 'Envoy circuit breaking: max_requests counts active streams',
    profile: 'core',
    apply: limited('{ http: { http2MaxRequests: 1 } }'),
    killedBy: [],
    labs: [],
    async run(mesh) {
      const key = freshKey();
      await using wire = await mesh.dial('productpage-v1', 'reviews:9080');
      wire.write(head('GET /x HTTP/1.1', 'Host: reviews:9080', `${BEHAVE}: stall=${key}`, 'Connection: close'));
      await wire.until('"workload"');
      await untilHeld(mesh, 'reviews-v1', key, 1);
      expectEqual('rq_open', (await breakersOf(mesh)).rq_open, 1);
      await expectRefused(mesh);
      await release(mesh, 'reviews-v1', key);
      expectContains('the answer that stalled', await wire.untilClosed(), '"body":""}');
      await untilStat(mesh, `${V1}.upstream_rq_active`, 0);
      await expectServed(mesh);
    },
  }),
  defineCase({
    id: 'RES-BREAK-009',
    claim: 'A caller that leaves frees its place at once, though the program still holds the request.',
    source: 'Envoy circuit breaking; response flag DC',
    profile: 'core',
    apply: limited('{ http: { http2MaxRequests: 1 } }'),
    killedBy: [],
    labs: [],
    async run(mesh) {
      const key = freshKey();
      for (let round = 0; round < 3; round++) {
        await using wire = await mesh.dial('productpage-v1', 'reviews:9080');
        wire.write(head('GET /x HTTP/1.1', 'Host: reviews:9080', `${BEHAVE}: hold=${key}`));
        await untilStat(mesh, `${V1}.upstream_rq_active`, 1);
        await expectRefused(mesh);
        await wire[Symbol.asyncDispose]();
        await untilStat(mesh, `${V1}.upstream_rq_active`, 0);
        await expectServed(mesh);
      }
      await release(mesh, 'reviews-v1', key);
    },
  }),
  defineCase({
    id: 'RES-BREAK-010',
    claim: 'Answers that break off free their places too: after ten of them under a limit of one the next request is served.',
    source: 'Envoy circuit breaking: the resource is released with the stream, however it ends',
    profile: 'core',
    apply: '',
    killedBy: [],
    labs: [],
    async run(mesh) {
      await mesh.apply(direct(mesh, { policy: '{ connectionPool: { http: { http2MaxRequests: 1 } } }' }));
      for (let round = 0; round < 10; round++) {
        await using wire = await mesh.dial('productpage-v1', 'direct.example.test:80');
        wire.write(head('GET /x HTTP/1.1', 'Host: direct.example.test', `${BEHAVE}: cut`));
        await wire.until('HTTP/1.1 200');
        await untilStat(mesh, `${DIRECT_CLUSTER}.upstream_rq_active`, 0);
      }
      const names = ['rq_open', 'rq_pending_open'] as const;
      expectEqual('breakers', await gauges(mesh, `${DIRECT_CLUSTER}.circuit_breakers.default`, names), { rq_open: 0, rq_pending_open: 0 });
      const last = await mesh.send({ url: DIRECT_URL });
      expectEqual('status and flags of the next', [last.status, (await last.told()).flags], [200, '-']);
    },
  }),
];

/** RES-BREAK-011 to 014. */
export const breakersAndRetries: readonly ConformanceCase[] = [
  defineCase({
    id: 'RES-BREAK-011',
    claim:
      'maxRetries 1: while one retry is held, another failure is not tried again; it ends as it came, with UO and a retry overflow counted.',
    source: 'Istio HTTPSettings.maxRetries; Envoy upstream_rq_retry_overflow',
    profile: 'core',
    apply: limited('{ http: { maxRetries: 1 } }').replace('- route:', '- retries: { attempts: 2, retryOn: 5xx }\n    route:'),
    killedBy: [],
    labs: [],
    async run(mesh) {
      const held = await hold(mesh, 1, { ask: ASK, script: 'fail=503;until=2;from=2' });
      expectEqual('rq_retry_open', (await breakersOf(mesh)).rq_retry_open, 1);
      const names = ['upstream_rq_retry', 'upstream_rq_retry_overflow'] as const;
      const rose = await rise(mesh, V1, names, async () => {
        const answer = await mesh.send({ url: REVIEWS, headers: { [BEHAVE]: 'fail=503' } });
        const { flags, attempts } = await answer.told();
        expectEqual('status, flags and tries', [answer.status, flags, attempts], [503, 'UO', 1]);
      });
      expectEqual('statistics', rose, { upstream_rq_retry: 0, upstream_rq_retry_overflow: 1 });
      const [first] = await held.release();
      expectEqual('status and tries of the held', [first?.status, (await first?.told())?.attempts], [200, 2]);
    },
  }),
  defineCase({
    id: 'RES-BREAK-012',
    claim: 'An overflow is no failure of a host: ten of them eject nobody, though one error in a row would.',
    source: 'Envoy outlier detection: requests that never reached a host are not its errors',
    profile: 'core',
    apply: `
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata:
  name: reviews
spec:
  host: reviews
  subsets:
  - name: v1
    labels: { version: v1 }
    trafficPolicy:
      connectionPool: { http: { http2MaxRequests: 1 } }
      outlierDetection: { consecutive5xxErrors: 1, interval: 10s, baseEjectionTime: 30s, maxEjectionPercent: 100 }
${everythingTo('v1')}`,
    killedBy: [],
    labs: [],
    async run(mesh) {
      const held = await hold(mesh, 1, { ask: ASK });
      for (let i = 0; i < 10; i++) await expectRefused(mesh);
      expectEqual('health of v1', await healthOf(mesh, V1, 'reviews-v1'), 'healthy');
      expectEqual('ejections active', await mesh.stat('productpage-v1', `${V1}.outlier_detection.ejections_active`), 0);
      await held.release();
      await expectServed(mesh);
    },
  }),
  defineCase({
    id: 'RES-BREAK-013',
    claim: 'An overflow is never tried again, whatever retryOn says.',
    source: 'Envoy router: a response with x-envoy-overloaded is not retried; reset reason overflow',
    profile: 'core',
    apply: limited('{ http: { http2MaxRequests: 1 } }').replace(
      '- route:',
      '- retries: { attempts: 3, retryOn: "5xx,reset,503" }\n    route:',
    ),
    killedBy: [],
    labs: [],
    async run(mesh) {
      const held = await hold(mesh, 1, { ask: ASK });
      const names = ['upstream_rq_retry', 'upstream_rq_total', 'upstream_rq_503'] as const;
      const rose = await rise(mesh, V1, names, () => expectRefused(mesh));
      expectEqual('statistics', rose, { upstream_rq_retry: 0, upstream_rq_total: 0, upstream_rq_503: 1 });
      await held.release();
    },
  }),
  defineCase({
    id: 'RES-BREAK-014',
    claim: 'Each subset has limits of its own: while v1 is full v2 is not.',
    source: 'Istio Subset.trafficPolicy; Envoy: circuit breakers are per cluster',
    profile: 'core',
    apply: limited('{ http: { http2MaxRequests: 1 } }')
      .replace(
        '  - name: v1',
        '  - name: v2\n    labels: { version: v2 }\n    trafficPolicy: { connectionPool: { http: { http2MaxRequests: 1 } } }\n  - name: v1',
      )
      .replace('- route:', '- match: [{ uri: { prefix: /two } }]\n    route: [{ destination: { host: reviews, subset: v2 } }]\n  - route:'),
    killedBy: ['MUT-REQUESTS-IGNORED'],
    labs: [],
    async run(mesh) {
      const held = await hold(mesh, 1, { ask: ASK });
      await expectRefused(mesh);
      const other = await mesh.send({ url: 'http://reviews:9080/two' });
      expectEqual('status and workload beside it', [other.status, await other.servedBy()], [200, 'reviews-v2']);
      await held.release();
    },
  }),
];
