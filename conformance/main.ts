/** The suite as a program: `node conformance/main.ts --driver simulation --id TRAF-WEIGHT-001`. Exit code 1 when a case failed. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { Command, Option } from 'commander';
import { coverageTable } from './behaviours.ts';
import type { ControlPlane, DataPlane, Driver } from './define-case.ts';
import { CellUnavailable, runCell, skippedCell } from './matrix/cells.ts';
import { runMutants } from './mutants/run.ts';
import { evidenceUnder } from './report/evidence.ts';
import { junitReport } from './report/junit.ts';
import { formatSkips, formatTotals, formatVerdict, totalsOf } from './report/summary.ts';
import { yamlReport } from './report/yaml.ts';
import { runSoak, SOAK_NAMES, type SoakName } from './soak/soak.ts';
import type { Cell, Verdict } from './verify.ts';

const DRIVERS: readonly Driver[] = ['process', 'simulation'];
const DATA_PLANES: readonly DataPlane[] = ['dinghy', 'envoy'];
const CONTROL_PLANES: readonly ControlPlane[] = ['dinghy', 'istiod'];

interface Flags {
  readonly driver: Driver;
  readonly dataPlane: DataPlane;
  readonly controlPlane: ControlPlane;
  readonly id?: readonly string[];
  readonly report?: string;
  readonly required: boolean;
  readonly mutants: boolean;
  readonly list: boolean;
  readonly evidence: string;
  readonly soak?: SoakName;
  readonly scale: number;
  readonly rate: number;
}

const flags = new Command('conformance')
  .description('proves the documented behaviours on a mesh of its own; exits with 1 when a case failed')
  .addOption(new Option('--driver <name>', 'where the mesh runs').choices(DRIVERS).default('process'))
  .addOption(new Option('--data-plane <name>', 'who proxies').choices(DATA_PLANES).default('dinghy'))
  .addOption(new Option('--control-plane <name>', 'who configures the proxies').choices(CONTROL_PLANES).default('dinghy'))
  .option('--id <ids...>', 'these cases only')
  .option('--mutants', 'switch on one bug after another and see each case catch those that it names', false)
  .option('--list', 'which documented behaviour each case proves', false)
  .option('--report <path>', 'write path.yaml, path.xml (JUnit) and path.totals.json')
  .option('--evidence <folder>', 'where a failed case leaves what was seen; empty for nowhere', '.cache/reports')
  .addOption(new Option('--soak <name>', 'measure that on a mesh of its own, instead of running cases').choices(SOAK_NAMES))
  .option('--scale <share>', 'how much of a soak: 1 is the whole of it', Number, 1)
  .option('--rate <calls>', 'of a soak: calls a second', Number, 120)
  .option('--required', 'fail, instead of skipping, when that mesh cannot be had here', false)
  .allowExcessArguments(false)
  .parse()
  .opts<Flags>();

const cell: Cell = { driver: flags.driver, dataPlane: flags.dataPlane, controlPlane: flags.controlPlane };

const chosenIds = flags.id ? { ids: flags.id } : {};

/** A cell that cannot be had here is skipped, unless the caller requires it. */
async function* verdictsOf(): AsyncIterable<Verdict> {
  if (flags.mutants) return yield* runMutants(flags.id);
  try {
    yield* runCell(cell, { ...chosenIds, ...(flags.evidence !== '' && { keepEvidence: evidenceUnder(flags.evidence) }) });
  } catch (error) {
    if (!(error instanceof CellUnavailable) || flags.required) throw error;
    yield* skippedCell(cell, chosenIds.ids, error.message);
  }
}

const ownVersion = (): string => JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')).version;

const writeReports = (path: string, verdicts: readonly Verdict[]): void => {
  mkdirSync(dirname(path), { recursive: true });
  const skips = verdicts.filter(({ outcome }) => outcome === 'skipped').map(({ id, text }) => `${id}: ${text}`);
  const head = {
    implementation: `${cell.controlPlane} control plane, ${cell.dataPlane} data plane`,
    version: ownVersion(),
    node: process.version,
    date: new Date().toISOString(),
  };
  writeFileSync(`${path}.totals.json`, JSON.stringify({ ...totalsOf(verdicts), skips }));
  writeFileSync(`${path}.yaml`, yamlReport(head, verdicts));
  writeFileSync(`${path}.xml`, junitReport(verdicts));
};

/** Runs what was asked for; the last line is the sum. */
const run = async (): Promise<void> => {
  const verdicts: Verdict[] = [];
  for await (const verdict of verdictsOf()) {
    verdicts.push(verdict);
    if (verdict.outcome !== 'skipped') console.log(formatVerdict(verdict));
  }
  if (flags.report !== undefined) writeReports(flags.report, verdicts);
  for (const line of formatSkips(verdicts)) console.log(line);
  const totals = totalsOf(verdicts);
  console.log(formatTotals(totals));
  process.exitCode = totals.failed === 0 ? 0 : 1;
};

/** One soak; exits with 1 when something was seen that should not be. */
const soak = async (name: SoakName): Promise<void> => {
  const isGood = await runSoak(name, { print: console.log, scale: flags.scale, rate: flags.rate, driver: flags.driver });
  process.exitCode = isGood ? 0 : 1;
};

if (flags.list) console.log(coverageTable());
else
  await (flags.soak === undefined ? run() : soak(flags.soak)).catch((error: unknown) => {
    // What ends the run as a whole is said in its own words; a case that fails does not come here.
    console.error(error instanceof Error ? error.message : String(error));
    process.exitCode = 1;
  });
