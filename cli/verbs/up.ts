/** `dinghy up`: Bookinfo in the mesh and the site, until Ctrl-C. */
import { readFileSync } from 'node:fs';
import { type Command, Option } from 'commander';
import type { DataPlaneName, Environment, Mode } from '#environment';
import { print } from '../output.ts';

interface UpOptions {
  readonly mode: Mode;
  readonly dataPlane: DataPlaneName;
  readonly name?: string;
  readonly port: string;
  readonly load: string;
  readonly site: boolean;
  readonly leafSeconds?: string;
  readonly seed?: string;
}

const MAX_NUMBER = 65_535;
const LOOK_FOR_PARENT_MS = 500;

/** Registers the verb. */
export const addUp = (program: Command): void => {
  program
    .command('up')
    .description('bring Bookinfo up in the mesh, with the site; Ctrl-C takes everything down')
    .addOption(new Option('--mode <mode>', 'where the parts run').choices(['process', 'compose']).default('process'))
    .addOption(new Option('--data-plane <name>', 'who proxies').choices(['dinghy', 'envoy']).default('dinghy'))
    .option('--name <name>', 'name of the mesh, when more than one shall run')
    .option('--port <port>', 'port of the site; 0 takes any', '0')
    .option('--load <rate>', 'requests a second of the built-in steady load; 0 for none', '4')
    .option('--leaf-seconds <n>', 'how long a workload certificate lives, 60 at least; a day when absent')
    .option('--seed <n>', 'makes what proxies leave to chance the same on every run: weights, picks, back-offs, percentages')
    .option('--no-site', 'only the mesh')
    .action(up);
};

const up = async (options: UpOptions): Promise<void> => {
  const load = wholeNumber('--load', options.load);
  const port = wholeNumber('--port', options.port);
  const leaf = options.leafSeconds === undefined ? {} : { leafLifeSeconds: leafSeconds(options.leafSeconds) };
  const seeded = options.seed === undefined ? {} : { seed: wholeNumber('--seed', options.seed) };
  // Before anything starts: a signal during the start must take down what has started.
  const stop = stopSignal();
  const { bookinfo, readRunFiles, startEnvironment, writeRunFile } = await import('#environment');
  const name = options.name ?? bookinfo.name;
  if (readRunFiles().some((run) => run.name === name))
    throw new Error(`a mesh called ${name} is running already; "dinghy down" ends it, --name starts another`);
  const { mode, dataPlane } = options;
  const starting = startEnvironment(bookinfo, { mode, dataPlane, name, signal: stop, instruments: 'clock and tap', ...leaf, ...seeded });
  // Loaded while the mesh comes up.
  const loading = options.site ? import('#site') : undefined;
  await using environment = await starting;
  const site = await (await loading)?.startSite({ environment, port, load });
  await using records = site ? undefined : await keepRecords(environment);
  const run = readRunFiles().find((candidate) => candidate.name === name);
  if (run) writeRunFile({ ...run, ...(site && { site: site.url }), ...(records && { records: records.url }) });
  print(summary(environment, site?.url));
  if (!stop.aborted) await new Promise((resolve) => stop.addEventListener('abort', resolve, { once: true }));
  print('Taking the mesh down ...');
  await site?.close();
};

/** So that "dinghy why" has something to read. */
const keepRecords = async (environment: Environment) => {
  const [{ TrafficLog }, { serveRecords }] = await Promise.all([import('#observability'), import('#records')]);
  return serveRecords(new TrafficLog(environment, () => performance.now()));
};

const wholeNumber = (flag: string, text: string): number => {
  if (!/^\d{1,5}$/.test(text) || Number(text) > MAX_NUMBER)
    throw new Error(`${flag}: ${text} is not a whole number from 0 to ${MAX_NUMBER}`);
  return Number(text);
};

const SHORTEST_LEAF_S = 60;
const LONGEST_LEAF_S = 86_400;

const leafSeconds = (text: string): number => {
  if (!/^\d{1,5}$/.test(text) || Number(text) < SHORTEST_LEAF_S || Number(text) > LONGEST_LEAF_S)
    throw new Error(`--leaf-seconds: ${text} is not a whole number from ${SHORTEST_LEAF_S} to ${LONGEST_LEAF_S}`);
  return Number(text);
};

/** Aborts when somebody wants the mesh to end, or when whoever started this process is gone. */
const stopSignal = (): AbortSignal => {
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => stop.abort(new Error(`ended by ${signal}`)));
  process.channel?.unref();
  const orphaned = () => stop.abort(new Error('ended with its parent'));
  process.once('disconnect', orphaned);
  // npm opens no channel, and what kill -9 does to it nobody tells us.
  const parent = process.ppid;
  if (process.env.npm_lifecycle_event !== undefined) setInterval(() => process.ppid === parent || orphaned(), LOOK_FOR_PARENT_MS).unref();
  return stop.signal;
};

const summary = (environment: Environment, site: string | undefined): string => {
  const { name, dataPlane, gateways, workloads } = environment;
  const pids = [...workloads, ...gateways].flatMap(({ pid }) => pid ?? []);
  // Containers have their own process ids.
  const memory = pids.length === 0 ? undefined : proportionalMegabytes(pids);
  return [
    ...(site === undefined ? [] : ['', `  ${site}`, '']),
    ...gateways.map((gateway) => `Gateway  ${gateway.url}/productpage`),
    `Mesh     ${name}: ${workloads.length} workloads and ${gateways.length} gateway(s) behind ${dataPlane} proxies, ready ${process.uptime().toFixed(1)} s after the start`,
    ...(memory === undefined ? [] : [`Memory   ${memory.toFixed(0)} MB for ${pids.length} proxies together (proportional share)`]),
    'Ctrl-C takes everything down.',
  ].join('\n');
};

/** Undefined where the kernel does not tell. */
const proportionalMegabytes = (pids: readonly number[]): number | undefined => {
  try {
    const kilobytes = pids.map((pid) => Number(/^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))?.[1]));
    return kilobytes.reduce((sum, value) => sum + value, 0) / 1024;
  } catch {
    return undefined;
  }
};
