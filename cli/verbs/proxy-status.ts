/** `dinghy proxy-status`: what each proxy has acknowledged, as istioctl shows it. */
import type { Command } from 'commander';
import type { ProxySync, SyncStatus } from '#api/sync.ts';
import { type OutputOption, outputOption, show, table, warn } from '../output.ts';
import { type MeshOption, readJson, runningMesh } from '../running-mesh.ts';

const KINDS = ['cds', 'lds', 'eds', 'rds', 'sds'] as const;

/** Registers the verb. */
export const addProxyStatus = (program: Command): void => {
  program
    .command('proxy-status')
    .alias('ps')
    .description('show which configuration each proxy has acknowledged; exit code 1 when one refused it')
    .argument('[workload]', 'only this one')
    .option('--mesh <name>', 'which mesh')
    .addOption(outputOption('json', 'yaml', 'wide'))
    .action(proxyStatus);
};

const proxyStatus = async (workload: string | undefined, options: MeshOption & OutputOption): Promise<void> => {
  const all = await readJson<SyncStatus>(`${runningMesh(options).controlPlane.url}/debug/syncz`);
  const proxies = all.proxies.filter((proxy) => workload === undefined || isCalled(proxy, workload));
  if (proxies.length === 0 && workload !== undefined)
    throw new Error(`no proxy of ${workload} is connected; there are ${all.proxies.map((proxy) => proxy.workload).join(', ')}`);
  const status = { ...all, proxies };
  await show(options, status, (wide) =>
    table(
      ['NAME', ...KINDS.map((kind) => kind.toUpperCase()), 'VERSION', ...(wide ? ['CONNECTED', 'NODE'] : [])],
      proxies.map((proxy) => row(proxy, all.version, wide)),
    ),
  );
  const refused = proxies.flatMap(refusals);
  for (const line of refused) warn(line);
  if (refused.length > 0) process.exitCode = 1;
};

const isCalled = ({ workload, namespace, node }: ProxySync, name: string): boolean =>
  [workload, `${workload}.${namespace}`, node].includes(name);

/** wide: with the version that was acknowledged and the one that was sent. */
const row = (proxy: ProxySync, version: number, wide: boolean): string[] => [
  `${proxy.workload}.${proxy.namespace}`,
  ...KINDS.map((kind) => {
    const { state, acknowledged, sent } = proxy.kinds[kind];
    return wide && sent !== '' ? `${state} (${acknowledged || '-'}/${sent})` : state;
  }),
  `${proxy.version}/${version}`,
  ...(wide ? [proxy.connectedAt, proxy.node] : []),
];

const refusals = ({ workload, kinds }: ProxySync): string[] =>
  KINDS.flatMap((kind) => {
    const { refused } = kinds[kind];
    return refused === undefined ? [] : [`${workload} refused ${kind.toUpperCase()} version ${refused.version}: ${refused.reason}`];
  });
