/** What lab 7 leaves behind: these cases only look, so they run on a learner's mesh. */
import { type ConformanceCase, defineCase } from '../../define-case.ts';
import { expectEqual } from '../../expect.ts';
import { answeredBy, REVIEWS } from '../routing/reviews.ts';

const IN_TURN = `
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata:
  name: reviews-balancing
spec:
  host: reviews
  trafficPolicy:
    loadBalancer: { simple: ROUND_ROBIN }
`;

const STICKY = `${IN_TURN}  subsets:
  - name: logged-in
    labels: { app: reviews }
    trafficPolicy:
      loadBalancer: { consistentHash: { httpHeaderName: end-user } }
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata:
  name: reviews-balancing
spec:
  hosts: [reviews]
  http:
  - match: [{ headers: { end-user: { regex: ".+" } } }]
    route: [{ destination: { host: reviews, subset: logged-in } }]
  - route: [{ destination: { host: reviews } }]
`;

const VERSIONS = ['reviews-v1', 'reviews-v2', 'reviews-v3'];

/** LB-RR-060, LB-HASH-060. */
export const bookinfoBalancing: readonly ConformanceCase[] = [
  defineCase({
    id: 'LB-RR-060',
    claim: 'In turn: of thirty requests to three hosts each gets ten.',
    source: 'Istio LoadBalancerSettings.SimpleLB ROUND_ROBIN; Envoy weighted round robin',
    profile: 'core',
    apply: IN_TURN,
    killedBy: [],
    labs: ['07-load-balancing#2'],
    async run(mesh) {
      const servers = await answeredBy(mesh, { url: REVIEWS }, 30);
      expectEqual(
        'answers of v1, v2 and v3',
        VERSIONS.map((version) => servers.filter((server) => server === version).length),
        [10, 10, 10],
      );
    },
  }),
  defineCase({
    id: 'LB-HASH-060',
    claim: 'With a hash of a header, all requests of one value go to one host, and those of many values to all hosts.',
    source: 'Istio LoadBalancerSettings.ConsistentHashLB httpHeaderName; Envoy ring hash',
    profile: 'core',
    apply: STICKY,
    killedBy: [],
    labs: ['07-load-balancing#3', '07-load-balancing#4'],
    async run(mesh) {
      const homes = new Set<string>();
      for (let user = 0; user < 24; user++) {
        const servers = new Set(await answeredBy(mesh, { url: REVIEWS, headers: { 'end-user': `user-${user}` } }, 3));
        expectEqual(`hosts that answered user-${user}`, servers.size, 1);
        for (const server of servers) homes.add(server);
      }
      expectEqual('hosts that answered anybody', [...homes].sort(), VERSIONS);
    },
  }),
];
