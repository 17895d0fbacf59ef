/** Source of configuration: a watched folder of YAML files. A bad file keeps its last good resources; its problems are logged and kept. */
import { type Dirent, readdirSync, readFileSync, watch } from 'node:fs';
import { join } from 'node:path';
import type { Problem } from '#api/resource.ts';
import type { Clock } from '#system/clock.ts';
import type { Log } from '#system/log.ts';
import { formatProblem, hasErrors } from '../resources/problem.ts';
import type { ConfigStore } from './config-store.ts';

const QUIET_MS = 50;

/** What the folder said last time, and how to look again. */
export interface YamlDirectory {
  /** Reads the folder now; gives the problems of every file. */
  rescan(): readonly Problem[];
}

interface Needs {
  readonly store: ConfigStore;
  readonly clock: Clock;
  readonly log: Log;
  readonly signal: AbortSignal;
}

/** Reads the folder once, then after each change, until the signal aborts. Throws when the folder cannot be read. */
export const watchYamlDirectory = (directory: string, { store, clock, log, signal }: Needs): YamlDirectory => {
  const texts = new Map<string, string>();
  const rescan = () => scan(directory, { store, log }, texts);
  rescan();
  let cancel = () => {};
  const watcher = watch(directory, { recursive: true, persistent: false }, () => {
    cancel();
    cancel = clock.after(QUIET_MS, () => void rescan());
  });
  watcher.on('error', (error) => log.warn('config.watch-failed', { directory, reason: error.message }));
  signal.addEventListener('abort', () => {
    cancel();
    watcher.close();
  });
  return { rescan };
};

const scan = (directory: string, { store, log }: Pick<Needs, 'store' | 'log'>, texts: Map<string, string>): readonly Problem[] => {
  const now = readTexts(directory);
  for (const file of texts.keys()) {
    if (now.has(file)) continue;
    store.replaceFile(file, '');
    texts.delete(file);
    log.info('config.file-removed', { file });
  }
  const problems: Problem[] = [];
  for (const [file, text] of now) {
    if (texts.get(file) === text) continue;
    const result = store.replaceFile(file, text);
    texts.set(file, text);
    problems.push(...result.problems);
    const level = hasErrors(result.problems) ? 'warn' : 'info';
    log[level]('config.file-read', { file, changes: result.applied.length, problems: result.problems.map(formatProblem) });
  }
  return problems;
};

const readTexts = (directory: string): Map<string, string> => {
  const files = readdirSync(directory, { recursive: true, withFileTypes: true }).filter(isYaml);
  return new Map(
    files
      .map((file) => join(file.parentPath, file.name))
      .sort()
      .map((path) => [path, readFileSync(path, 'utf8')]),
  );
};

const isYaml = (file: Dirent): boolean => file.isFile() && /\.ya?ml$/.test(file.name);
