/**
 * Hashing with a bound: no host carries more than so many percent of what would be its part of all requests under way; who is over it passes
 * requests on. To whom is drawn by the request's own hash, so that the same request finds the same host again.
 * Source: Envoy `hash_balance_factor`; Mirrokni et al., "Consistent Hashing with Bounded Loads"; Chen et al., "Revisiting Consistent Hashing with
 * Bounded Loads" (random jumps).
 */
import type { BuildBalancer, Candidate } from './balancer.ts';
import { anyHash, placed } from './hash-table.ts';
import { twister } from './twister.ts';

/** Requests under way in the whole cluster. */
export type ActiveRequests = () => number;

/** A number below `bound`, without the bias of a remainder. */
const drawn = (next: () => number, bound: number): number => {
  const width = Math.floor(2 ** 32 / bound);
  for (;;) {
    const number = Math.floor(next() / width);
    if (number < bound) return number;
  }
};

/** percent: at least 100. */
export const boundedLoad =
  (build: BuildBalancer, percent: number, activeRequests: ActiveRequests): BuildBalancer =>
  <H extends Candidate>(hosts: readonly H[], random: Parameters<BuildBalancer>[1], given?: readonly number[]) => {
    const balancer = build(hosts, random, given);
    const { shares } = placed(hosts, 'address', given);
    const shareOf = new Map(hosts.map((host, index) => [host, shares[index] ?? 0]));
    /** At most 1: there is room. */
    const fullness = (host: H): number => {
      const all = Math.floor(((activeRequests() + 1) * percent + 99) / 100);
      return host.activeRequests / Math.max(1, Math.ceil(all * (shareOf.get(host) ?? 0)));
    };
    const elsewhere = (own: H, seed: number): H => {
      const next = twister(seed);
      const order = Uint32Array.from(hosts.keys());
      let best = own;
      for (let i = 0; i < order.length; i++) {
        const j = i + drawn(next, order.length - i);
        const other = hosts[order[j] as number] as H;
        order[j] = order[i] as number;
        if (other === own) continue;
        if (fullness(other) <= 1) return other;
        if (fullness(other) < fullness(best)) best = other;
      }
      return best;
    };
    return {
      ...(balancer.table && { table: balancer.table }),
      pick: (hash = anyHash(random), attempt) => {
        const own = balancer.pick(hash, attempt);
        return own === undefined || fullness(own) <= 1 ? own : elsewhere(own, hash.low);
      },
    };
  };
