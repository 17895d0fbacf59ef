/** The policies there are: a new one is one file and one row here. */
import type { BuildBalancer } from './balancer.ts';
import { leastRequest } from './least-request.ts';
import { random } from './random.ts';
import { roundRobin } from './round-robin.ts';

/** Name and settings of a policy. */
export type BalancerPolicy =
  | { readonly kind: 'round-robin' }
  | { readonly kind: 'least-request'; readonly choices: number }
  | { readonly kind: 'random' };

/** Builder for a policy. */
export const balancerFor = (policy: BalancerPolicy): BuildBalancer => {
  switch (policy.kind) {
    case 'round-robin':
      return roundRobin;
    case 'least-request':
      return leastRequest(policy.choices);
    case 'random':
      return random;
  }
};
