/** `dinghy get`: the resources in force. */
import type { Command } from 'commander';
import type { StoredResource } from '#api/resource.ts';
import { type OutputOption, print, show, table } from '../output.ts';
import { type MeshOption, readJson, runningMesh } from '../running-mesh.ts';

interface GetOptions extends MeshOption, OutputOption {
  readonly namespace?: string;
}

/** Registers the verb. `-o yaml` gives the documents as they were written. */
export const addGet = (program: Command): void => {
  program
    .command('get')
    .description('show resources')
    .argument('[kind]', 'VirtualService, DestinationRule, Gateway, Service …; all when absent')
    .argument('[name]')
    .option('-n, --namespace <namespace>', 'only of that namespace')
    .option('--mesh <name>', 'which mesh')
    .option('-o, --output <format>', 'json or yaml')
    .action(get);
};

const get = async (kind: string | undefined, name: string | undefined, options: GetOptions): Promise<void> => {
  const query = new URLSearchParams();
  if (kind !== undefined) query.set('kind', kind);
  if (name !== undefined) query.set('name', name);
  if (options.namespace !== undefined) query.set('namespace', options.namespace);
  const found = await readJson<readonly StoredResource[]>(`${runningMesh(options).controlPlane.url}/resources?${query}`);
  if (options.output === 'yaml') return print(found.map(({ yaml }) => yaml.trimEnd()).join('\n---\n'));
  show(options, found, () =>
    found.length === 0
      ? 'No resources found.'
      : table(
          ['NAMESPACE', 'KIND', 'NAME', 'FROM'],
          found.map((one) => [one.namespace, one.kind, one.name, `${one.file}:${one.line}`]),
        ),
  );
};
