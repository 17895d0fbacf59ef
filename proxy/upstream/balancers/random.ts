/** Anybody, in proportion to weight. Needs no memory, and no two proxies fall into step. */
import type { Random } from '#system/random.ts';
import type { BuildBalancer, Candidate } from './balancer.ts';

/** Running totals of weights: `totals[i]` is the sum of the first i + 1. */
export const runningTotals = (hosts: readonly Candidate[]): number[] => {
  let total = 0;
  return hosts.map((host) => {
    total += host.weight;
    return total;
  });
};

/** Index of the first total greater than `point`, by bisection. */
export const indexAt = (totals: readonly number[], point: number): number => {
  let low = 0;
  let high = totals.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((totals[middle] as number) > point) high = middle;
    else low = middle + 1;
  }
  return low;
};

/** True when no host is preferred, so that picking needs no arithmetic. */
export const equalWeights = (hosts: readonly Candidate[]): boolean => hosts.every((host) => host.weight === hosts[0]?.weight);

/** Source: Envoy "Random" load balancer. */
export const random: BuildBalancer = <H extends Candidate>(hosts: readonly H[], chance: Random) => {
  if (equalWeights(hosts)) return { pick: () => hosts[chance.below(hosts.length)] };
  const totals = runningTotals(hosts);
  const total = totals[totals.length - 1] ?? 0;
  return { pick: () => hosts[indexAt(totals, chance.float() * total)] };
};
