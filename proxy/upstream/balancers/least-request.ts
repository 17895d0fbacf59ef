/**
 * The least busy of a few random picks ("power of two choices"): nearly as good as asking everybody, and no herd runs to the same idle host.
 * With unequal weights hosts come up by deadline, and a host's weight shrinks as its load grows: weight / (active + 1)^bias.
 * Source: Envoy "Weighted least request".
 */
import type { Random } from '#system/random.ts';
import type { Balancer, BuildBalancer, Candidate } from './balancer.ts';
import { byDeadline, equalWeights } from './deadlines.ts';
import { anyWarmsUp, type NowMs, type SlowStart, warmth } from './slow-start.ts';

/** choices: how many random picks are compared, at least 2; 'all' compares everybody. */
export interface LeastRequestRules {
  readonly choices: number | 'all';
  /** How much load counts against weight: 0 not at all, 1 unless told. */
  readonly bias?: number;
  readonly slowStart?: SlowStart | undefined;
}

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

/** Among those that are equally idle, each has the same chance. */
const ofAll = <H extends Candidate>(hosts: readonly H[], random: Random): Balancer<H> => ({
  pick: () => {
    let best = hosts[0];
    let tied = 1;
    for (let i = 1; i < hosts.length; i++) {
      const other = hosts[i] as H;
      if (best === undefined || other.activeRequests < best.activeRequests) {
        best = other;
        tied = 1;
      } else if (other.activeRequests === best.activeRequests && random.below(++tied) === 0) best = other;
    }
    return best;
  },
});

const loadedWeight = (bias: number): ((host: Candidate) => number) => {
  if (bias === 1) return ({ weight, activeRequests }) => weight / (activeRequests + 1);
  if (bias === 0) return ({ weight }) => weight;
  return ({ weight, activeRequests }) => weight / (activeRequests + 1) ** bias;
};

/** Deadlines are only kept where weights differ, or will for a time. */
export const leastRequest =
  ({ choices, bias = 1, slowStart }: LeastRequestRules, nowMs: NowMs): BuildBalancer =>
  (hosts, random) => {
    if (hosts.length === 1) return { pick: () => hosts[0] };
    const weightOf = loadedWeight(bias);
    if (slowStart && anyWarmsUp(hosts, slowStart, nowMs()))
      return { pick: byDeadline(hosts, (host) => weightOf(host) * warmth(host, slowStart, nowMs()), random) };
    if (!equalWeights(hosts)) return { pick: byDeadline(hosts, weightOf, random) };
    return choices === 'all' ? ofAll(hosts, random) : ofSomePicks(hosts, random, choices);
  };
