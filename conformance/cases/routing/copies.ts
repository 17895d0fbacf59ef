/** Copies to a mirror: how many, what they cost the caller, and what becomes of their answers. */
import { type ConformanceCase, defineCase } from '../../define-case.ts';
import { expectBetween, expectEqual } from '../../expect.ts';
import { reviewsCluster, rise } from '../counted.ts';
import { BEHAVE, echoOf } from '../echoed.ts';
import { freshKey, release, untilHeld } from '../held.ts';
import { until, untilStatLater } from '../waiting.ts';
import { REVIEWS, reviewsRules, to } from './reviews.ts';

const SOURCE = 'Istio HTTPRoute.mirror, mirrors, mirrorPercentage; Envoy request_mirror_policies';
const V2 = reviewsCluster('v2');
const V3 = reviewsCluster('v3');

/** TRAF-MIRROR-003 to 006. */
export const copies: readonly ConformanceCase[] = [
  defineCase({
    id: 'TRAF-MIRROR-003',
    claim: 'A mirror of 25 % gets a copy of 25 % ± 3 points of 3,000 requests (a true 30 % passes once in 100 runs), counted as its own.',
    source: SOURCE,
    profile: 'core',
    apply: reviewsRules(`
- ${to('v1')}
  mirror: { host: reviews, subset: v2 }
  mirrorPercentage: { value: 25 }`),
    killedBy: [],
    labs: [],
    async run(mesh) {
      const rose = await rise(mesh, V2, ['upstream_rq_total'], async () => {
        const answers = await mesh.sendMany({ url: REVIEWS }, 3_000);
        expectEqual('statuses', [...new Set(answers.map(({ status }) => status))], [200]);
        // Nobody awaited the copies: the last of them may still be on their way.
        for (const name of ['upstream_rq_pending_active', 'upstream_rq_active']) await untilStatLater(mesh, `${V2}.${name}`, 0);
      });
      expectBetween('share of copies', rose.upstream_rq_total / 3_000, [0.22, 0.28]);
    },
  }),
  defineCase({
    id: 'TRAF-MIRROR-004',
    claim: 'Nobody waits for a mirror: while it holds the copy the caller has its answer already.',
    source: `${SOURCE}: fire and forget`,
    profile: 'core',
    apply: reviewsRules(`
- ${to('v1')}
  mirror: { host: reviews, subset: v2 }`),
    killedBy: [],
    labs: [],
    async run(mesh) {
      const key = freshKey();
      const answer = await mesh.send({ url: REVIEWS, headers: { [BEHAVE]: `only=reviews-v2;hold=${key}` } });
      expectEqual('status and workload', [answer.status, await answer.servedBy()], [200, 'reviews-v1']);
      await untilHeld(mesh, 'reviews-v2', key, 1);
      expectEqual('requests under way to the mirror', await mesh.stat('productpage-v1', `${V2}.upstream_rq_active`), 1);
      await release(mesh, 'reviews-v2', key);
    },
  }),
  defineCase({
    id: 'TRAF-MIRROR-005',
    claim:
      "The mirror's answer is nobody's: it fails, and the caller has what its own destination said, once, however often that was tried.",
    source: `${SOURCE}: the response is dropped; one copy a request`,
    profile: 'core',
    apply: reviewsRules(`
- ${to('v1')}
  mirror: { host: reviews, subset: v2 }
  retries: { attempts: 2, retryOn: 5xx }`),
    killedBy: [],
    labs: [],
    async run(mesh) {
      const names = ['upstream_rq_total', 'upstream_rq_500'] as const;
      const before = await mesh.stat('productpage-v1', `${V2}.upstream_rq_500`);
      const rose = await rise(mesh, V2, names, async () => {
        const failing = await mesh.send({ url: REVIEWS, headers: { [BEHAVE]: 'only=reviews-v2;fail=500' } });
        expectEqual('status and workload', [failing.status, await failing.servedBy()], [200, 'reviews-v1']);
        const retried = await mesh.send({ url: REVIEWS, headers: { [BEHAVE]: 'only=reviews-v1;fail=503;until=3' } });
        expectEqual('status and tries', [retried.status, (await retried.told()).attempts], [200, 3]);
        await until(
          'failures of the mirror',
          () => mesh.stat('productpage-v1', `${V2}.upstream_rq_500`),
          (now) => now > before,
          'one more',
        );
      });
      expectEqual('copies, and failures of the mirror', rose, { upstream_rq_total: 2, upstream_rq_500: 1 });
    },
  }),
  defineCase({
    id: 'TRAF-MIRROR-006',
    claim: 'Several mirrors each get their copy, with the body.',
    source: `${SOURCE}: mirrors`,
    profile: 'core',
    apply: reviewsRules(`
- ${to('v1')}
  mirrors:
  - destination: { host: reviews, subset: v2 }
  - destination: { host: reviews, subset: v3 }
    percentage: { value: 100 }`),
    killedBy: ['MUT-MIRROR-IGNORED'],
    labs: [],
    async run(mesh) {
      const before = await mesh.stat('productpage-v1', `${V3}.upstream_rq_total`);
      const answer = await mesh.send({ url: REVIEWS, method: 'POST', body: 'thrice' });
      expectEqual('workload and body', [await answer.servedBy(), echoOf(answer).body], ['reviews-v1', 'thrice']);
      const [second, third] = [await answer.told('reviews-v2'), await answer.told('reviews-v3')];
      expectEqual('statuses at the mirrors', [second.status, third.status], [200, 200]);
      expectEqual('copies to v3', (await mesh.stat('productpage-v1', `${V3}.upstream_rq_total`)) - before, 1);
    },
  }),
];
