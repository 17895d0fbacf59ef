/** Programs are started again when they crash, and never outlive whoever started them. */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, expect, it } from 'vitest';
import { type ChildSpec, Supervisor } from './supervisor.ts';

const directory = mkdtempSync(join(tmpdir(), 'supervisor-'));
const supervisors: Supervisor[] = [];
afterEach(async () => {
  for (const supervisor of supervisors.splice(0)) await supervisor.stop();
  rmSync(directory, { recursive: true, force: true });
});

const PROGRAM = 'console.log("pid " + process.pid); setInterval(() => {}, 1000)';

/** Lines of a program's output, one after another. */
const started = (spec: Partial<ChildSpec> = {}) => {
  const supervisor = new Supervisor(directory);
  supervisors.push(supervisor);
  const lines: string[] = [];
  let wake = (): void => {};
  const onLine = (line: string): boolean => {
    lines.push(line);
    wake();
    return true;
  };
  const child = supervisor.start({ name: 'p', command: process.execPath, args: ['-e', PROGRAM], restart: true, onLine, ...spec });
  const next = async (): Promise<string> => {
    while (lines.length === 0) await new Promise<void>((resolve) => (wake = resolve));
    return lines.shift() ?? '';
  };
  return { supervisor, child, next };
};

const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

it('starts a program again that was killed', async () => {
  const { next, child } = started();
  const first = await next();
  process.kill(Number(first.slice(4)), 'SIGKILL');
  const second = await next();
  expect(second).not.toBe(first);
  expect(second).toBe(`pid ${child.pid()}`);
});

it('ends everything once, and stopping again does nothing', async () => {
  const { next, supervisor, child } = started();
  const pid = Number((await next()).slice(4));
  await supervisor.stop();
  await supervisor.stop();
  expect(isAlive(pid)).toBe(false);
  expect(child.ended()).toBe(true);
});

it('keeps the last words of a program that cannot start', async () => {
  const { child } = started({ args: ['-e', 'console.error("no such flag"); process.exit(3)'], restart: false });
  await expect.poll(() => child.lastLines(), { interval: 5 }).toEqual(['no such flag', 'ended with exit code 3']);
});

it('leaves nothing behind when the supervising process is killed', async () => {
  const script = `import { Supervisor } from ${JSON.stringify(new URL('./supervisor.ts', import.meta.url).href)};
    new Supervisor(${JSON.stringify(directory)}).start({ name: 'p', command: process.execPath, args: ['-e', ${JSON.stringify(PROGRAM)}], restart: true, onLine: (line) => { console.log(line); return true; } });`;
  const parent = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  const line = await new Promise<string>((resolve) => createInterface({ input: parent.stdout }).once('line', resolve));
  const pid = Number(line.slice(4));
  expect(isAlive(pid)).toBe(true);
  parent.kill('SIGKILL');
  await expect.poll(() => isRunning(pid), { interval: 5, timeout: 4000 }).toBe(false);
});

/** A killed process whom nobody has buried yet still has a pid. */
const isRunning = (pid: number): boolean => {
  if (!isAlive(pid)) return false;
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
};

it('does what must be done before each start, and starts nothing while that fails', async () => {
  const seen: string[] = [];
  const prepare = async (): Promise<void> => {
    seen.push('prepared');
    if (seen.length === 1) throw new Error('not yet');
  };
  const { next } = started({ prepare });
  const first = await next();
  expect(seen).toHaveLength(2);
  process.kill(Number(first.slice(4)), 'SIGKILL');
  await next();
  expect(seen).toHaveLength(3);
});
