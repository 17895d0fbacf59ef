/** What `-f` names → file name as it was given, and text. Throws with one sentence. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';

const isYaml = (name: string): boolean => /\.(?:ya?ml|json)$/.test(name);

const reason = (error: unknown): string => {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return { ENOENT: 'it does not exist', EACCES: 'it may not be read', EISDIR: 'it is a folder' }[String(code)] ?? String(error);
};

/** Files, folders (not what is below them), and `-` for standard input. */
export const readYaml = (paths: readonly string[]): Readonly<Record<string, string>> => Object.fromEntries(paths.flatMap(readPath));

const readPath = (path: string): (readonly [string, string])[] => {
  if (path === '-') return [['standard-input.yaml', readFileSync(0, 'utf8')]];
  if (/^https?:/.test(path)) throw new Error(`-f ${path}: files are read from this machine only; fetch it first, or pipe it to -f -`);
  try {
    if (!statSync(path).isDirectory()) return [[path, readFileSync(path, 'utf8')]];
    const names = readdirSync(path).filter(isYaml).sort();
    if (names.length > 0) return names.map((name) => [join(path, name), readFileSync(join(path, name), 'utf8')] as const);
  } catch (error) {
    throw new Error(`-f ${path}: ${reason(error)}`, { cause: error });
  }
  throw new Error(`-f ${path}: no .yaml, .yml or .json files in that folder`);
};
