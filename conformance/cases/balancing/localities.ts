/** Priorities, localities, panic and subsets: what a cluster says of its endpoints beyond their addresses. The proxy is a case's own. */
import { type ConformanceCase, defineCase, type Lone, type MeshUnderTest } from '../../define-case.ts';
import { expectBetween, expectEqual } from '../../expect.ts';
import { endpoint, everythingTo, program, resources } from '../alone.ts';
import { readEcho } from '../echoed.ts';
import { WORKLOADS } from './rules.ts';

const REQUESTS = 3_000;
const SICK = 'health_status: UNHEALTHY';

const cluster = (endpoints: string, more: readonly string[] = [], action = '') =>
  resources([{ routes: everythingTo('app', action) }], [{ name: 'app', endpoints, more: ['lb_policy: RANDOM', ...more] }]);

const calm = (percent: number): string => `common_lb_config: { healthy_panic_threshold: { value: ${percent} } }`;

const answers = async (lone: Lone, count: number, path = '/'): Promise<string[]> =>
  (await lone.sendMany({ path }, count)).map(({ status, body }) => (status === 200 ? readEcho(body).workload : String(status)));

const shareOf = (workloads: readonly string[], ...names: readonly string[]): number =>
  workloads.filter((name) => names.includes(name)).length / workloads.length;

const locality = (zone: string, more: string, ...endpoints: readonly string[]): string =>
  `{ locality: { zone: ${zone} }, ${more}, lb_endpoints: [${endpoints.join(', ')}] }`;

const programs = (mesh: MeshUnderTest, more: readonly string[]): string[] =>
  WORKLOADS.map((workload, index) => program(mesh, workload, more[index] ?? ''));

/**
 * LB-PRIO-001, LB-LOC-001, LB-PANIC-001 and 002, LB-SUBSET-001.
 *
 * Power of ±3 points over 3,000 requests: the deviation of a share of 0.7 is 0.84 points, of 0.8 0.73; a right balancer fails once in 3,000 runs.
 */
export const localities: readonly ConformanceCase[] = [
  defineCase({
    id: 'LB-PRIO-001',
    claim: 'A priority that is half well keeps 70 % ± 3 points of 3,000 requests, 1.4 times its healthy share, and the next gets the rest.',
    source: 'Envoy priority levels: overprovisioning factor 1.4',
    profile: 'core',
    apply: '',
    killedBy: [],
    labs: [],
    async run(mesh) {
      const [v1 = '', v2 = '', v3 = ''] = programs(mesh, ['', SICK]);
      await using lone = await mesh.alone(
        cluster(`[${locality('a', 'priority: 0', v1, v2)}, ${locality('b', 'priority: 1', v3)}]`, [calm(0)]),
      );
      const workloads = await answers(lone, REQUESTS);
      expectBetween('share of the healthy host of priority 0', shareOf(workloads, 'reviews-v1'), [0.67, 0.73]);
      expectBetween('share of priority 1', shareOf(workloads, 'reviews-v3'), [0.27, 0.33]);
      expectEqual('healthy members', await lone.stat('cluster.app.membership_healthy'), 2);
    },
  }),
  defineCase({
    id: 'LB-LOC-001',
    claim:
      'Localities get requests by their weight: 80 and 20 share 3,000 requests as 80 % and 20 % ± 3 points, however many endpoints they have.',
    source: 'Envoy locality weighted load balancing; Istio LocalityLoadBalancerSetting.distribute',
    profile: 'core',
    apply: '',
    killedBy: [],
    labs: [],
    async run(mesh) {
      const [v1 = '', v2 = '', v3 = ''] = programs(mesh, []);
      const weighted = 'common_lb_config: { locality_weighted_lb_config: {}, healthy_panic_threshold: { value: 0 } }';
      const places = `[${locality('a', 'load_balancing_weight: 80', v1)}, ${locality('b', 'load_balancing_weight: 20', v2, v3)}]`;
      await using lone = await mesh.alone(cluster(places, [weighted]));
      const workloads = await answers(lone, REQUESTS);
      expectBetween('share of the locality with one endpoint', shareOf(workloads, 'reviews-v1'), [0.77, 0.83]);
      expectBetween('share of the locality with two', shareOf(workloads, 'reviews-v2', 'reviews-v3'), [0.17, 0.23]);
      expectEqual('requests counted', await lone.stat('cluster.app.upstream_rq_total'), REQUESTS);
    },
  }),
  defineCase({
    id: 'LB-PANIC-001',
    claim: 'Below the panic threshold everybody is asked, the sick too, and every pick is counted: one of three well, threshold 50.',
    source: 'Envoy panic threshold, 50 % by default; lb_healthy_panic',
    profile: 'core',
    apply: '',
    killedBy: [],
    labs: [],
    async run(mesh) {
      await using lone = await mesh.alone(cluster(`[${locality('a', 'priority: 0', ...programs(mesh, ['', SICK, SICK]))}]`, [calm(50)]));
      const workloads = await answers(lone, 300);
      expectEqual('workloads that answered', [...new Set(workloads)].sort(), WORKLOADS);
      expectEqual('panics', await lone.stat('cluster.app.lb_healthy_panic'), 300);
    },
  }),
  defineCase({
    id: 'LB-PANIC-002',
    claim: 'With a threshold of 0, or at two of three well, only the well are asked, and nothing is counted.',
    source: 'Envoy panic threshold; Istio sets 0',
    profile: 'core',
    apply: '',
    killedBy: [],
    labs: [],
    async run(mesh) {
      for (const [percent, sick, well] of [
        [0, ['', SICK, SICK], ['reviews-v1']],
        [50, ['', '', SICK], ['reviews-v1', 'reviews-v2']],
      ] as const) {
        await using lone = await mesh.alone(cluster(`[${locality('a', 'priority: 0', ...programs(mesh, sick))}]`, [calm(percent)]));
        expectEqual(`workloads that answered, threshold ${percent}`, [...new Set(await answers(lone, 120))].sort(), [...well]);
        expectEqual('panics', await lone.stat('cluster.app.lb_healthy_panic'), 0);
      }
    },
  }),
  defineCase({
    id: 'LB-SUBSET-001',
    claim: 'A subset is picked by metadata; one that nobody is in falls back to anybody, or to nobody, as the policy says.',
    source: 'Envoy load balancer subsets: ANY_ENDPOINT, NO_FALLBACK',
    profile: 'extended',
    apply: '',
    killedBy: [],
    labs: [],
    async run(mesh) {
      const labelled = WORKLOADS.map((workload, index) =>
        endpoint('127.0.0.1', mesh.programPort(workload), `metadata: { filter_metadata: { envoy.lb: { version: v${index + 1} } } }`),
      );
      const wants = (version: string) => `metadata_match: { filter_metadata: { envoy.lb: { version: ${version} } } }`;
      const subsets = (fallback: string) => `lb_subset_config: { fallback_policy: ${fallback}, subset_selectors: [{ keys: [version] }] }`;
      const who = async (version: string, fallback: string) => {
        await using lone = await mesh.alone(cluster(`[${locality('a', 'priority: 0', ...labelled)}]`, [subsets(fallback)], wants(version)));
        return [...new Set(await answers(lone, 60))].sort();
      };
      expectEqual('workloads of v2', await who('v2', 'NO_FALLBACK'), ['reviews-v2']);
      expectEqual('workloads of a version that nobody has, any endpoint', await who('v9', 'ANY_ENDPOINT'), WORKLOADS);
      expectEqual('answers for it without a fallback', await who('v9', 'NO_FALLBACK'), ['503']);
    },
  }),
];
