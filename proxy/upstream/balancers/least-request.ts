/**
 * The least busy of a few random picks ("power of two choices"): nearly as good as asking everybody, and no herd runs to the same idle host.
 * With unequal weights a host's weight shrinks as its load grows: weight / (active + 1).
 */
import type { Random } from '#system/random.ts';
import type { Balancer, BuildBalancer, Candidate } from './balancer.ts';
import { equalWeights } from './random.ts';

const ofSomePicks = <H extends Candidate>(hosts: readonly H[], random: Random, choices: number): Balancer<H> => ({
  pick: () => {
    let best = hosts[random.below(hosts.length)];
    for (let i = 1; i < choices; i++) {
      const other = hosts[random.below(hosts.length)];
      if (best && other && other.activeRequests < best.activeRequests) best = other;
    }
    return best;
  },
});

/** Envoy schedules by weight / (active + 1)^bias with bias 1; drawing from the same weights has the same shares. */
const byLoadedWeight = <H extends Candidate>(hosts: readonly H[], random: Random): Balancer<H> => ({
  pick: () => {
    let total = 0;
    for (const host of hosts) total += host.weight / (host.activeRequests + 1);
    let point = random.float() * total;
    for (const host of hosts) {
      point -= host.weight / (host.activeRequests + 1);
      if (point < 0) return host;
    }
    return hosts[hosts.length - 1];
  },
});

/** choices: how many random picks are compared, at least 2. Source: Envoy "Weighted least request". */
export const leastRequest =
  (choices: number): BuildBalancer =>
  (hosts, random) => {
    if (hosts.length === 1) return { pick: () => hosts[0] };
    return equalWeights(hosts) ? ofSomePicks(hosts, random, choices) : byLoadedWeight(hosts, random);
  };
