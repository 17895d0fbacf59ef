/** The same key goes to the same host: what is hashed, and what moves when hosts come and go. */
import { type ConformanceCase, defineCase, type MeshUnderTest } from '../../define-case.ts';
import { expectContains, expectEqual, expectThat } from '../../expect.ts';
import { hostFacts, reviewsCluster } from '../counted.ts';
import { BEHAVE, header } from '../echoed.ts';
import { REVIEWS } from '../routing/reviews.ts';
import { balanced, placeKeys, policyInForce, turns, WORKLOADS } from './rules.ts';

const SOURCE = 'Istio LoadBalancerSettings.ConsistentHashLB; Envoy ring hash';
const BY_USER = balanced('{ consistentHash: { httpHeaderName: x-user } }');
const byUser = (key: string) => ({ 'x-user': key });

const distinct = (workloads: Iterable<string>): string[] => [...new Set(workloads)].sort();

const FOURTH = (mesh: MeshUnderTest): string => `
apiVersion: networking.istio.io/v1
kind: WorkloadEntry
metadata:
  name: reviews-fourth
spec:
  address: ${mesh.address('production-reviews')}
  labels: { app: reviews, version: v4 }
  ports: { http: 9080 }
`;

/** Adds a host and says which keys went elsewhere, and to whom. */
const movedByFourth = async (mesh: MeshUnderTest, keys: number): Promise<{ moved: number; taken: number; strangers: string[] }> => {
  const before = await placeKeys(mesh, keys, byUser);
  await mesh.apply(FOURTH(mesh));
  const after = await placeKeys(mesh, keys, byUser);
  const moved = [...after].filter(([key, workload]) => before.get(key) !== workload);
  const taken = moved.filter(([, workload]) => workload === 'production-reviews').length;
  return { moved: moved.length, taken, strangers: distinct(moved.map(([, workload]) => workload)) };
};

/** LB-HASH-001 to 005. */
export const hashedKeys: readonly ConformanceCase[] = [
  defineCase({
    id: 'LB-HASH-001',
    claim: 'By header: each value has one host, thirty times the same, and sixty values spread over all three.',
    source: `${SOURCE}: httpHeaderName`,
    profile: 'core',
    apply: BY_USER,
    killedBy: [],
    labs: [],
    async run(mesh) {
      for (const key of ['ada', 'grace', 'barbara'])
        expectEqual(`workloads for ${key}`, distinct(await turns(mesh, 30, byUser(key))).length, 1);
      expectEqual('workloads for sixty values', distinct((await placeKeys(mesh, 60, byUser)).values()), WORKLOADS);
      expectEqual('policy in force', await policyInForce(mesh), 'RING_HASH');
    },
  }),
  defineCase({
    id: 'LB-HASH-002',
    claim: 'A request without the header is anybody’s: sixty of them reach all three.',
    source: `${SOURCE}: no hash, a random host`,
    profile: 'core',
    apply: BY_USER,
    killedBy: [],
    labs: [],
    async run(mesh) {
      expectEqual('workloads without the header', distinct(await turns(mesh, 60)), WORKLOADS);
      expectEqual('workloads with it', distinct(await turns(mesh, 20, byUser('ada'))).length, 1);
    },
  }),
  defineCase({
    id: 'LB-HASH-003',
    claim:
      'By cookie with a ttl: who has none gets one, with Max-Age, Path and HttpOnly, and stays with it at the host that answered first.',
    source: `${SOURCE}: httpCookie.ttl`,
    profile: 'core',
    apply: balanced('{ consistentHash: { httpCookie: { name: seat, path: /reviews, ttl: 3600s } } }'),
    killedBy: [],
    labs: [],
    async run(mesh) {
      for (let client = 0; client < 4; client++) {
        const first = await mesh.send({ url: REVIEWS });
        const cookie = header(first, 'set-cookie') ?? '';
        for (const part of ['seat=', 'Max-Age=3600', 'Path=/reviews', 'HttpOnly']) expectContains('set-cookie', cookie, part);
        const kept = cookie.split(';')[0] ?? '';
        expectEqual('workloads with the cookie', distinct(await turns(mesh, 12, { cookie: kept.replaceAll('"', '') })), [
          await first.servedBy(),
        ]);
        expectEqual(
          'set-cookie for who has it',
          header(await mesh.send({ url: REVIEWS, headers: { cookie: kept } }), 'set-cookie'),
          undefined,
        );
      }
    },
  }),
  defineCase({
    id: 'LB-HASH-004',
    claim: 'By cookie without a ttl none is made: who brings one has a host of its own, who brings none is anybody’s.',
    source: `${SOURCE}: httpCookie without ttl`,
    profile: 'core',
    apply: balanced('{ consistentHash: { httpCookie: { name: seat } } }'),
    killedBy: [],
    labs: [],
    async run(mesh) {
      const answers = await mesh.sendInTurn({ url: REVIEWS }, 40);
      expectEqual('set-cookie', distinct(answers.map((answer) => header(answer, 'set-cookie') ?? 'none')), ['none']);
      expectEqual('workloads without a cookie', distinct(await Promise.all(answers.map((answer) => answer.servedBy()))), WORKLOADS);
      expectEqual('workloads with one', distinct(await turns(mesh, 20, { cookie: 'other=1; seat=ada' })).length, 1);
      const placed = await placeKeys(mesh, 40, (key) => ({ cookie: `seat=${key}` }));
      expectEqual('workloads for forty cookies', distinct(placed.values()), WORKLOADS);
    },
  }),
  defineCase({
    id: 'LB-HASH-005',
    claim: 'By query parameter: each value has one host; by source address: a caller has one.',
    source: `${SOURCE}: httpQueryParameterName, useSourceIp`,
    profile: 'core',
    apply: balanced('{ consistentHash: { httpQueryParameterName: user } }'),
    killedBy: [],
    labs: [],
    async run(mesh) {
      const ask = async (user: string) => (await mesh.send({ url: `${REVIEWS}?a=1&user=${user}` })).servedBy();
      for (const user of ['ada', 'grace'])
        expectEqual(`workloads for ${user}`, new Set(await Promise.all(Array.from({ length: 12 }, () => ask(user)))).size, 1);
      const many = await Promise.all(Array.from({ length: 40 }, (_, index) => ask(`user-${index}`)));
      expectEqual('workloads for forty values', distinct(many), WORKLOADS);
      await mesh.apply(balanced('{ consistentHash: { useSourceIp: true } }'));
      expectEqual('workloads for one caller', distinct(await turns(mesh, 20)).length, 1);
    },
  }),
];

/** LB-HASH-006 to 010. */
export const hashedPlaces: readonly ConformanceCase[] = [
  defineCase({
    id: 'LB-HASH-006',
    claim: 'A host that joins the ring takes its share of sixty keys, and no more than a few go from an old host to another old one.',
    source: 'Envoy ring hash: consistent; about 1/N of the keys move',
    profile: 'core',
    apply: balanced('{ consistentHash: { httpHeaderName: x-user, ringHash: { minimumRingSize: 1024 } } }'),
    killedBy: [],
    labs: [],
    async run(mesh) {
      const { moved, strangers, taken } = await movedByFourth(mesh, 60);
      expectThat('whom keys moved to', strangers.includes('production-reviews'), 'the new host', strangers);
      // The ring is cut anew, 256 points a host where there were 342.
      expectThat('keys that went to old hosts', moved - taken <= 12, 'at most 12 of 60', moved - taken);
      expectThat('keys that moved', moved > 3 && moved < 32, 'about 15 of 60', moved);
    },
  }),
  defineCase({
    id: 'LB-HASH-007',
    claim: 'Maglev: each key has one host, all three have keys, and most keys stay where they are when a fourth host joins.',
    source: 'Istio ConsistentHashLB.maglev; Envoy maglev',
    profile: 'core',
    apply: balanced('{ consistentHash: { httpHeaderName: x-user, maglev: { tableSize: 65537 } } }'),
    killedBy: [],
    labs: [],
    async run(mesh) {
      expectEqual('workloads for one value', distinct(await turns(mesh, 20, byUser('ada'))).length, 1);
      expectEqual('policy in force', await policyInForce(mesh), 'MAGLEV');
      const { moved, strangers } = await movedByFourth(mesh, 60);
      expectThat('whom keys moved to', strangers.includes('production-reviews'), 'the new host too', strangers);
      expectThat('keys that moved', moved > 3 && moved < 36, 'about 15 of 60, a few more than on a ring', moved);
    },
  }),
  defineCase({
    id: 'LB-HASH-008',
    claim: 'Whoever configures the same again finds each key where it was: sixty keys after the rule has gone and come back.',
    source: 'Envoy ring hash: the ring depends on the hosts alone',
    profile: 'core',
    apply: BY_USER,
    killedBy: [],
    labs: [],
    async run(mesh) {
      const before = await placeKeys(mesh, 60, byUser);
      await mesh.remove(BY_USER);
      await mesh.apply(BY_USER);
      expectEqual('places of sixty keys', [...(await placeKeys(mesh, 60, byUser))], [...before]);
      const counted = await hostFacts(mesh, reviewsCluster(), 'rq_total');
      expectEqual('hosts that were asked', [...counted.values()].filter((count) => Number(count) > 0).length, 3);
    },
  }),
  defineCase({
    id: 'LB-HASH-009',
    claim: 'Weights come first: with 50/50 between two subsets one key reaches both, and within each the hash decides.',
    source: 'Istio: weights choose the destination, the hash chooses within it',
    profile: 'core',
    apply: `
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata:
  name: reviews
spec:
  host: reviews
  trafficPolicy:
    loadBalancer: { consistentHash: { httpHeaderName: x-user } }
  subsets:
  - name: v1
    labels: { version: v1 }
  - name: all
    labels: { app: reviews }
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata:
  name: reviews
spec:
  hosts: [reviews]
  http:
  - route:
    - { destination: { host: reviews, subset: v1 }, weight: 50 }
    - { destination: { host: reviews, subset: all }, weight: 50 }
`,
    killedBy: [],
    labs: [],
    async run(mesh) {
      const seen = new Map<string, Set<string>>();
      for (const answer of await mesh.sendInTurn({ url: REVIEWS, headers: byUser('user-1') }, 40)) {
        const { cluster } = await answer.told();
        seen.set(cluster, (seen.get(cluster) ?? new Set()).add(await answer.servedBy()));
      }
      expectEqual('subsets that were drawn', seen.size, 2);
      expectEqual(
        'workloads of each',
        [...seen.values()].map((workloads) => workloads.size),
        [1, 1],
      );
    },
  }),
  defineCase({
    id: 'LB-HASH-010',
    claim: 'A retry of a hashed request goes to its host again: there is no other one for that key.',
    source: 'Istio: retries of consistent-hash routes have no previous_hosts predicate',
    profile: 'core',
    apply: `${BY_USER}
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
    killedBy: [],
    labs: [],
    async run(mesh) {
      for (const key of ['ada', 'grace', 'barbara', 'margaret']) {
        const [home] = await turns(mesh, 1, byUser(key));
        const answer = await mesh.send({ url: REVIEWS, headers: { ...byUser(key), [BEHAVE]: 'fail=503;until=3' } });
        expectEqual('status, workload and tries', [answer.status, await answer.servedBy(), (await answer.told()).attempts], [200, home, 3]);
      }
    },
  }),
];
