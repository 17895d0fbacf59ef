/** `dinghy proxy-status`: what each proxy has acknowledged, as istioctl shows it. */
import type { Command } from 'commander';
import type { ProxySync, SyncStatus } from '#api/sync.ts';
import { type OutputOption, print, show, table } from '../output.ts';
import { type MeshOption, readJson, runningMesh } from '../running-mesh.ts';

const KINDS = ['cds', 'lds', 'eds', 'rds'] as const;

/** Registers the verb. */
export const addProxyStatus = (program: Command): void => {
  program
    .command('proxy-status')
    .alias('ps')
    .description('show which configuration each proxy has acknowledged')
    .option('--mesh <name>', 'which mesh')
    .option('-o, --output <format>', 'json')
    .action(async (options: MeshOption & OutputOption) => {
      const status = await readJson<SyncStatus>(`${runningMesh(options).controlPlane.url}/debug/syncz`);
      show(options, status, () =>
        table(
          ['NAME', ...KINDS.map((kind) => kind.toUpperCase()), 'VERSION'],
          status.proxies.map((proxy) => row(proxy, status.version)),
        ),
      );
      if (options.output !== 'json') for (const proxy of status.proxies) for (const line of refusals(proxy)) print(line);
    });
};

const row = (proxy: ProxySync, version: number): string[] => [
  `${proxy.workload}.${proxy.namespace}`,
  ...KINDS.map((kind) => proxy.kinds[kind].state),
  `${proxy.version}/${version}`,
];

const refusals = ({ workload, kinds }: ProxySync): string[] =>
  KINDS.flatMap((kind) => {
    const { refused } = kinds[kind];
    return refused === undefined ? [] : [`${workload} refused ${kind.toUpperCase()} version ${refused.version}: ${refused.reason}`];
  });
