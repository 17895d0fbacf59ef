/** Faults, counted: in gRPC's words, drawn independently, and without a place in upstream's limits. */
import { type ConformanceCase, defineCase } from '../../define-case.ts';
import { expectBetween, expectEqual } from '../../expect.ts';
import { reviewsCluster, rise } from '../counted.ts';
import { header } from '../echoed.ts';
import { REVIEWS, reviewsRules, to } from '../routing/reviews.ts';

const SOURCE = 'Istio HTTPFaultInjection; Envoy HTTP fault filter';
const V1 = reviewsCluster('v1');

/** TRAF-FAULT-001 to 003; RES-FAULT has those before. */
export const moreFaults: readonly ConformanceCase[] = [
  defineCase({
    id: 'TRAF-FAULT-001',
    claim: 'An abort by gRPC status answers 200 with that grpc-status to a gRPC caller, FI, and upstream hears nothing.',
    source: `${SOURCE}: abort.grpcStatus`,
    profile: 'core',
    apply: reviewsRules(`
- fault: { abort: { percentage: { value: 100 }, grpcStatus: UNAVAILABLE } }
  ${to('v1')}`),
    killedBy: ['MUT-FAULT-NEVER'],
    labs: [],
    async run(mesh) {
      const rose = await rise(mesh, V1, ['upstream_rq_total'], async () => {
        const answer = await mesh.send({ url: REVIEWS, method: 'POST', headers: { 'content-type': 'application/grpc' } });
        const { flags, attempts } = await answer.told();
        expectEqual(
          'status, grpc-status, flags and tries',
          [answer.status, header(answer, 'grpc-status'), flags, attempts],
          [200, '14', 'FI', 0],
        );
      });
      expectEqual('requests sent upstream', rose.upstream_rq_total, 0);
    },
  }),
  defineCase({
    id: 'TRAF-FAULT-002',
    claim: 'Delay and abort are drawn each for itself: 40 % and 50 % meet in 20 % ± 3 points of 3,000 requests, by their flags.',
    source: `${SOURCE}: percentages are independent`,
    profile: 'core',
    apply: reviewsRules(`
- fault:
    delay: { percentage: { value: 40 }, fixedDelay: 0.002s }
    abort: { percentage: { value: 50 }, httpStatus: 503 }
  ${to('v1')}`),
    killedBy: ['MUT-FAULT-PERCENT-TIMES-100'],
    labs: [],
    async run(mesh) {
      const answers = await mesh.sendMany({ url: REVIEWS }, 3_000);
      const told = await Promise.all(answers.map((answer) => answer.told()));
      const shareOf = (isOne: (flags: readonly string[]) => boolean) =>
        told.filter(({ flags }) => isOne(flags.split(','))).length / told.length;
      expectBetween(
        'share of delays',
        shareOf((flags) => flags.includes('DI')),
        [0.37, 0.43],
      );
      expectBetween(
        'share of aborts',
        shareOf((flags) => flags.includes('FI')),
        [0.47, 0.53],
      );
      expectBetween(
        'share of both',
        shareOf((flags) => flags.includes('DI') && flags.includes('FI')),
        [0.17, 0.23],
      );
    },
  }),
  defineCase({
    id: 'TRAF-FAULT-003',
    claim:
      'Aborts are no errors of any host: twenty of them eject nobody and count nothing in the cluster, though one error would be enough.',
    source: `${SOURCE}: the fault filter stands before the router`,
    profile: 'core',
    apply: reviewsRules(`
- match: [{ uri: { prefix: /abort } }]
  fault: { abort: { percentage: { value: 100 }, httpStatus: 500 } }
  ${to('v1')}
- ${to('v1')}`).replace(
      '    labels: { version: v1 }\n',
      '    labels: { version: v1 }\n    trafficPolicy: { outlierDetection: { consecutive5xxErrors: 1, interval: 10s, maxEjectionPercent: 100 } }\n',
    ),
    killedBy: ['MUT-FAULT-NEVER'],
    labs: [],
    async run(mesh) {
      const rose = await rise(mesh, V1, ['upstream_rq_total', 'upstream_rq_5xx'], async () => {
        const answers = await mesh.sendMany({ url: 'http://reviews:9080/abort' }, 20);
        expectEqual('statuses', [...new Set(answers.map(({ status }) => status))], [500]);
      });
      expectEqual('statistics of the cluster', rose, { upstream_rq_total: 0, upstream_rq_5xx: 0 });
      expectEqual('ejections active', await mesh.stat('productpage-v1', `${V1}.outlier_detection.ejections_active`), 0);
      expectEqual('status of a request without a fault', (await mesh.send({ url: REVIEWS })).status, 200);
    },
  }),
];
