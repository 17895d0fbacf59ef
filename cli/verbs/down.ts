/** `dinghy down`: ends a mesh that another terminal runs. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from 'commander';
import { readRunFiles } from '#environment';
import { print } from '../output.ts';
import { type MeshOption, runningMesh } from '../running-mesh.ts';

const PATIENCE_MS = 15_000;
const LOOK_AGAIN_MS = 50;

/** Registers the verb. */
export const addDown = (program: Command): void => {
  program.command('down').description('end a running mesh').option('--mesh <name>', 'which one').action(down);
};

const down = async (options: MeshOption): Promise<void> => {
  const { name, pid } = runningMesh(options);
  process.kill(pid, 'SIGTERM');
  const deadline = performance.now() + PATIENCE_MS;
  while (readRunFiles().some((run) => run.name === name)) {
    if (performance.now() > deadline) throw new Error(`mesh ${name} (process ${pid}) has not ended after ${PATIENCE_MS / 1000} s`);
    await sleep(LOOK_AGAIN_MS);
  }
  print(`mesh ${name} is down`);
};
