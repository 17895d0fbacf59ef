/**
 * Each in turn, in proportion to weight. The start is random, so that many proxies do not all begin with the same host.
 * Source: Envoy "Weighted round robin".
 */
import type { Random } from '#system/random.ts';
import type { Balancer, BuildBalancer, Candidate } from './balancer.ts';
import { byDeadline, equalWeights } from './deadlines.ts';
import { anyWarmsUp, type NowMs, type SlowStart, warmth } from './slow-start.ts';

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

/** Deadlines are only kept where weights differ, or will for a time. */
export const roundRobin =
  (nowMs: NowMs, slowStart?: SlowStart): BuildBalancer =>
  (hosts, random) => {
    if (slowStart && hosts.length > 1 && anyWarmsUp(hosts, slowStart, nowMs()))
      return { pick: byDeadline(hosts, (host) => host.weight * warmth(host, slowStart, nowMs()), random) };
    return equalWeights(hosts) ? inTurn(hosts, random) : { pick: byDeadline(hosts, (host) => host.weight, random) };
  };
