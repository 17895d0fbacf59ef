/** The suite as a program: `node conformance/main.ts --driver simulation --id TRAF-WEIGHT-001`. Exit code 1 when a case failed. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { parseArgs } from 'node:util';
import { coverageTable } from './behaviours.ts';
import type { DataPlane, Driver } from './define-case.ts';
import { CellUnavailable, runCell, skippedCell } from './matrix/cells.ts';
import { runMutants } from './mutants/run.ts';
import { evidenceUnder } from './report/evidence.ts';
import { junitReport } from './report/junit.ts';
import { formatSkips, formatTotals, formatVerdict, totalsOf } from './report/summary.ts';
import { yamlReport } from './report/yaml.ts';
import type { Cell, Verdict } from './verify.ts';

const { values: flags } = parseArgs({
  options: {
    driver: { type: 'string', default: 'process' },
    'data-plane': { type: 'string', default: 'dinghy' },
    id: { type: 'string', multiple: true, default: [] },
    report: { type: 'string' },
    required: { type: 'boolean', default: false },
    mutants: { type: 'boolean', default: false },
    list: { type: 'boolean', default: false },
    evidence: { type: 'string', default: '.cache/reports' },
  },
});

const DRIVERS: readonly Driver[] = ['process', 'simulation'];
const DATA_PLANES: readonly DataPlane[] = ['dinghy', 'envoy'];

const oneOf = <T extends string>(flag: string, value: string, known: readonly T[]): T => {
  const found = known.find((one) => one === value);
  if (found === undefined) throw new Error(`--${flag} is one of ${known.join(', ')}, not ${value}`);
  return found;
};

const cellOf = (): Cell => ({
  driver: oneOf('driver', flags.driver, DRIVERS),
  dataPlane: oneOf('data-plane', flags['data-plane'], DATA_PLANES),
});

const chosenIds = flags.id.length > 0 ? { ids: flags.id } : {};

/** A cell that cannot be had here is skipped, unless the caller requires it. */
async function* verdictsOf(): AsyncIterable<Verdict> {
  if (flags.mutants) return yield* runMutants();
  const cell = cellOf();
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
    implementation: `dinghy control plane, ${cellOf().dataPlane} data plane`,
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

if (flags.list) console.log(coverageTable());
else
  await run().catch((error: unknown) => {
    // What ends the run as a whole is said in its own words; a case that fails does not come here.
    console.error(error instanceof Error ? error.message : String(error));
    process.exitCode = 1;
  });
