/** Front door: the registry of cases, and running some of them on a given mesh. */
import type { BenchOptions } from './benchmarks/bench.ts';
import { catalogue } from './cases/catalogue.ts';
import type { ConformanceCase } from './define-case.ts';
import type { LiveMesh } from './drivers/live-mesh.ts';
import { meshUnderTest } from './drivers/mesh-under-test.ts';
import type { Authorities } from './drivers/strangers.ts';
import { type KeepEvidence, observe, type Verdict, verify } from './verify.ts';

/** Which cases run, and what is done with a failure's evidence. */
export interface SuiteOptions {
  /** All when absent. */
  readonly ids?: readonly string[];
  readonly keepEvidence?: KeepEvidence;
  /** Who signs for strangers, where real handshakes are made. */
  readonly authorities?: Authorities;
}

/** Every case, in the order in which they run. */
export const cases: readonly ConformanceCase[] = catalogue;

/** The cases of those IDs, in the suite's order; all when `ids` is absent, none when it is empty. Throws on an ID that does not exist. */
export const chosen = (ids?: readonly string[]): readonly ConformanceCase[] => {
  if (ids === undefined) return cases;
  const unknown = ids.filter((id) => !cases.some((one) => one.id === id));
  if (unknown.length > 0) throw new Error(`there is no case ${unknown.join(', ')}`);
  return cases.filter((one) => ids.includes(one.id));
};

/** Runs cases one after another on a mesh as it is configured now, changing nothing. For labs and the site. */
export async function* runCases(live: LiveMesh, ids: readonly string[]): AsyncIterable<Verdict> {
  using mesh = meshUnderTest(live);
  for (const one of chosen(ids)) yield await observe(one, mesh);
}

/** Runs cases one after another on a mesh that is the suite's own: each brings its configuration and takes it away. */
export async function* verifyLive(live: LiveMesh, options: SuiteOptions = {}): AsyncIterable<Verdict> {
  using mesh = meshUnderTest(live, options.authorities);
  for (const one of chosen(options.ids)) yield await verify(one, mesh, options.keepEvidence);
}
// Loaded only when asked for: they bring up meshes and start programs, which the site never does.

/** What choosing a host costs, as a table; see benchmarks/picks.ts. */
export const runPicks = async (print: (line: string) => void): Promise<void> => {
  const { benchPicks } = await import('./benchmarks/picks.ts');
  benchPicks(print);
};

/** What one proxied request costs, as a table; see benchmarks/bench.ts. */
export const runBench = async (options: BenchOptions): Promise<void> => {
  const { bench } = await import('./benchmarks/bench.ts');
  await bench(options);
};
