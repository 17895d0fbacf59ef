/** Which traffic policy holds for a request: seen by what nothing but ROUND_ROBIN does, equal shares to the request. */
import { type ConformanceCase, defineCase, type MeshUnderTest } from '../../define-case.ts';
import { expectEqual } from '../../expect.ts';
import { everythingTo, REVIEWS } from './reviews.ts';

const SOURCE = 'Istio DestinationRule, trafficPolicy';

const rule = (spec: string): string => `
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata:
  name: reviews
spec:
  host: reviews
${spec.replace(/^(?=.)/gm, '  ')}`;

/** One after another, so that nothing but the balancer decides. 60 random draws are equal once in 90 runs, least-request's never for long. */
const expectInTurn = async (mesh: MeshUnderTest): Promise<void> => {
  const counts = new Map<string, number>();
  for (let i = 0; i < 60; i++) {
    const workload = await (await mesh.send({ url: REVIEWS })).servedBy();
    counts.set(workload, (counts.get(workload) ?? 0) + 1);
  }
  expectEqual('answers of each workload to 60 requests', [...counts].sort(), [
    ['reviews-v1', 20],
    ['reviews-v2', 20],
    ['reviews-v3', 20],
  ]);
};

/** TRAF-POLICY-001 to 003. */
export const policies: readonly ConformanceCase[] = [
  defineCase({
    id: 'TRAF-POLICY-001',
    claim: 'ROUND_ROBIN gives each of three workloads exactly 20 of 60 requests that come one after another.',
    source: 'Istio DestinationRule, LoadBalancerSettings.SimpleLB ROUND_ROBIN',
    profile: 'core',
    apply: rule('trafficPolicy: { loadBalancer: { simple: ROUND_ROBIN } }\n'),
    killedBy: ['MUT-BALANCER-IGNORED'],
    labs: [],
    run: expectInTurn,
  }),
  defineCase({
    id: 'TRAF-POLICY-002',
    claim: "A subset's own policy replaces the rule's for requests through that subset.",
    source: `${SOURCE}: "traffic policies that apply to a subset override"`,
    profile: 'core',
    apply: `${rule(`trafficPolicy: { loadBalancer: { simple: RANDOM } }
subsets:
- name: all
  labels: { app: reviews }
  trafficPolicy: { loadBalancer: { simple: ROUND_ROBIN } }
`)}
${everythingTo('all')}`,
    killedBy: ['MUT-SUBSET-POLICY-IGNORED'],
    labs: [],
    run: expectInTurn,
  }),
  defineCase({
    id: 'TRAF-POLICY-003',
    claim: 'Settings for one port replace those of the whole destination on that port.',
    source: `${SOURCE}.portLevelSettings: "port level settings override destination-level settings"`,
    profile: 'core',
    apply: rule(`trafficPolicy:
  loadBalancer: { simple: RANDOM }
  portLevelSettings:
  - port: { number: 9080 }
    loadBalancer: { simple: ROUND_ROBIN }
`),
    killedBy: [],
    labs: [],
    run: expectInTurn,
  }),
];
