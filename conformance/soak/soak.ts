/** `node conformance/main.ts --soak NAME`: what only shows under load and over time, on a mesh of real processes. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { authorityDown } from './authority-down.ts';
import { flips } from './flips.ts';
import type { Outcome, SoakOptions } from './outcome.ts';
import { rotation } from './rotation.ts';

const SOAKS = { rotation, flips, 'authority-down': authorityDown } satisfies Readonly<
  Record<string, (options: SoakOptions) => Promise<Outcome>>
>;

/** Which soak. */
export type SoakName = keyof typeof SOAKS;

/** All of them, in the order in which they run. */
export const SOAK_NAMES = Object.keys(SOAKS) as readonly SoakName[];

const REPORTS = join(import.meta.dirname, '../../.cache/reports');

/** Runs one, prints its figures and keeps them in .cache/reports; false when something should not have been. */
export const runSoak = async (name: SoakName, options: SoakOptions): Promise<boolean> => {
  const outcome = await SOAKS[name](options);
  mkdirSync(REPORTS, { recursive: true });
  writeFileSync(join(REPORTS, `soak-${name}.json`), `${JSON.stringify(outcome, null, 2)}\n`);
  for (const [what, figure] of Object.entries(outcome.figures)) options.print(`${name}: ${what}: ${figure}`);
  for (const fault of outcome.faults) options.print(`${name}: FAULT: ${fault}`);
  return outcome.faults.length === 0;
};
