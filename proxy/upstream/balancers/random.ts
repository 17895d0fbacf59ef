/** Anybody, whatever the weights. Needs no memory, and no two proxies fall into step. */
import type { Random } from '#system/random.ts';
import type { BuildBalancer, Candidate } from './balancer.ts';

/** Source: Envoy "Random" load balancer, which does not look at weights. (Envoy 1.40) */
export const random: BuildBalancer = <H extends Candidate>(hosts: readonly H[], chance: Random) => ({
  pick: () => hosts[chance.below(hosts.length)],
});
