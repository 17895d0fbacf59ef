/** Source of configuration: a watched folder of YAML files. A bad file keeps its last good resources; its problems stay visible until it is good. */
import { type Dirent, readdirSync, readFileSync, statSync, watch } from 'node:fs';
import { join } from 'node:path';
import type { Problem } from '#api/resource.ts';
import type { Clock } from '#system/clock.ts';
import type { Log } from '#system/log.ts';
import { formatProblem, hasErrors } from '../resources/problem.ts';
import type { ConfigStore } from './config-store.ts';

/** Editors write in several steps. */
const QUIET_MS = 50;
/** One more byte than documents may have: what is longer is refused by the parser, and need not be read whole. */
const MAX_FILE_BYTES = 1_048_577;

/** How to look again. */
export interface YamlDirectory {
  /** Reads the folder now; gives the problems of what changed. */
  rescan(): readonly Problem[];
}

interface Needs {
  readonly store: ConfigStore;
  readonly clock: Clock;
  readonly log: Log;
  readonly signal: AbortSignal;
}

/** Reads the folder once, then after each change, until the signal aborts. Throws when the folder cannot be read at first. */
export const watchYamlDirectory = (directory: string, { store, clock, log, signal }: Needs): YamlDirectory => {
  const texts = new Map<string, string>();
  const rescan = () => scan(directory, { store, log }, texts);
  readdirSync(directory);
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
  const now = readTexts(directory, log);
  if (now === undefined) return [];
  const changed = new Map<string, string | undefined>();
  for (const file of texts.keys()) if (!now.has(file)) changed.set(file, undefined);
  for (const [file, text] of now) if (texts.get(file) !== text) changed.set(file, text);
  if (changed.size === 0) return [];
  const { applied, problems, version } = store.replaceFiles(changed);
  for (const [file, text] of changed) {
    if (text === undefined) texts.delete(file);
    else texts.set(file, text);
  }
  const level = hasErrors(problems) ? 'warn' : 'info';
  log[level]('config.files-read', { files: [...changed.keys()], changes: applied.length, problems: problems.map(formatProblem), version });
  return problems;
};

/** Undefined when the folder cannot be read now: what was read before stays in force. */
const readTexts = (directory: string, log: Log): Map<string, string> | undefined => {
  try {
    const files = readdirSync(directory, { recursive: true, withFileTypes: true }).filter(isYaml);
    return new Map(
      files
        .map((file) => join(file.parentPath, file.name))
        .sort()
        .flatMap((path) => {
          const text = readText(path, log);
          return text === undefined ? [] : [[path, text] as const];
        }),
    );
  } catch (error) {
    log.warn('config.folder-unreadable', { directory, reason: error instanceof Error ? error.message : String(error) });
    return undefined;
  }
};

/** Undefined for a file that went between listing and reading. */
const readText = (path: string, log: Log): string | undefined => {
  try {
    // Too long to be read whole: the parser says so about any text of that length.
    return statSync(path).size > MAX_FILE_BYTES ? ' '.repeat(MAX_FILE_BYTES) : readFileSync(path, 'utf8');
  } catch (error) {
    log.warn('config.file-unreadable', { file: path, reason: error instanceof Error ? error.message : String(error) });
    return undefined;
  }
};

const isYaml = (file: Dirent): boolean => file.isFile() && /\.ya?ml$/.test(file.name) && !file.name.startsWith('.');
