/** Which failures of a host take it out of the balancing, and how many hosts may be out at once. */
import { type ConformanceCase, defineCase } from '../../define-case.ts';
import { expectContains, expectEqual } from '../../expect.ts';
import { healthOf, reviewsCluster, rise } from '../counted.ts';
import { DIRECT_CLUSTER, DIRECT_URL, direct, NOBODY } from '../direct.ts';
import { BEHAVE } from '../echoed.ts';
import { everythingTo, REVIEWS } from '../routing/reviews.ts';
import { until } from '../waiting.ts';
import { EJECTED, ejections, ejectionsWhile, healths, inTurn, tally, watched } from './outliers.ts';

const SOURCE = 'Istio OutlierDetection; Envoy outlier detection';
const V1 = reviewsCluster('v1');
const V1_FAILS = 'only=reviews-v1;fail=503';
/** Nobody waits for its end. */
const LONG = 'interval: 10s, baseEjectionTime: 30s';

const onlyV1 = (outlier: string): string => `
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
      outlierDetection: ${outlier}
${everythingTo('v1')}`;

/** RES-EJECT-001 to 005. */
export const strikes: readonly ConformanceCase[] = [
  // #region RES-EJECT-001
  defineCase({
    id: 'RES-EJECT-001',
    claim:
      'The fifth 5xx in a row ejects the host at that moment: of 45 requests in turn over three hosts, one of which fails, exactly five fail, and /clusters shows /failed_outlier_check.',
    source: `${SOURCE}: consecutive5xxErrors`,
    profile: 'core',
    apply: watched(`{ consecutive5xxErrors: 5, ${LONG}, maxEjectionPercent: 100 }`),
    killedBy: ['MUT-EJECTED-STILL-PICKED'],
    labs: [],
    async run(mesh) {
      const rose = await ejectionsWhile(mesh, ['enforced_total', 'enforced_consecutive_5xx'], async () => {
        expectEqual('statuses of 45 requests', tally(await inTurn(mesh, 45, V1_FAILS)), '200×40 503×5');
      });
      expectEqual('ejections in all, and for 5xx', rose, [1, 1]);
      expectEqual('health of v1, v2, v3', await healths(mesh), [EJECTED, 'healthy', 'healthy']);
      expectEqual('ejections active', await ejections(mesh, 'active'), 1);
      expectEqual('healthy members', await mesh.stat('productpage-v1', `${reviewsCluster()}.membership_healthy`), 2);
    },
  }),
  // #endregion
  defineCase({
    id: 'RES-EJECT-002',
    claim: 'A success takes the strikes away: four errors, a success and four errors eject nobody, and one error more does.',
    source: `${SOURCE}: consecutive`,
    profile: 'core',
    apply: onlyV1(`{ consecutive5xxErrors: 5, ${LONG}, maxEjectionPercent: 100 }`),
    killedBy: ['MUT-SUCCESS-KEEPS-STRIKES'],
    labs: [],
    async run(mesh) {
      await inTurn(mesh, 4, 'fail=503');
      await inTurn(mesh, 1, '');
      await inTurn(mesh, 4, 'fail=503');
      expectEqual('health after 4, 1 and 4', await healthOf(mesh, V1, 'reviews-v1'), 'healthy');
      expectEqual('status of the ninth error', await inTurn(mesh, 1, 'fail=503'), [503]);
      expectEqual('health after it', await healthOf(mesh, V1, 'reviews-v1'), EJECTED);
    },
  }),
  defineCase({
    id: 'RES-EJECT-003',
    claim: 'Answers of 4xx are no strikes: twenty of them eject nobody.',
    source: `${SOURCE}: 5xx codes`,
    profile: 'core',
    apply: onlyV1(`{ consecutive5xxErrors: 2, consecutiveGatewayErrors: 2, ${LONG}, maxEjectionPercent: 100 }`),
    killedBy: ['MUT-4XX-STRIKES'],
    labs: [],
    async run(mesh) {
      expectEqual('statuses', tally([...(await inTurn(mesh, 10, 'fail=404')), ...(await inTurn(mesh, 10, 'fail=429'))]), '404×10 429×10');
      expectEqual('health', await healthOf(mesh, V1, 'reviews-v1'), 'healthy');
      expectEqual('ejections active', await ejections(mesh, 'active', V1), 0);
      expectEqual('statuses of two errors', await inTurn(mesh, 2, 'fail=500'), [500, 500]);
      expectEqual('health after them', await healthOf(mesh, V1, 'reviews-v1'), EJECTED);
    },
  }),
  defineCase({
    id: 'RES-EJECT-004',
    claim: 'With consecutive5xxErrors 0 and consecutiveGatewayErrors 3, ten 500 eject nobody and three 503 do.',
    source: `${SOURCE}: consecutiveGatewayErrors, 502 to 504`,
    profile: 'core',
    apply: onlyV1(`{ consecutive5xxErrors: 0, consecutiveGatewayErrors: 3, ${LONG}, maxEjectionPercent: 100 }`),
    killedBy: ['MUT-GATEWAY-STRIKES-500'],
    labs: [],
    async run(mesh) {
      const rose = await ejectionsWhile(
        mesh,
        ['enforced_consecutive_gateway_failure', 'enforced_consecutive_5xx'],
        async () => {
          expectEqual('statuses', tally(await inTurn(mesh, 10, 'fail=500')), '500×10');
          expectEqual('health after ten 500', await healthOf(mesh, V1, 'reviews-v1'), 'healthy');
          expectEqual('statuses', [...(await inTurn(mesh, 2, 'fail=503')), ...(await inTurn(mesh, 1, 'fail=502'))], [503, 503, 502]);
        },
        V1,
      );
      expectEqual('health after three gateway errors', await healthOf(mesh, V1, 'reviews-v1'), EJECTED);
      expectEqual('ejections for gateway errors, and for 5xx', rose, [1, 0]);
    },
  }),
  defineCase({
    id: 'RES-EJECT-005',
    claim:
      "The founding text's consecutiveErrors is not read: with 2 there, four errors in a row eject nobody, and the fifth, Envoy's default, does.",
    source: 'seed: Circuit Breaking (consecutiveErrors); Istio OutlierDetection.consecutiveErrors: deprecated, without effect',
    profile: 'core',
    apply: onlyV1(`{ consecutiveErrors: 2, ${LONG}, maxEjectionPercent: 100 }`),
    killedBy: [],
    labs: [],
    async run(mesh) {
      await inTurn(mesh, 4, 'fail=503');
      expectEqual('health after four errors', await healthOf(mesh, V1, 'reviews-v1'), 'healthy');
      await inTurn(mesh, 1, 'fail=503');
      expectEqual('health after five', await healthOf(mesh, V1, 'reviews-v1'), EJECTED);
    },
  }),
];

/** RES-EJECT-006 to 009. */
export const ejectionShares: readonly ConformanceCase[] = [
  defineCase({
    id: 'RES-EJECT-006',
    claim:
      'At most 10 % by default: of three hosts none is ejected, the host that fails goes on getting its third, and the overflow is counted.',
    source: `${SOURCE}: maxEjectionPercent 10`,
    profile: 'core',
    apply: watched(`{ consecutive5xxErrors: 5, ${LONG} }`),
    killedBy: ['MUT-MAX-PERCENT-IGNORED'],
    labs: [],
    async run(mesh) {
      const [overflows = 0] = await ejectionsWhile(mesh, ['overflow'], async () => {
        expectEqual('statuses of 30 requests', tally(await inTurn(mesh, 30, V1_FAILS)), '200×20 503×10');
      });
      expectEqual('health of v1, v2, v3', await healths(mesh), ['healthy', 'healthy', 'healthy']);
      expectEqual('ejections active', await ejections(mesh, 'active'), 0);
      expectEqual('whether an overflow was counted', overflows > 0, true);
    },
  }),
  defineCase({
    id: 'RES-EJECT-007',
    claim: 'Of three hosts 50 % lets one go and not two: when two fail, the second stays.',
    source: `${SOURCE}: maxEjectionPercent; seed: 50`,
    profile: 'core',
    apply: watched(`{ consecutive5xxErrors: 3, ${LONG}, maxEjectionPercent: 50 }`),
    killedBy: ['MUT-MAX-PERCENT-IGNORED'],
    labs: [],
    async run(mesh) {
      await inTurn(mesh, 9, 'only=reviews-v1;fail=503');
      expectEqual('health of v1, v2, v3', await healths(mesh), [EJECTED, 'healthy', 'healthy']);
      expectEqual('statuses while v2 fails', tally(await inTurn(mesh, 20, 'only=reviews-v2;fail=503')), '200×10 503×10');
      expectEqual('health of v1, v2, v3', await healths(mesh), [EJECTED, 'healthy', 'healthy']);
      expectEqual('ejections active', await ejections(mesh, 'active'), 1);
    },
  }),
  defineCase({
    id: 'RES-EJECT-008',
    claim: 'When every host is ejected and no share must be healthy, nobody is asked: 503 "no healthy upstream", UH.',
    source: `${SOURCE}: minHealthPercent 0 switches panic off`,
    profile: 'core',
    apply: watched(`{ consecutive5xxErrors: 2, ${LONG}, maxEjectionPercent: 100 }`),
    killedBy: [],
    labs: [],
    async run(mesh) {
      await inTurn(mesh, 6, 'fail=500');
      expectEqual('health of v1, v2, v3', await healths(mesh), [EJECTED, EJECTED, EJECTED]);
      // Envoy takes changes of health together that come within a second.
      await until(
        'status',
        async () => (await mesh.send({ url: REVIEWS })).status,
        (status) => status === 503,
        '503',
      );
      const names = ['upstream_rq_total', 'upstream_cx_none_healthy'] as const;
      const rose = await rise(mesh, reviewsCluster(), names, async () => {
        const answer = await mesh.send({ url: REVIEWS });
        expectEqual('status and body', [answer.status, answer.body], [503, 'no healthy upstream']);
        expectEqual('flags', (await answer.told()).flags, 'UH');
      });
      expectEqual('statistics', rose, { upstream_rq_total: 0, upstream_cx_none_healthy: 1 });
    },
  }),
  defineCase({
    id: 'RES-EJECT-009',
    claim:
      'With minHealthPercent 50 and one of three hosts left, everybody is asked again, the ejected too, and lb_healthy_panic counts it.',
    source: `${SOURCE}: minHealthPercent; Envoy panic threshold`,
    profile: 'core',
    apply: watched(`{ consecutive5xxErrors: 2, ${LONG}, maxEjectionPercent: 100, minHealthPercent: 50 }`),
    killedBy: [],
    labs: [],
    async run(mesh) {
      await inTurn(mesh, 6, 'only=reviews-v1;fail=500');
      expectEqual('health of v1, v2, v3', await healths(mesh), [EJECTED, 'healthy', 'healthy']);
      await inTurn(mesh, 6, 'only=reviews-v2;fail=500');
      expectEqual('health of v1, v2, v3', await healths(mesh), [EJECTED, EJECTED, 'healthy']);
      // Envoy takes changes of health together that come within a second.
      const ask = async () => (await mesh.send({ url: REVIEWS })).servedBy();
      await until('workload that answers', ask, (workload) => workload === 'reviews-v1', 'reviews-v1, though it is ejected');
      const workloads = new Set<string>();
      const rose = await rise(mesh, reviewsCluster(), ['lb_healthy_panic'], async () => {
        for (let i = 0; i < 6; i++) workloads.add(await ask());
      });
      expectEqual('workloads that answered', [...workloads].sort(), ['reviews-v1', 'reviews-v2', 'reviews-v3']);
      expectEqual('panics in six requests', rose.lb_healthy_panic, 6);
    },
  }),
];

/** RES-EJECT-010 to 014. */
export const strikesOfAllKinds: readonly ConformanceCase[] = [
  defineCase({
    id: 'RES-EJECT-010',
    claim: 'Connections that are reset, and requests that time out, are strikes as 5xx answers are.',
    source: `${SOURCE}: local origin errors count as 5xx unless they are split`,
    profile: 'core',
    apply: '',
    killedBy: [],
    labs: [],
    async run(mesh) {
      const policy = `{ outlierDetection: { consecutive5xxErrors: 3, ${LONG}, maxEjectionPercent: 100 } }`;
      await mesh.apply(direct(mesh, { policy, rule: 'timeout: 0.2s' }));
      const ask = async (script: string) => (await (await mesh.send({ url: DIRECT_URL, headers: { [BEHAVE]: script } })).told()).flags;
      const strikes = async () => {
        expectEqual('flags', [await ask('reset'), await ask('delay=5000'), await ask('reset')], ['UC', 'UT', 'UC']);
      };
      expectEqual('ejections for 5xx', await ejectionsWhile(mesh, ['enforced_consecutive_5xx'], strikes, DIRECT_CLUSTER), [1]);
      expectEqual('flags after three strikes', await ask(''), 'UH');
    },
  }),
  defineCase({
    id: 'RES-EJECT-011',
    claim:
      'Split, errors of connections have a count of their own: four 503 are below five, and two connections that break eject the host.',
    source: `${SOURCE}: splitExternalLocalOriginErrors, consecutiveLocalOriginFailures`,
    profile: 'extended',
    apply: '',
    killedBy: [],
    labs: [],
    async run(mesh) {
      const split = 'splitExternalLocalOriginErrors: true, consecutiveLocalOriginFailures: 2';
      const policy = `{ outlierDetection: { ${split}, consecutive5xxErrors: 5, ${LONG}, maxEjectionPercent: 100 } }`;
      const rule = 'retries: { attempts: 0 }';
      await mesh.apply(direct(mesh, { policy, rule }));
      const ask = async (script: string) => (await (await mesh.send({ url: DIRECT_URL, headers: { [BEHAVE]: script } })).told()).flags;
      for (let i = 0; i < 4; i++) expectEqual('flags of a 503', await ask('fail=503'), '-');
      expectEqual('flags of two resets', [await ask('reset'), await ask('reset')], ['UC', 'UC']);
      expectEqual('flags of a fifth answer', await ask(''), '-');
      await mesh.apply(direct(mesh, { policy, rule, workloads: [NOBODY] }));
      const names = ['enforced_consecutive_local_origin_failure', 'enforced_consecutive_5xx'];
      const refused = async () => expectEqual('flags of two refused connections', [await ask(''), await ask('')], ['UF', 'UF']);
      expectEqual('ejections for connections, and for 5xx', await ejectionsWhile(mesh, names, refused, DIRECT_CLUSTER), [1, 0]);
      // Envoy takes changes of health together that come within a second.
      await until(
        'flags',
        () => ask(''),
        (flags) => flags === 'UH',
        'UH',
      );
    },
  }),
  defineCase({
    id: 'RES-EJECT-012',
    claim: 'Each proxy ejects for itself: the host that productpage has ejected still serves another caller.',
    source: `${SOURCE}: state is per proxy`,
    profile: 'core',
    apply: watched(`{ consecutive5xxErrors: 2, ${LONG}, maxEjectionPercent: 100 }`),
    killedBy: [],
    labs: [],
    async run(mesh) {
      await inTurn(mesh, 6, V1_FAILS);
      expectEqual('health as productpage has it', await healths(mesh), [EJECTED, 'healthy', 'healthy']);
      expectEqual('statuses of another caller', tally(await inTurn(mesh, 3, V1_FAILS, 'visitor-v1')), '200×2 503×1');
      expectEqual('health as the other caller has it', await healths(mesh, 'visitor-v1'), ['healthy', 'healthy', 'healthy']);
    },
  }),
  defineCase({
    id: 'RES-EJECT-013',
    claim:
      'Every try is a strike for the host that it went to: with retries no caller sees an error, and the host that fails is ejected after five tries.',
    source: `${SOURCE}; Envoy router: each attempt reports to the host that it was made on`,
    profile: 'core',
    apply: `${watched(`{ consecutive5xxErrors: 5, ${LONG}, maxEjectionPercent: 100 }`)}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata:
  name: reviews
spec:
  hosts: [reviews]
  http:
  - route: [{ destination: { host: reviews } }]
    retries: { attempts: 2, retryOn: 5xx }
`,
    killedBy: ['MUT-EJECTED-STILL-PICKED'],
    labs: [],
    async run(mesh) {
      const names = ['upstream_rq_retry', 'upstream_rq_retry_success', 'retry.upstream_rq_503'] as const;
      const rose = await rise(mesh, reviewsCluster(), names, async () => {
        expectEqual('statuses of 40 requests', tally(await inTurn(mesh, 40, V1_FAILS)), '200×40');
      });
      expectEqual('statistics', rose, { upstream_rq_retry: 5, upstream_rq_retry_success: 5, 'retry.upstream_rq_503': 5 });
      expectEqual('health of v1, v2, v3', await healths(mesh), [EJECTED, 'healthy', 'healthy']);
    },
  }),
  defineCase({
    id: 'RES-EJECT-014',
    claim: 'A change of endpoints keeps what is known of the others: a host that was ejected stays so when another one joins.',
    source: 'Envoy EDS: hosts with the same address keep their state',
    profile: 'core',
    apply: watched(`{ consecutive5xxErrors: 2, ${LONG}, maxEjectionPercent: 50 }`),
    killedBy: ['MUT-HOSTS-NOT-KEPT'],
    labs: [],
    async run(mesh) {
      await inTurn(mesh, 6, V1_FAILS);
      await mesh.apply(`
apiVersion: networking.istio.io/v1
kind: WorkloadEntry
metadata:
  name: reviews-fourth
spec:
  address: ${mesh.address('production-reviews')}
  labels: { app: reviews, version: v4 }
  ports: { http: 9080 }
`);
      expectEqual('members', await mesh.stat('productpage-v1', `${reviewsCluster()}.membership_total`), 4);
      expectContains('health of v1', (await healths(mesh))[0] ?? '', EJECTED);
      expectEqual('statuses', tally(await inTurn(mesh, 12, V1_FAILS)), '200×12');
    },
  }),
];
