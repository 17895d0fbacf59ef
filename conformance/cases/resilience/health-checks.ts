/** Hosts are asked how they are: what takes one out, what brings it back. Istio has no words for it, so the proxy is a case's own, but for the last two. */
import { type ConformanceCase, defineCase, type Lone, type MeshUnderTest } from '../../define-case.ts';
import { expectEqual } from '../../expect.ts';
import { among, endpoint, everythingTo, program, resources } from '../alone.ts';
import { hostFacts, reviewsCluster } from '../counted.ts';
import { BEHAVE, readEcho } from '../echoed.ts';
import { answeredBy, REVIEWS } from '../routing/reviews.ts';
import { until } from '../waiting.ts';

const SOURCE = 'Envoy core.v3.HealthCheck';
const FAILED = '/failed_active_hc';
const STEP_MS = 20;

/** Looks at what the proxy has noticed; a virtual clock is put forward at each look. */
const untilNoticed = (mesh: MeshUnderTest, what: string, look: () => Promise<string>, wanted: string): Promise<string> =>
  until(
    what,
    async () => {
      await mesh.pass?.(STEP_MS);
      return await look();
    },
    (seen) => seen === wanted,
    wanted,
  );

const checked = (check: string, endpoints: string, more: readonly string[] = []) =>
  resources(
    [{ routes: everythingTo('app') }],
    [
      {
        name: 'app',
        endpoints,
        more: [
          'lb_policy: ROUND_ROBIN',
          'common_lb_config: { healthy_panic_threshold: { value: 0 } }',
          `health_checks: [${check}]`,
          ...more,
        ],
      },
    ],
  );

const HTTP = 'timeout: 1s, interval: 0.1s, no_traffic_interval: 0.1s, http_health_check: { path: /healthz }';

const healthIn = async (lone: Lone, address: string): Promise<string> => {
  const { body } = await lone.page('/clusters');
  return new RegExp(`^app::${address}::health_flags::(.*)$`, 'm').exec(body)?.[1] ?? 'unknown';
};

const at = (mesh: MeshUnderTest, workload: string): string => `127.0.0.1:${mesh.programPort(workload)}`;

const setHealth = async (mesh: MeshUnderTest, workload: string, status: number): Promise<void> => {
  await mesh.program(workload, { [BEHAVE]: `health=${status}` });
};

const whoAnswers = async (lone: Lone): Promise<string[]> => {
  const pages = await lone.sendMany({ path: '/' }, 12);
  return [...new Set(pages.map(({ status, body }) => (status === 200 ? readEcho(body).workload : String(status))))].sort();
};

/** RES-HC-001 to 004. */
export const httpChecks: readonly ConformanceCase[] = [
  defineCase({
    id: 'RES-HC-001',
    claim:
      'A program that says 503 of itself is out at the first such answer, whatever the unhealthy threshold: /failed_active_hc, and no request for it.',
    source: `${SOURCE}.unhealthy_threshold: a status that is not expected is a failure at once`,
    profile: 'core',
    apply: '',
    killedBy: [],
    labs: [],
    async run(mesh) {
      const both = among(program(mesh, 'reviews-v1'), program(mesh, 'reviews-v2'));
      await using lone = await mesh.alone(checked(`{ ${HTTP}, unhealthy_threshold: 5, healthy_threshold: 1 }`, both));
      expectEqual('workloads that answer', await whoAnswers(lone), ['reviews-v1', 'reviews-v2']);
      const failures = await lone.stat('cluster.app.health_check.failure');
      await setHealth(mesh, 'reviews-v1', 503);
      try {
        await untilNoticed(mesh, 'health of v1', () => healthIn(lone, at(mesh, 'reviews-v1')), FAILED);
        const one = (await lone.stat('cluster.app.health_check.failure')) - failures;
        expectEqual('whether fewer failures than the threshold were enough', one >= 1 && one < 5, true);
        await untilNoticed(mesh, 'workloads that answer', async () => (await whoAnswers(lone)).join(), 'reviews-v2');
        expectEqual('healthy members', await lone.stat('cluster.app.membership_healthy'), 1);
      } finally {
        await setHealth(mesh, 'reviews-v1', 200);
      }
    },
  }),
  defineCase({
    id: 'RES-HC-002',
    claim: 'It comes back after as many good answers in a row as the healthy threshold says.',
    source: `${SOURCE}.healthy_threshold`,
    profile: 'core',
    apply: '',
    killedBy: [],
    labs: [],
    async run(mesh) {
      await using lone = await mesh.alone(
        checked(`{ ${HTTP}, unhealthy_threshold: 1, healthy_threshold: 4 }`, among(program(mesh, 'reviews-v1'))),
      );
      await setHealth(mesh, 'reviews-v1', 500);
      try {
        await untilNoticed(mesh, 'health', () => healthIn(lone, at(mesh, 'reviews-v1')), FAILED);
        await untilNoticed(mesh, 'workloads that answer', async () => (await whoAnswers(lone)).join(), '503');
      } finally {
        await setHealth(mesh, 'reviews-v1', 200);
      }
      const before = await lone.stat('cluster.app.health_check.success');
      await untilNoticed(mesh, 'health', () => healthIn(lone, at(mesh, 'reviews-v1')), 'healthy');
      const needed = (await lone.stat('cluster.app.health_check.success')) - before;
      expectEqual('good answers that it took, from 3 to 6', needed >= 3 && needed <= 6, true);
      await untilNoticed(mesh, 'workloads that answer', async () => (await whoAnswers(lone)).join(), 'reviews-v1');
    },
  }),
  defineCase({
    id: 'RES-HC-003',
    claim: 'A new host is well after its first good answer, though the healthy threshold is nine.',
    source: `${SOURCE}.healthy_threshold: "the first health check is enough on startup"`,
    profile: 'core',
    apply: '',
    killedBy: [],
    labs: [],
    async run(mesh) {
      const slow = HTTP.replaceAll('0.1s', '30s');
      await using lone = await mesh.alone(
        checked(`{ ${slow}, unhealthy_threshold: 1, healthy_threshold: 9 }`, among(program(mesh, 'reviews-v1'))),
      );
      await untilNoticed(mesh, 'health', () => healthIn(lone, at(mesh, 'reviews-v1')), 'healthy');
      expectEqual('workloads that answer', await whoAnswers(lone), ['reviews-v1']);
      expectEqual('checks made', await lone.stat('cluster.app.health_check.attempt'), 1);
    },
  }),
  defineCase({
    id: 'RES-HC-004',
    claim: 'expected_statuses says what is well: with 200 to 299 and 503 a program that says 503 stays, and one that says 404 goes.',
    source: `${SOURCE}.HttpHealthCheck.expected_statuses`,
    profile: 'extended',
    apply: '',
    killedBy: [],
    labs: [],
    async run(mesh) {
      const http = HTTP.replace(
        'path: /healthz',
        'path: /healthz, expected_statuses: [{ start: 200, end: 300 }, { start: 503, end: 504 }]',
      );
      await setHealth(mesh, 'reviews-v1', 503);
      try {
        await using lone = await mesh.alone(
          checked(`{ ${http}, unhealthy_threshold: 1, healthy_threshold: 1 }`, among(program(mesh, 'reviews-v1'))),
        );
        await untilNoticed(mesh, 'health with 503', () => healthIn(lone, at(mesh, 'reviews-v1')), 'healthy');
        await setHealth(mesh, 'reviews-v1', 404);
        await untilNoticed(mesh, 'health with 404', () => healthIn(lone, at(mesh, 'reviews-v1')), FAILED);
      } finally {
        await setHealth(mesh, 'reviews-v1', 200);
      }
    },
  }),
];

/** RES-HC-005 to 008. */
export const otherChecks: readonly ConformanceCase[] = [
  defineCase({
    id: 'RES-HC-005',
    claim: 'A TCP check needs a connection and no more: a program stays, a port at which nobody listens goes, and only the first is asked.',
    source: `${SOURCE}.TcpHealthCheck`,
    profile: 'core',
    apply: '',
    killedBy: [],
    labs: [],
    async run(mesh) {
      const tcp =
        '{ timeout: 1s, interval: 0.1s, no_traffic_interval: 0.1s, unhealthy_threshold: 2, healthy_threshold: 1, tcp_health_check: {} }';
      await using lone = await mesh.alone(checked(tcp, among(program(mesh, 'reviews-v1'), endpoint('127.0.0.1', 1))));
      await untilNoticed(mesh, 'health of nobody', () => healthIn(lone, '127.0.0.1:1'), FAILED);
      await untilNoticed(mesh, 'health of v1', () => healthIn(lone, at(mesh, 'reviews-v1')), 'healthy');
      await untilNoticed(mesh, 'workloads that answer', async () => (await whoAnswers(lone)).join(), 'reviews-v1');
    },
  }),
  defineCase({
    id: 'RES-HC-006',
    claim: 'A program that says x-envoy-immediate-health-check-fail in an ordinary answer is out at once, before the next check.',
    source: 'Envoy health checking: x-envoy-immediate-health-check-fail',
    profile: 'extended',
    apply: '',
    killedBy: [],
    labs: [],
    async run(mesh) {
      const slow = HTTP.replaceAll('0.1s', '30s');
      await using lone = await mesh.alone(
        checked(`{ ${slow}, unhealthy_threshold: 3, healthy_threshold: 1 }`, among(program(mesh, 'reviews-v1'))),
      );
      await untilNoticed(mesh, 'workloads that answer', async () => (await whoAnswers(lone)).join(), 'reviews-v1');
      await lone.send({ path: '/', headers: { [BEHAVE]: 'header=x-envoy-immediate-health-check-fail:true' } });
      await untilNoticed(
        mesh,
        'whether it is out',
        async () => String((await healthIn(lone, at(mesh, 'reviews-v1'))).includes(FAILED)),
        'true',
      );
      await untilNoticed(mesh, 'workloads that answer', async () => (await whoAnswers(lone)).join(), '503');
    },
  }),
  defineCase({
    id: 'RES-HC-007',
    claim: "An EnvoyFilter gives a mesh's own cluster a health check: a workload whose program is not well gets no request until it is.",
    source: 'Istio EnvoyFilter, CLUSTER MERGE; Envoy health_checks',
    profile: 'extended',
    apply: `
apiVersion: networking.istio.io/v1alpha3
kind: EnvoyFilter
metadata:
  name: ask-how-they-are
spec:
  configPatches:
  - applyTo: CLUSTER
    match: { context: SIDECAR_OUTBOUND, cluster: { service: reviews.default.svc.cluster.local } }
    patch:
      operation: MERGE
      value:
        health_checks:
        - { timeout: 1s, interval: 0.1s, no_traffic_interval: 0.1s, unhealthy_threshold: 1, healthy_threshold: 1, http_health_check: { path: /healthz, host: reviews } }
`,
    killedBy: [],
    labs: [],
    async run(mesh) {
      const health = async () =>
        (await hostFacts(mesh, reviewsCluster(), 'health_flags')).get(`${mesh.address('reviews-v1')}:9080`) ?? 'unknown';
      await untilNoticed(mesh, 'health of v1', health, 'healthy');
      await setHealth(mesh, 'reviews-v1', 503);
      try {
        await untilNoticed(mesh, 'health of v1', health, FAILED);
        const who = async () => [...new Set(await answeredBy(mesh, { url: REVIEWS }, 24))].sort().join();
        await untilNoticed(mesh, 'workloads that answer', who, 'reviews-v2,reviews-v3');
      } finally {
        await setHealth(mesh, 'reviews-v1', 200);
      }
      await untilNoticed(mesh, 'health of v1', health, 'healthy');
    },
  }),
  defineCase({
    id: 'RES-HC-008',
    claim: 'What the registry takes away is not asked any more, whatever checks say: the way readiness works in Istio.',
    source: 'Istio: EDS follows readiness',
    profile: 'core',
    apply: '',
    killedBy: ['MUT-STALE-ENDPOINT-KEPT'],
    labs: [],
    async run(mesh) {
      const entry = `
apiVersion: networking.istio.io/v1
kind: WorkloadEntry
metadata:
  name: reviews-fourth
spec:
  address: ${mesh.address('production-reviews')}
  labels: { app: reviews, version: v4 }
  ports: { http: 9080 }
`;
      const members = () => mesh.stat('productpage-v1', `${reviewsCluster()}.membership_total`);
      await mesh.apply(entry);
      expectEqual('members', await members(), 4);
      const known = new Set(await answeredBy(mesh, { url: REVIEWS }, 80));
      expectEqual('whether the fourth answers', known.has('production-reviews'), true);
      await mesh.remove(entry);
      const left = new Set(await answeredBy(mesh, { url: REVIEWS }, 80));
      expectEqual('whether it answers when it is gone, and members', [left.has('production-reviews'), await members()], [false, 3]);
    },
  }),
];
