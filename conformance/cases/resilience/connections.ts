/** Connections upstream: how long they live, how many requests share one, and what speaks over them. */
import { type ConformanceCase, defineCase } from '../../define-case.ts';
import { expectEqual, expectThat } from '../../expect.ts';
import { reviewsCluster, rise } from '../counted.ts';
import { REVIEWS } from '../routing/reviews.ts';
import { untilStatLater } from '../waiting.ts';
import { limited } from './limits.ts';

const V1 = reviewsCluster('v1');

/** RES-BREAK-015 to 017. */
export const connectionLives: readonly ConformanceCase[] = [
  defineCase({
    id: 'RES-BREAK-015',
    claim: 'idleTimeout ends a connection on which nothing goes on, and the next request opens another; one that is busy stays.',
    source: 'Istio HTTPSettings.idleTimeout; Envoy upstream_cx_idle_timeout',
    profile: 'core',
    apply: limited('{ http: { idleTimeout: 0.3s } }'),
    killedBy: [],
    labs: [],
    async run(mesh) {
      const before = await mesh.stat('productpage-v1', `${V1}.upstream_cx_idle_timeout`);
      const rose = await rise(mesh, V1, ['upstream_cx_total'], async () => {
        expectEqual('status', (await mesh.send({ url: REVIEWS })).status, 200);
        await untilStatLater(mesh, `${V1}.upstream_cx_idle_timeout`, before + 1);
        expectEqual('connections open', await mesh.stat('productpage-v1', `${V1}.upstream_cx_active`), 0);
        expectEqual('status', (await mesh.send({ url: REVIEWS, headers: { 'x-lab-behave': 'delay=900' } })).status, 200);
      });
      expectEqual('connections opened', rose.upstream_cx_total, 2);
    },
  }),
  defineCase({
    id: 'RES-BREAK-016',
    claim: 'maxConnectionDuration ends a connection however busy it is kept, and requests do not notice.',
    source: 'Istio TCPSettings.maxConnectionDuration; Envoy upstream_cx_max_duration_reached',
    profile: 'extended',
    apply: limited('{ tcp: { maxConnectionDuration: 0.4s } }'),
    killedBy: [],
    labs: [],
    async run(mesh) {
      const name = `${V1}.upstream_cx_max_duration_reached`;
      const before = await mesh.stat('productpage-v1', name);
      const statuses = new Set<number>();
      const deadline = performance.now() + 8_000;
      while ((await mesh.stat('productpage-v1', name)) === before && performance.now() < deadline) {
        statuses.add((await mesh.send({ url: REVIEWS })).status);
        await mesh.pass?.(20);
      }
      statuses.add((await mesh.send({ url: REVIEWS })).status);
      expectEqual('statuses', [...statuses], [200]);
      expectThat('connections that grew too old', (await mesh.stat('productpage-v1', name)) > before, 'one more', before);
    },
  }),
  defineCase({
    id: 'RES-BREAK-017',
    claim:
      'maxRequestsPerConnection 1 switches keep-alive off: each of four requests in a row has a connection of its own, closed behind it.',
    source: 'Istio HTTPSettings.maxRequestsPerConnection: 1 disables keep alive',
    profile: 'core',
    apply: limited('{ http: { maxRequestsPerConnection: 1 } }'),
    killedBy: ['MUT-PER-CONNECTION-OFF-BY-ONE'],
    labs: [],
    async run(mesh) {
      const rose = await rise(mesh, V1, ['upstream_cx_total', 'upstream_cx_max_requests'], async () => {
        for (const { status } of await mesh.sendInTurn({ url: REVIEWS }, 4)) expectEqual('status', status, 200);
      });
      expectEqual('connections opened, and ended by the limit', rose, { upstream_cx_total: 4, upstream_cx_max_requests: 4 });
      await untilStatLater(mesh, `${V1}.upstream_cx_active`, 0);
    },
  }),
];
