/** `dinghy proxy-config`: what one proxy really runs, from its own admin pages; works for our proxy and for Envoy. */
import type { Command } from 'commander';
import { clusterRows, endpointRows, type Json, listenerRows, routeRows } from '../config-dump.ts';
import { type OutputOption, outputOption, show, table } from '../output.ts';
import { adminUrlOf, type MeshOption, readJson, runningMesh } from '../running-mesh.ts';

interface View {
  readonly page: string;
  readonly head: readonly string[];
  readonly rows: (page: Json) => string[][];
}

const DUMP = '/config_dump';
const VIEWS: Readonly<Record<string, View>> = {
  listener: { page: DUMP, head: ['NAME', 'ADDRESS', 'MATCH', 'DESTINATION'], rows: listenerRows },
  route: { page: DUMP, head: ['TABLE', 'DOMAINS', 'MATCH', 'DESTINATION'], rows: routeRows },
  cluster: { page: DUMP, head: ['NAME', 'TYPE', 'POLICY'], rows: clusterRows },
  endpoint: { page: '/clusters?format=json', head: ['ENDPOINT', 'STATUS', 'CLUSTER'], rows: endpointRows },
};

/** istioctl's short words. */
const SHORT: Readonly<Record<string, string>> = { l: 'listener', r: 'route', c: 'cluster', e: 'endpoint', ep: 'endpoint', a: 'all' };

/** Undefined for what does not exist. */
const viewOf = (what: string): View | undefined => {
  const name = (Object.hasOwn(SHORT, what) ? SHORT[what] : undefined) ?? what.replace(/s$/, '');
  return Object.hasOwn(VIEWS, name) ? VIEWS[name] : undefined;
};

/** Registers the verb. As in istioctl, plural and singular mean the same. */
export const addProxyConfig = (program: Command): void => {
  program
    .command('proxy-config')
    .alias('pc')
    .description(`show what a proxy runs: ${Object.keys(VIEWS).join(', ')}, or all`)
    .argument('<what>', `${Object.keys(VIEWS).join(', ')} or all, plural or short (l, r, c, ep) too; all is JSON`)
    .argument('<workload>', 'whose proxy, as proxy-status names them')
    .option('--mesh <name>', 'which mesh')
    .addOption(outputOption('json', 'yaml'))
    .action(proxyConfig);
};

/** In JSON and YAML it is the admin page as the proxy gives it. */
const proxyConfig = async (what: string, workload: string, options: MeshOption & OutputOption): Promise<void> => {
  const admin = adminUrlOf(runningMesh(options), workload);
  if (what === 'all' || what === 'a') return show({ output: options.output ?? 'json' }, await readJson<Json>(`${admin}${DUMP}`), () => '');
  const view = viewOf(what);
  if (view === undefined) throw new Error(`proxy-config shows ${Object.keys(VIEWS).join(', ')} or all, not ${what}`);
  const page = await readJson<Json>(`${admin}${view.page}`);
  return show(options, page, () => table(view.head, view.rows(page)));
};
