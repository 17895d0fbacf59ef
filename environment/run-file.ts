/** `.cache/run/<name>.json`: how `down`, `send` and the other verbs find a mesh that another process runs. Readable by its owner only. */
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** What is told of a running mesh. */
export interface RunFile {
  readonly name: string;
  /** Process that supervises it. */
  readonly pid: number;
  readonly mode: string;
  readonly dataPlane: string;
  readonly startedAt: string;
  readonly controlPlane: { readonly url: string; readonly token: string };
  readonly site?: string;
  /** Where its records are read when it runs without its site. */
  readonly records?: string;
  readonly gateways: readonly { readonly name: string; readonly url: string; readonly address: string }[];
  readonly workloads: readonly {
    readonly name: string;
    readonly namespace: string;
    readonly address: string;
    readonly adminUrl: string;
    readonly pid?: number;
  }[];
}

/** Folder of all run files and logs. */
export const RUN_DIRECTORY = fileURLToPath(new URL('../.cache/run', import.meta.url));

const fileOf = (name: string): string => join(RUN_DIRECTORY, `${name}.json`);

/** Replaces what was told before, whole: nobody reads half of it. */
export const writeRunFile = (run: RunFile): void => {
  mkdirSync(RUN_DIRECTORY, { recursive: true, mode: 0o700 });
  const fresh = `${fileOf(run.name)}.${process.pid}`;
  writeFileSync(fresh, `${JSON.stringify(run, null, 2)}\n`, { mode: 0o600 });
  renameSync(fresh, fileOf(run.name));
};

/** Forgets a mesh that ended. */
export const removeRunFile = (name: string): void => rmSync(fileOf(name), { force: true });

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

/** Undefined for other files, and for one that went since the folder was listed. */
const readRun = (file: string): RunFile | undefined => {
  try {
    const run = JSON.parse(readFileSync(join(RUN_DIRECTORY, file), 'utf8')) as Partial<RunFile>;
    return typeof run.pid === 'number' && `${run.name}.json` === file ? (run as RunFile) : undefined;
  } catch {
    return undefined;
  }
};

/** Meshes whose supervisor lives; files that others left behind are removed. */
export const readRunFiles = (): RunFile[] => {
  let names: string[] = [];
  try {
    names = readdirSync(RUN_DIRECTORY).filter((name) => name.endsWith('.json'));
  } catch {
    return [];
  }
  const runs = names.flatMap((name) => readRun(name) ?? []);
  for (const run of runs) if (!isAlive(run.pid)) removeRunFile(run.name);
  return runs.filter(({ pid }) => isAlive(pid));
};
