/** `dinghy get`: the resources in force. */
import type { Command } from 'commander';
import type { StoredResource } from '#api/resource.ts';
import { readWanted, type Wanted } from '../kinds.ts';
import { type OutputOption, outputOption, print, show, warn } from '../output.ts';
import { resourceTable } from '../resource-table.ts';
import { type MeshOption, readJson, runningMesh } from '../running-mesh.ts';

interface GetOptions extends MeshOption, OutputOption {
  readonly namespace?: string;
}

/** Registers the verb. `-o yaml` gives the documents as they were written. */
export const addGet = (program: Command): void => {
  program
    .command('get')
    .description('show resources')
    .argument('[words...]', 'kind and names, or KIND/NAME: vs, vs reviews, vs,dr, svc/reviews; all when absent')
    .option('-n, --namespace <namespace>', 'only of that namespace; all when absent')
    .option('-A, --all-namespaces', 'of all namespaces, as without -n')
    .option('--mesh <name>', 'which mesh')
    .addOption(outputOption('json', 'yaml', 'wide'))
    .action(get);
};

const get = async (words: readonly string[], options: GetOptions): Promise<void> => {
  const all = await readJson<readonly StoredResource[]>(`${runningMesh(options).controlPlane.url}/resources`);
  const here = all.filter(({ namespace }) => options.namespace === undefined || namespace === options.namespace);
  const wanted = readWanted(
    words,
    all.map(({ kind }) => kind),
  );
  const found = wanted === undefined ? here : here.filter((one) => wanted.some((each) => isWanted(one, each)));
  const missing = (wanted ?? []).flatMap(({ kind, names }) =>
    names.filter((name) => !here.some((one) => one.kind === kind && one.name === name)).map((name) => `${kind} "${name}" not found`),
  );
  // As kubectl does: what is there is shown, what is not is told of.
  if (options.output === 'yaml') print(found.map(({ yaml }) => yaml.trimEnd()).join('\n---\n'));
  else if (found.length > 0 || missing.length === 0)
    await show(options, found, (wide) => resourceTable(found, { wide, nowMs: Date.now() }));
  for (const line of missing) warn(`dinghy: ${line}`);
  if (missing.length > 0) process.exitCode = 1;
};

const isWanted = (one: StoredResource, { kind, names }: Wanted): boolean =>
  one.kind === kind && (names.length === 0 || names.includes(one.name));
