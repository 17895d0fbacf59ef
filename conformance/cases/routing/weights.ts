/** How traffic is divided by weight. */
import { type ConformanceCase, defineCase } from '../../define-case.ts';
import { expectBetween, expectEqual, expectThat } from '../../expect.ts';
import { answeredBy, REVIEWS, reviewsRules, share } from './reviews.ts';
import { SEED_CANARY } from './seed.ts';

const REQUESTS = 3_000;

/** rules: [weight of v1, weight of v2]. */
const split = ([v1, v2]: readonly [number, number]): string =>
  reviewsRules(`
- route:
  - { destination: { host: reviews, subset: v1 }, weight: ${v1} }
  - { destination: { host: reviews, subset: v2 }, weight: ${v2} }`);

/**
 * TRAF-WEIGHT-001 to 004.
 *
 * Power of the ±3 points over 3,000 requests, one try: the standard deviation of a true 90/10 split is 0.55 points, so a right splitter fails
 * once in 2·10⁷ runs; one that is really 85/15 passes one run in 900, one that is really 84/16 one in 150,000.
 */
export const weights: readonly ConformanceCase[] = [
  // #region TRAF-WEIGHT-001
  defineCase({
    id: 'TRAF-WEIGHT-001',
    claim: 'Weights 90 and 10 send 90 % ± 3 points of 3,000 requests to v1 and the rest to v2 (a true 85/15 passes once in 900 runs).',
    source: 'seed: Canary Deployments (weight: 90, weight: 10); Istio HTTPRouteDestination.weight',
    profile: 'core',
    apply: SEED_CANARY,
    killedBy: ['MUT-WEIGHTS-EQUAL'],
    labs: ['02-canary#4'],
    async run(mesh) {
      const workloads = await answeredBy(mesh, { url: REVIEWS }, REQUESTS);
      expectBetween('share of reviews-v1', share(workloads, 'reviews-v1'), [0.87, 0.93]);
      expectBetween('share of reviews-v2', share(workloads, 'reviews-v2'), [0.07, 0.13]);
    },
  }),
  // #endregion
  defineCase({
    id: 'TRAF-WEIGHT-002',
    claim: 'Weights are relative: 9 and 1 divide as 90 and 10 do.',
    source: 'Istio HTTPRouteDestination.weight: "sum of weights" need not be 100',
    profile: 'core',
    apply: split([9, 1]),
    killedBy: [],
    labs: [],
    async run(mesh) {
      const workloads = await answeredBy(mesh, { url: REVIEWS }, REQUESTS);
      expectBetween('share of reviews-v1', share(workloads, 'reviews-v1'), [0.87, 0.93]);
      expectBetween('share of reviews-v2', share(workloads, 'reviews-v2'), [0.07, 0.13]);
    },
  }),
  defineCase({
    id: 'TRAF-WEIGHT-003',
    claim: 'A destination with weight 0 never gets a request.',
    source: 'Istio HTTPRouteDestination.weight: "if set to 0, the destination will not receive any traffic"',
    profile: 'core',
    apply: split([0, 100]),
    killedBy: [],
    labs: [],
    async run(mesh) {
      const workloads = await answeredBy(mesh, { url: REVIEWS }, 300);
      expectEqual('workloads that answered', [...new Set(workloads)], ['reviews-v2']);
    },
  }),
  defineCase({
    id: 'TRAF-WEIGHT-004',
    claim: 'Each request is drawn on its own: one connection sees both versions.',
    source: 'Envoy weighted_clusters: a random value a request',
    profile: 'core',
    apply: split([50, 50]),
    killedBy: [],
    labs: [],
    async run(mesh) {
      await using wire = await mesh.dial('productpage-v1', 'reviews:9080');
      const one = 'GET /reviews/0 HTTP/1.1\r\nHost: reviews:9080\r\n\r\n';
      wire.write(`${one.repeat(59)}GET /reviews/0 HTTP/1.1\r\nHost: reviews:9080\r\nConnection: close\r\n\r\n`);
      const text = await wire.untilClosed();
      expectEqual('answers on one connection', text.split('HTTP/1.1 200').length - 1, 60);
      const versions = ['reviews-v1', 'reviews-v2'].filter((name) => text.includes(name));
      expectThat('workloads that answered 60 requests of one connection', versions.length === 2, 'both', versions);
    },
  }),
];
