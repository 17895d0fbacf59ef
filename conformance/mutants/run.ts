/** Switches on one mutant after another and expects the cases that name it to fail. */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { chosen } from '../conformance.ts';
import type { ConformanceCase } from '../define-case.ts';
import type { Verdict } from '../verify.ts';
import type { Mutant } from './mutant.ts';
import { MUTANTS } from './mutants.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const LOADER = new URL('./mutate-loader.ts', import.meta.url).href;
const AT_ONCE = 2;
/** A mutant that hangs is caught by nobody. */
const LONGEST_MS = 120_000;

interface Ended {
  readonly code: number | null;
  readonly output: string;
}

const runSuite = (mutant: Mutant, ids: readonly string[]): Promise<Ended> =>
  new Promise((resolve, reject) => {
    const args = [
      '--import',
      LOADER,
      'conformance/main.ts',
      '--driver',
      'simulation',
      '--evidence',
      '',
      ...ids.flatMap((id) => ['--id', id]),
    ];
    const child = spawn(process.execPath, args, { cwd: ROOT, env: { ...process.env, MUTANT: JSON.stringify(mutant) } });
    let output = '';
    const keep = (bytes: Buffer): void => {
      output += bytes.toString();
    };
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    const timer = setTimeout(() => child.kill('SIGKILL'), LONGEST_MS);
    child.on('error', reject);
    child.on('exit', (code) => {
      clearTimeout(timer);
      resolve({ code, output });
    });
  });

/** What one mutant came to. A crash is no catch: the case itself must have said what was wrong. */
const judge = async (mutant: Mutant, catchers: readonly ConformanceCase[]): Promise<Verdict[]> => {
  const startedAt = performance.now();
  const { output } = await runSuite(
    mutant,
    catchers.map(({ id }) => id),
  );
  const durationMs = Math.round(performance.now() - startedAt);
  return catchers.map((one) => {
    const caught = output.includes(`${one.id} failed (`) && !output.includes(`mutant ${mutant.id}:`);
    return {
      id: one.id,
      claim: `${mutant.id} (${mutant.wrong}) is caught by ${one.id}`,
      source: one.source,
      profile: one.profile,
      cell: { driver: 'simulation', dataPlane: 'dinghy', controlPlane: 'dinghy' },
      outcome: caught ? 'passed' : 'failed',
      text: caught ? '' : `${mutant.id} survived ${one.id}: ${mutant.wrong}\n${output.slice(-2_000)}`,
      durationMs,
    };
  });
};

/** The mutants that those cases name, all cases when no ids are given; a few at a time, in their order. Throws on an ID that does not exist. */
export async function* runMutants(ids?: readonly string[]): AsyncIterable<Verdict> {
  const judges = chosen(ids);
  const running: Promise<Verdict[]>[] = [];
  for (const mutant of MUTANTS) {
    const catchers = judges.filter((one) => one.killedBy.includes(mutant.id));
    if (catchers.length === 0) continue;
    const before = running.at(-AT_ONCE) ?? Promise.resolve();
    running.push(before.then(() => judge(mutant, catchers)));
  }
  for (const one of running) yield* await one;
}
