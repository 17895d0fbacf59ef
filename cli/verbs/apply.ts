/** `dinghy apply -f` and `dinghy delete -f`: changes the configuration. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import type { ApplyResult } from '#api/resource.ts';
import { type OutputOption, print, show } from '../output.ts';
import { change, type MeshOption, problemLine, runningMesh } from '../running-mesh.ts';

interface ApplyOptions extends MeshOption, OutputOption {
  readonly filename: readonly string[];
  readonly dryRun?: boolean;
}

/** Registers the verb. */
export const addApply = (program: Command): void => {
  program
    .command('apply')
    .description('create or change resources; all or nothing')
    .requiredOption('-f, --filename <path...>', 'YAML file, folder of them, or - for standard input')
    .option('--dry-run', 'only say what would be wrong')
    .option('--mesh <name>', 'which mesh')
    .option('-o, --output <format>', 'json')
    .action(async (options: ApplyOptions) => {
      const path = `/apply${options.dryRun ? '?dryRun=1' : ''}`;
      report(options, await change(runningMesh(options), path, { files: readYaml(options.filename) }));
    });
};

/** Registers the verb. */
export const addDelete = (program: Command): void => {
  program
    .command('delete')
    .description('delete resources, by file or by kind and name')
    .argument('[kind]')
    .argument('[name]')
    .option('-f, --filename <path...>', 'YAML file, folder of them, or - for standard input')
    .option('-n, --namespace <namespace>', 'namespace of the name', 'default')
    .option('--mesh <name>', 'which mesh')
    .option('-o, --output <format>', 'json')
    .action(async (kind: string | undefined, name: string | undefined, options: Partial<ApplyOptions> & { readonly namespace: string }) => {
      const byName = kind !== undefined && name !== undefined ? { resources: [{ kind, name, namespace: options.namespace }] } : undefined;
      const body = options.filename === undefined ? byName : { files: readYaml(options.filename) };
      if (body === undefined) throw new Error('delete wants either -f FILE or a kind and a name');
      report(options, await change(runningMesh(options), '/delete', body));
    });
};

/** File name as it was given → text. */
const readYaml = (paths: readonly string[]): Record<string, string> => {
  const files: Record<string, string> = {};
  for (const path of paths) {
    if (path === '-') files['standard-input.yaml'] = readFileSync(0, 'utf8');
    else if (!statSync(path).isDirectory()) files[path] = readFileSync(path, 'utf8');
    else
      for (const name of readdirSync(path)
        .filter((entry) => /\.ya?ml$/.test(entry))
        .sort())
        files[join(path, name)] = readFileSync(join(path, name), 'utf8');
  }
  return files;
};

const report = (options: OutputOption, result: ApplyResult): void => {
  show(
    options,
    result,
    () =>
      result.applied.map(({ kind, namespace, name, outcome }) => `${kind.toLowerCase()} ${namespace}/${name} ${outcome}`).join('\n') ||
      'Nothing was changed.',
  );
  if (options.output !== 'json') for (const problem of result.problems) print(problemLine(problem));
  if (result.problems.some(({ severity }) => severity === 'error')) process.exitCode = 1;
};
