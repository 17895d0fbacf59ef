/** `dinghy clock`: how far the mesh's time is ahead of the machine's, and putting it forward. */
import { type Command, Option } from 'commander';
import { advanceMesh, readAheadMs } from '#environment';
import { type OutputOption, outputOption, print, show } from '../output.ts';
import { adminUrlOf, type MeshOption, runningMesh } from '../running-mesh.ts';

const UNIT_MS = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
/** A year: what a proxy accepts at once. */
const MOST_MS = 365 * UNIT_MS.d;

/** Registers the verb. */
export const addClock = (program: Command): void => {
  const clock = program.command('clock').description("the mesh's own time: certificates, ejections and time limits go by it");
  clock
    .command('show', { isDefault: true })
    .description('tell how far it is ahead')
    .option('--mesh <name>', 'which mesh')
    .addOption(outputOption('json', 'yaml'))
    .action(showClock);
  clock
    .command('skip')
    .description('put control plane and proxies forward, all in one call; there is no way back but a new start')
    .argument('<time>', 'such as 30s, 5m, 12h, 2d, or 1h30m')
    .addOption(new Option('--mesh <name>', 'which mesh'))
    .action(skip);
};

/** `1h30m` as milliseconds. Throws with what is understood. */
export const readDuration = (text: string): number => {
  if (!/^(?:\d{1,6}[smhd])+$/.test(text)) throw new Error(`${text} is not a time: write 30s, 5m, 12h, 2d, or 1h30m`);
  const ms = [...text.matchAll(/(\d+)([smhd])/g)].reduce((sum, [, count, unit]) => sum + Number(count) * UNIT_MS[unit as 's'], 0);
  if (ms < 1 || ms > MOST_MS) throw new Error(`${text}: the clock is put forward by 1s at least and 365d at most`);
  return ms;
};

const UNITS = [
  ['d', UNIT_MS.d],
  ['h', UNIT_MS.h],
  ['m', UNIT_MS.m],
  ['s', UNIT_MS.s],
] as const;

/** `1d 1h`: whole seconds, two units at most. */
export const durationText = (ms: number): string => {
  const parts: string[] = [];
  let rest = Math.round(ms / 1_000) * 1_000;
  for (const [unit, size] of UNITS) {
    const count = Math.floor(rest / size);
    rest -= count * size;
    if (count > 0) parts.push(`${count}${unit}`);
  }
  return parts.slice(0, 2).join(' ') || '0s';
};

const told = (aheadMs: number): string => {
  const now = new Date(Date.now() + aheadMs).toISOString().replace(/\.\d+Z$/, 'Z');
  return aheadMs === 0 ? `The mesh's time is the machine's: ${now}` : `The mesh is ${durationText(aheadMs)} ahead of the machine: ${now}`;
};

const showClock = async (options: MeshOption & OutputOption): Promise<void> => {
  const aheadMs = await readAheadMs(runningMesh(options).controlPlane);
  await show(options, { aheadMs, now: new Date(Date.now() + aheadMs).toISOString() }, () => told(aheadMs));
};

const skip = async (text: string, options: MeshOption): Promise<void> => {
  const ms = readDuration(text);
  const run = runningMesh(options);
  const adminUrls = [...run.workloads, ...run.gateways].map(({ name }) => adminUrlOf(run, name));
  print(told(await advanceMesh({ dataPlane: run.dataPlane, controlPlane: run.controlPlane, adminUrls }, ms)));
};
