/** What ring and maglev share: what a host is hashed by, and how much of the table it has. */
import type { Random } from '#system/random.ts';
import type { Hash64 } from '#system/xxh64.ts';
import type { Candidate, TableFacts } from './balancer.ts';

/** Whether hosts are hashed by their address or by the name they were found under. */
export type HashedBy = 'address' | 'hostname';

/** Pure of everything that may change while a table stands. */
export interface Placed {
  readonly names: readonly string[];
  /** Together 1. */
  readonly shares: readonly number[];
}

/** By weight alone. */
const sharesOf = (hosts: readonly Candidate[]): number[] => {
  const total = hosts.reduce((sum, { weight }) => sum + weight, 0);
  return hosts.map(({ weight }) => weight / total);
};

/** A host without a name is hashed by its address all the same. */
export const placed = (hosts: readonly Candidate[], by: HashedBy, shares: readonly number[] = sharesOf(hosts)): Placed => ({
  names: hosts.map(({ hashKey, hostname = '', key }) => hashKey ?? ((by === 'hostname' && hostname) || key)),
  shares,
});

/** owners: whose each place is; hosts: how many there are. */
export const factsOf = (owners: Uint32Array, hosts: number, size = owners.length): TableFacts => {
  const places = new Uint32Array(hosts);
  for (const owner of owners) places[owner] = (places[owner] as number) + 1;
  return { size, fewest: places.reduce((a, b) => Math.min(a, b)), most: places.reduce((a, b) => Math.max(a, b)) };
};

/** For a request that brings none. */
export const anyHash = (random: Random): Hash64 => ({ high: random.below(2 ** 32), low: random.below(2 ** 32) });
