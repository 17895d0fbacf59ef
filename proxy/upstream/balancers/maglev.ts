/**
 * A table of fixed size that hosts fill in turns, each by its own permutation. A pick is one look; when a host leaves, little more than its own part
 * changes hands. Source: Envoy "Maglev"; Eisenbud et al., "Maglev: A Fast and Reliable Software Network Load Balancer", listing 1.
 */
import type { Random } from '#system/random.ts';
import { type Hash64, remainder, xxh64 } from '#system/xxh64.ts';
import type { Balancer, BuildBalancer, Candidate } from './balancer.ts';
import { anyHash, factsOf, type HashedBy, type Placed, placed } from './hash-table.ts';

/** tableSize: a prime, so that every permutation reaches every place. */
export interface MaglevRules {
  readonly tableSize: number;
  readonly by: HashedBy;
}

const SECOND_SEED = { high: 0, low: 1 };
const NOBODY = 0xffff_ffff;

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** The next place of a permutation; a division would cost more than all the rest. */
const stepped = (place: number, skip: number, size: number): number => (place + skip >= size ? place + skip - size : place + skip);

/** Index of its host for every place. The order of the hosts must not matter, so they take turns by name. */
const tableOf = ({ names, shares }: Placed, size: number): Uint32Array => {
  const order = [...names.keys()].sort((a, b) => compare(names[a] as string, names[b] as string));
  const skips = names.map((name) => remainder(xxh64(name, SECOND_SEED), size - 1) + 1);
  const places = names.map((name) => remainder(xxh64(name), size));
  const most = shares.reduce((a, b) => Math.max(a, b), 0);
  /** A host of half the greatest share takes every second turn, and so on. */
  const due = new Float64Array(names.length);
  const table = new Uint32Array(size).fill(NOBODY);
  let taken = 0;
  for (let turn = 1; taken < size; turn++) {
    for (let i = 0; i < order.length && taken < size; i++) {
      const host = order[i] as number;
      if (turn * (shares[host] as number) < (due[host] as number)) continue;
      due[host] = (due[host] as number) + most;
      const skip = skips[host] as number;
      let place = places[host] as number;
      while (table[place] !== NOBODY) place = stepped(place, skip, size);
      table[place] = host;
      places[host] = stepped(place, skip, size);
      taken++;
    }
  }
  return table;
};

/** Another attempt is another hash, far from the first. */
const mutated = ({ high, low }: Hash64, attempt: number): Hash64 => ({ high: ~high >>> 0, low: (low ^ -attempt) >>> 0 });

/** The same hosts and hashes give the picks of an Envoy. A request without a hash goes anywhere. */
export const maglev =
  ({ tableSize, by }: MaglevRules): BuildBalancer =>
  <H extends Candidate>(hosts: readonly H[], random: Random, shares?: readonly number[]): Balancer<H> => {
    if (hosts.length === 0) return { pick: () => undefined };
    const table = tableOf(placed(hosts, by, shares), tableSize);
    return {
      table: factsOf(table, hosts.length),
      pick: (hash = anyHash(random), attempt = 0) =>
        hosts[table[remainder(attempt > 0 ? mutated(hash, attempt) : hash, tableSize)] as number],
    };
  };
