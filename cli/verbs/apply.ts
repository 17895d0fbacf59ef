/** `dinghy apply -f`: changes the configuration, and waits until the proxies have it. */
import { type Command, Option } from 'commander';
import type { ApplyResult } from '#api/resource.ts';
import type { SyncStatus } from '#api/sync.ts';
import { converged, type RunFile } from '#environment';
import { type OutputOption, outputOption, show, warn } from '../output.ts';
import { change, type MeshOption, problemLine, readJson, runningMesh } from '../running-mesh.ts';
import { readYaml } from '../yaml-files.ts';

interface ApplyOptions extends MeshOption, OutputOption {
  readonly filename: readonly string[];
  readonly dryRun?: string;
  readonly wait: boolean;
}

const LOOK_AGAIN_MS = 20;
/** kubectl's words. The control plane looks at the documents in both dry ones. */
const DRY_RUNS = ['none', 'client', 'server'];

/** Registers the verb. */
export const addApply = (program: Command): void => {
  program
    .command('apply')
    .description('create or change resources, all or nothing, and wait until every proxy has acknowledged them')
    .requiredOption('-f, --filename <path...>', 'YAML file, folder of them, or - for standard input')
    .addOption(new Option('--dry-run [how]', 'only say what would change, and what would be wrong').choices(DRY_RUNS).preset('server'))
    .option('--no-wait', 'do not wait for the proxies')
    .option('--mesh <name>', 'which mesh')
    .addOption(outputOption('json', 'yaml'))
    .action(apply);
};

const apply = async (options: ApplyOptions): Promise<void> => {
  const run = runningMesh(options);
  const isDry = options.dryRun !== undefined && options.dryRun !== 'none';
  const result = await change(run, `/apply${isDry ? '?dryRun=1' : ''}`, { files: readYaml(options.filename) });
  if (result.applied.length === 0 && result.problems.length === 0) throw new Error('there is no document in what -f names');
  await report(options, result, isDry ? ' (dry run)' : '');
  if (options.wait && !isDry && result.applied.some(({ outcome }) => outcome !== 'unchanged')) await acknowledged(run, result.version);
};

/** Settles when the proxies that are connected have that version; rejects with who refused it or is behind. */
export const acknowledged = async (run: RunFile, version: number): Promise<void> => {
  const sync = () => readJson<SyncStatus>(`${run.controlPlane.url}/debug/syncz`);
  const workloads = (await sync()).proxies.map(({ workload }) => workload);
  const pause = () => new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN_MS));
  await converged({ version, workloads }, { sync, nowMs: () => performance.now(), pause });
};

/** One line a resource, then the problems on standard error. The exit code is 1 when one of them is an error. */
export const report = async (options: OutputOption, result: ApplyResult, suffix = ''): Promise<void> => {
  const lines = result.applied.map(
    ({ kind, namespace, name, outcome }) => `${kind.toLowerCase()} ${namespace}/${name} ${outcome}${suffix}`,
  );
  if (lines.length > 0 || options.output !== undefined) await show(options, result, () => lines.join('\n'));
  for (const problem of result.problems) warn(problemLine(problem));
  if (result.problems.some(({ severity }) => severity === 'error')) process.exitCode = 1;
};
