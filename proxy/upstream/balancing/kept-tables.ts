/** LIVING STATE: tables of balancers that hash, which cost something to build. */
import type { BuildBalancer, Candidate } from '../balancers/balancer.ts';
import { type HashedBy, placed } from '../balancers/hash-table.ts';

/** Tables kept for hosts that come and go again, as those that are ejected do. */
const TABLES_KEPT = 8;

type Remembered = readonly [hosts: readonly Candidate[], names: readonly string[], shares: readonly number[], balancer: unknown];

const isSame = (a: readonly unknown[], b: readonly unknown[]): boolean =>
  a.length === b.length && a.every((each, index) => each === b[index]);

/** Builds only what was not built before: a table of the same hosts with the same names and shares is the same table. */
export const keptTables = (build: BuildBalancer, by: HashedBy): BuildBalancer => {
  let tables: readonly Remembered[] = [];
  return <H extends Candidate>(hosts: readonly H[], ...rest: [random: Parameters<BuildBalancer>[1], shares?: readonly number[]]) => {
    const { names, shares } = placed(hosts, by, rest[1]);
    const known = tables.find((table) => isSame(table[0], hosts) && isSame(table[1], names) && isSame(table[2], shares));
    const table: Remembered = known ?? [hosts, names, shares, build(hosts, ...rest)];
    tables = [table, ...tables.filter((each) => each !== table)].slice(0, TABLES_KEPT);
    return table[3] as ReturnType<typeof build<H>>;
  };
};
