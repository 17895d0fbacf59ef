/** What changes of configuration do to requests and connections that are under way. */
import { type ConformanceCase, defineCase } from '../../define-case.ts';
import { expectEqual, expectThat } from '../../expect.ts';
import { BEHAVE } from '../echoed.ts';
import { expectVersion, REVIEWS, reviewsRules, to } from '../routing/reviews.ts';
import { untilAbove } from '../waiting.ts';

const V1 = 'cluster.outbound|9080|v1|reviews.default.svc.cluster.local';
const V2 = 'cluster.outbound|9080|v2|reviews.default.svc.cluster.local';

/** LIVE-CHANGE-001 to 003. */
export const changes: readonly ConformanceCase[] = [
  defineCase({
    id: 'LIVE-CHANGE-001',
    claim: 'Twenty changes of weights with requests under way in each: none fails.',
    source: 'xDS protocol, make before break; Istio traffic shifting',
    profile: 'core',
    apply: reviewsRules(`- ${to('v1')}`),
    killedBy: [],
    labs: [],
    async run(mesh) {
      const statuses = new Set<number>();
      for (let i = 1; i <= 20; i++) {
        const v2 = `{ destination: { host: reviews, subset: v2 }, weight: ${i * 5} }`;
        const meanwhile = mesh.sendMany({ url: REVIEWS }, 16);
        await mesh.apply(reviewsRules(`- route: [{ destination: { host: reviews, subset: v1 }, weight: ${100 - i * 5} }, ${v2}]`));
        for (const { status } of await meanwhile) statuses.add(status);
      }
      expectEqual('statuses during the changes', [...statuses], [200]);
      await expectVersion(mesh, 'after the last change, to 0 and 100', {}, 'v2');
    },
  }),
  defineCase({
    id: 'LIVE-CHANGE-002',
    claim: 'A request under way ends on the route that it began with; the next one takes the new route.',
    source: 'Envoy: a stream keeps the route configuration that it started with',
    profile: 'core',
    apply: reviewsRules(`- ${to('v1')}`),
    killedBy: [],
    labs: [],
    async run(mesh) {
      const sent = await mesh.stat('productpage-v1', `${V1}.upstream_rq_total`);
      const slow = mesh.send({ url: REVIEWS, headers: { [BEHAVE]: 'delay=1500' } });
      await untilAbove(mesh, 'productpage-v1', `${V1}.upstream_rq_total`, sent);
      await mesh.apply(reviewsRules(`- ${to('v2')}`));
      expectEqual('workload of the next request', await (await mesh.send({ url: REVIEWS })).servedBy(), 'reviews-v2');
      const answer = await slow;
      expectEqual('status and workload of the one under way', [answer.status, await answer.servedBy()], [200, 'reviews-v1']);
    },
  }),
  defineCase({
    id: 'LIVE-CHANGE-003',
    claim: 'A change of routes, and endpoints that come and go beside it, leave the connections to a workload as they are.',
    source: 'Envoy EDS: hosts that stay keep their connections',
    profile: 'core',
    apply: reviewsRules(`- ${to('v2')}`),
    killedBy: ['MUT-HOSTS-NOT-KEPT'],
    labs: [],
    async run(mesh) {
      await mesh.send({ url: REVIEWS });
      const before = await mesh.stat('productpage-v1', `${V2}.upstream_cx_total`);
      // A second endpoint of v2 comes and goes while the first one stays.
      const extra = `
apiVersion: networking.istio.io/v1
kind: WorkloadEntry
metadata:
  name: reviews-more
spec:
  address: ${mesh.address('reviews-v1')}
  labels: { app: reviews, version: v2 }
`;
      await mesh.apply(extra);
      await mesh.remove(extra);
      const answer = await mesh.send({ url: REVIEWS });
      expectEqual('workload', await answer.servedBy(), 'reviews-v2');
      const opened = (await mesh.stat('productpage-v1', `${V2}.upstream_cx_total`)) - before;
      expectThat('connections opened by the change', opened === 0, '0', opened);
    },
  }),
];
