/** The policies there are: a new one is one file and one row here. */
import type { BuildBalancer } from './balancer.ts';
import { type LeastRequestRules, leastRequest } from './least-request.ts';
import { type MaglevRules, maglev } from './maglev.ts';
import { random } from './random.ts';
import { type RingRules, ringHash } from './ring-hash.ts';
import { roundRobin } from './round-robin.ts';
import type { NowMs, SlowStart } from './slow-start.ts';

/** Name and settings of a policy. */
export type BalancerPolicy =
  | { readonly kind: 'round-robin'; readonly slowStart?: SlowStart | undefined }
  | ({ readonly kind: 'least-request' } & LeastRequestRules)
  | { readonly kind: 'random' }
  | ({ readonly kind: 'ring-hash' } & RingRules & Bound)
  | ({ readonly kind: 'maglev' } & MaglevRules & Bound);

/** Of balancers that hash: how many percent of its part of all requests a host may carry, at least 100; undefined = any number. */
interface Bound {
  readonly loadPercent?: number | undefined;
}

/** Whether it is a request's hash that decides. */
export const isHashing = ({ kind }: BalancerPolicy): boolean => kind === 'ring-hash' || kind === 'maglev';

/** Builder for a policy. nowMs: only slow start asks. */
export const balancerFor = (policy: BalancerPolicy, nowMs: NowMs = () => 0): BuildBalancer => {
  switch (policy.kind) {
    case 'round-robin':
      return roundRobin(nowMs, policy.slowStart);
    case 'least-request':
      return leastRequest(policy, nowMs);
    case 'random':
      return random;
    case 'ring-hash':
      return ringHash(policy);
    case 'maglev':
      return maglev(policy);
  }
};
