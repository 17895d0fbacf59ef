/**
 * Outlives its parent by a moment: when the pipe on standard input breaks, it ends exactly the pids, runs exactly the commands and removes exactly the files
 * that it was given.
 */
import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { createInterface } from 'node:readline';

const pids = new Set();
const commands = new Set();
const files = new Set();

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => {});

createInterface({ input: process.stdin })
  .on('line', (line) => {
    const [verb, value] = line.split(' ', 2);
    if (verb === 'add') pids.add(Number(value));
    if (verb === 'drop') pids.delete(Number(value));
    if (verb === 'run') commands.add(line.slice(4));
    if (verb === 'unrun') commands.delete(line.slice(6));
    if (verb === 'file') files.add(line.slice(5));
  })
  .on('close', () => {
    for (const pid of pids) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // Gone already: nothing to end.
      }
    }
    for (const command of commands) {
      const [program, ...args] = JSON.parse(command);
      spawnSync(program, args, { stdio: 'ignore' });
    }
    for (const file of files) rmSync(file, { force: true, recursive: true });
  });
