/** Who gets the next request: each algorithm, seen by what it does and the others do not. */
import { type ConformanceCase, defineCase, type MeshUnderTest } from '../../define-case.ts';
import { expectBetween, expectEqual, expectThat } from '../../expect.ts';
import { BEHAVE } from '../echoed.ts';
import { begin, freshKey, heldAt, release } from '../held.ts';
import { REVIEWS, share } from '../routing/reviews.ts';
import { until } from '../waiting.ts';
import { balanced, policyInForce, turns, WORKLOADS } from './rules.ts';

const SOURCE = 'Istio LoadBalancerSettings.SimpleLB; Envoy load balancers';
const REQUESTS = 600;

/** v1 holds one request of the caller's; everybody else answers at once. Gives what ends that. */
const occupyV1 = async (mesh: MeshUnderTest): Promise<() => Promise<void>> => {
  const key = freshKey();
  const isHeld = async (): Promise<boolean> => (await heldAt(mesh, 'reviews-v1', key)) === 1;
  while (!(await isHeld())) {
    let answered = false;
    for (const answer of begin(mesh, 1, { url: REVIEWS, headers: { [BEHAVE]: `only=reviews-v1;hold=${key}` } }))
      answer.then(
        () => (answered = true),
        () => {},
      );
    await until('request', async () => answered || (await isHeld()), Boolean, 'answered, or held by v1');
  }
  return () => release(mesh, 'reviews-v1', key);
};

/** One after another, so that v1 has one request more than the others at each choice. Best of two draws: both must be v1, 1 in 9. */
const expectV1Spared = async (mesh: MeshUnderTest): Promise<void> => {
  const free = await occupyV1(mesh);
  const workloads = await turns(mesh, REQUESTS);
  await free();
  expectEqual('workloads that answered', [...new Set(workloads)].sort(), WORKLOADS);
  expectBetween('share of v1, which holds a request', share(workloads, 'reviews-v1'), [1 / 9 - 0.05, 1 / 9 + 0.05]);
  for (const idle of ['reviews-v2', 'reviews-v3']) expectBetween(`share of ${idle}`, share(workloads, idle), [4 / 9 - 0.08, 4 / 9 + 0.08]);
};

/**
 * LB-RR-001, LB-LEAST-001 and 002, LB-RAND-001.
 *
 * Power: over 600 requests the deviation of a share of 1/9 is 1.3 points, of 4/9 2 points; ±5 and ±8 points fail a right balancer once in 5,000 runs, and
 * a third, which round robin and random give, is 15 deviations away.
 */
export const algorithms: readonly ConformanceCase[] = [
  defineCase({
    id: 'LB-RR-001',
    claim: 'ROUND_ROBIN asks in a fixed order: of any three requests in a row each workload gets one, also while one of them is busy.',
    source: `${SOURCE}: ROUND_ROBIN`,
    profile: 'core',
    apply: balanced('{ simple: ROUND_ROBIN }'),
    killedBy: ['MUT-ROUND-ROBIN-SKIPS'],
    labs: [],
    async run(mesh) {
      const free = await occupyV1(mesh);
      const workloads = await turns(mesh, 30);
      await free();
      const [first, second, third] = workloads;
      expectEqual('the first three', [first, second, third].toSorted(), [...WORKLOADS]);
      expectEqual(
        'whether all ten rounds are alike',
        workloads.every((name, index) => name === workloads[index % 3]),
        true,
      );
      expectEqual('policy in force', await policyInForce(mesh), 'ROUND_ROBIN');
    },
  }),
  defineCase({
    id: 'LB-LEAST-001',
    claim:
      'LEAST_REQUEST takes the less busy of two random hosts: one of three that holds a request gets 1/9 ± 5 points of 600 further ones, the idle ones 4/9 ± 8 points each.',
    source: `${SOURCE}: LEAST_REQUEST, two choices`,
    profile: 'core',
    apply: balanced('{ simple: LEAST_REQUEST }'),
    killedBy: ['MUT-LEAST-PICKS-MOST'],
    labs: [],
    async run(mesh) {
      await expectV1Spared(mesh);
      expectEqual('policy in force', await policyInForce(mesh), 'LEAST_REQUEST');
    },
  }),
  defineCase({
    id: 'LB-LEAST-002',
    claim: 'Least request is what holds where no DestinationRule says anything.',
    source: 'Istio LoadBalancerSettings: UNSPECIFIED is LEAST_REQUEST',
    profile: 'core',
    apply: '',
    killedBy: ['MUT-LEAST-PICKS-MOST'],
    labs: [],
    async run(mesh) {
      await expectV1Spared(mesh);
      expectEqual('policy in force', await policyInForce(mesh), 'LEAST_REQUEST');
    },
  }),
  defineCase({
    id: 'LB-RAND-001',
    claim: 'RANDOM gives each of three workloads a third ± 8 points of 600 requests, in no order, and does not look at who is busy.',
    source: `${SOURCE}: RANDOM`,
    profile: 'core',
    apply: balanced('{ simple: RANDOM }'),
    killedBy: [],
    labs: [],
    async run(mesh) {
      const free = await occupyV1(mesh);
      const workloads = await turns(mesh, REQUESTS);
      await free();
      for (const name of WORKLOADS) expectBetween(`share of ${name}`, share(workloads, name), [1 / 3 - 0.08, 1 / 3 + 0.08]);
      const repeats = workloads.filter((name, index) => name === workloads[index - 1]).length;
      expectThat('requests that went where the one before went', repeats > 120 && repeats < 280, 'about 200 of 600', repeats);
      expectEqual('policy in force', await policyInForce(mesh), 'RANDOM');
    },
  }),
];

/** LB-PASS-001. */
export const passthrough: readonly ConformanceCase[] = [
  defineCase({
    id: 'LB-PASS-001',
    claim: 'PASSTHROUGH does not balance: requests go to the address that the program dialled, all of them.',
    source: 'Istio LoadBalancerSettings.SimpleLB PASSTHROUGH; Envoy ORIGINAL_DST',
    profile: 'extended',
    apply: balanced('{ simple: PASSTHROUGH }'),
    killedBy: [],
    labs: [],
    async run(mesh) {
      const url = `http://${mesh.address('reviews-v2')}:9080/`;
      const answers = await mesh.sendInTurn({ url, headers: { Host: 'reviews:9080' } }, 12);
      const workloads = await Promise.all(answers.map((answer) => answer.servedBy()));
      expectEqual('workloads that answered', [...new Set(workloads)], ['reviews-v2']);
      const told = await answers[0]?.told();
      expectEqual(
        'cluster and endpoint',
        [told?.cluster, told?.upstreamHost],
        ['outbound|9080||reviews.default.svc.cluster.local', `${mesh.address('reviews-v2')}:9080`],
      );
    },
  }),
];
