/**
 * Each in turn, in proportion to weight. The start is random, so that many proxies do not all begin with the same host.
 * Weights interleave smoothly (2:1 is a a b as `a b a`, never in blocks): each host has a deadline that grows by 1/weight; the earliest is next.
 */
import type { Random } from '#system/random.ts';
import type { Balancer, BuildBalancer, Candidate } from './balancer.ts';
import { equalWeights } from './random.ts';

const inTurn = <H extends Candidate>(hosts: readonly H[], random: Random): Balancer<H> => {
  let next = random.below(Math.max(1, hosts.length));
  return {
    pick: () => {
      const host = hosts[next];
      next = next + 1 >= hosts.length ? 0 : next + 1;
      return host;
    },
  };
};

const byDeadline = <H extends Candidate>(hosts: readonly H[], random: Random): Balancer<H> => {
  const deadlines = hosts.map((host) => random.float() / host.weight);
  return {
    pick: () => {
      let earliest = 0;
      for (let i = 1; i < deadlines.length; i++) if ((deadlines[i] as number) < (deadlines[earliest] as number)) earliest = i;
      const host = hosts[earliest];
      if (host) deadlines[earliest] = (deadlines[earliest] as number) + 1 / host.weight;
      return host;
    },
  };
};

/** Source: Envoy "Weighted round robin", EDF scheduler. */
export const roundRobin: BuildBalancer = (hosts, random) => (equalWeights(hosts) ? inTurn(hosts, random) : byDeadline(hosts, random));
