/** `dinghy delete`: by file, or by kind and name. */
import type { Command } from 'commander';
import type { StoredResource } from '#api/resource.ts';
import { readWanted } from '../kinds.ts';
import { type OutputOption, outputOption } from '../output.ts';
import { change, type MeshOption, readJson, runningMesh } from '../running-mesh.ts';
import { readYaml } from '../yaml-files.ts';
import { acknowledged, report } from './apply.ts';

interface DeleteOptions extends MeshOption, OutputOption {
  readonly filename?: readonly string[];
  readonly namespace: string;
  readonly ignoreNotFound?: boolean;
  readonly wait: boolean;
}

/** Registers the verb. */
export const addDelete = (program: Command): void => {
  program
    .command('delete')
    .description('delete resources, and wait until no proxy has them any more')
    .argument('[words...]', 'kind and names, or KIND/NAME: vs reviews, vs/reviews dr/reviews')
    .option('-f, --filename <path...>', 'YAML file, folder of them, or - for standard input')
    .option('-n, --namespace <namespace>', 'namespace of the names', 'default')
    .option('--ignore-not-found', 'what is not there is no error')
    .option('--no-wait', 'do not wait for the proxies')
    .option('--mesh <name>', 'which mesh')
    .addOption(outputOption('json', 'yaml'))
    .action(remove);
};

const remove = async (words: readonly string[], options: DeleteOptions): Promise<void> => {
  if (words.length > 0 === (options.filename !== undefined))
    throw new Error('delete wants either -f FILE or a kind and names: "dinghy delete vs reviews"');
  const run = runningMesh(options);
  const body = options.filename === undefined ? await named(run.controlPlane.url, words, options) : { files: readYaml(options.filename) };
  const result = await change(run, '/delete', body);
  const problems = result.problems.filter(({ message }) => !options.ignoreNotFound || message !== 'not found');
  await report(options, { ...result, problems });
  if (options.wait && result.applied.length > 0) await acknowledged(run, result.version);
};

const named = async (url: string, words: readonly string[], { namespace }: DeleteOptions) => {
  const present = await readJson<readonly StoredResource[]>(`${url}/resources`);
  const wanted = readWanted(
    words,
    present.map(({ kind }) => kind),
  );
  const resources = (wanted ?? []).flatMap(({ kind, names }) => names.map((name) => ({ kind, namespace, name })));
  if (resources.length === 0) throw new Error('delete wants the names too: "dinghy delete vs reviews"');
  return { resources };
};
