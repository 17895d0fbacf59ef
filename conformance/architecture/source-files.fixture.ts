/** What the house rules look at: every source file with its imports and functions. The formatter is enforced, so indentation is structure. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The project's root. */
export const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** Rooms of the house, that is, its top-level folders. */
export const FOLDERS = [
  'proxy',
  'controlplane',
  'observability',
  'environment',
  'sample-apps',
  'labs',
  'conformance',
  'site',
  'cli',
] as const;

/** A file, its path from the root with forward slashes. */
export interface SourceFile {
  readonly path: string;
  readonly text: string;
  readonly lines: readonly string[];
}

const SKIPPED = new Set(['node_modules', 'gen', 'wkt', 'dist', '.cache']);

/** Every file below a folder, as paths from the root. */
export const filesBelow = (folder: string): string[] =>
  readdirSync(join(ROOT, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory()) return SKIPPED.has(entry.name) ? [] : filesBelow(path);
    return [path];
  });

/** Sources in TypeScript and JavaScript, tests among them. */
export const sourceFiles: readonly SourceFile[] = FOLDERS.flatMap(filesBelow)
  .filter((path) => /\.(ts|tsx|mjs|cjs)$/.test(path))
  .map((path) => {
    const text = readFileSync(join(ROOT, path), 'utf8');
    return { path, text, lines: text.trimEnd().split('\n') };
  });

/** Sources that are part of the product: no tests, no fixtures. */
export const productFiles = sourceFiles.filter(({ path }) => !/\.(test|fixture)\.tsx?$/.test(path));

const IMPORT = /(?:^|\n)\s*(?:import|export)\s+(?:type\s+)?(?:[\w*{}\s,$]+\s+from\s+)?'([^']+)'|\bimport\(\s*'([^']+)'/g;

/** Specifiers of all imports and re-exports. */
export const importsOf = ({ text }: SourceFile): string[] => [...text.matchAll(IMPORT)].map((match) => match[1] ?? match[2] ?? '');

/** A relative specifier as a path from the root. */
export const resolved = (file: SourceFile, specifier: string): string =>
  relative(ROOT, join(ROOT, dirname(file.path), specifier)).replaceAll('\\', '/');

/** A function's first line and its number of lines. */
export interface FunctionSpan {
  readonly line: number;
  readonly length: number;
  readonly parameters: number;
}

const OPENS = /(=>|\)|\bfunction\b.*\)|\):\s*[^=;]+) \{$/;
const NOT_A_FUNCTION = /^\s*(\} )?(if|for|while|switch|else|try|catch|do|return \{|class|interface|type)\b/;

const parameterCount = (line: string): number => {
  const list = /\(([^()]*)\)(?::\s*[^=]+)? (?:=> )?\{$/.exec(line)?.[1];
  return list === undefined || list.trim() === '' ? 0 : list.split(',').filter((part) => part.includes(':')).length;
};

/** Every function with a block body. */
export const functionsOf = ({ lines }: SourceFile): FunctionSpan[] =>
  lines.flatMap((line, index) => {
    if (!OPENS.test(line) || NOT_A_FUNCTION.test(line)) return [];
    const indent = /^\s*/.exec(line)?.[0] ?? '';
    const end = lines.findIndex((later, at) => at > index && later.startsWith(`${indent}}`));
    return end === -1 ? [] : [{ line: index + 1, length: end - index + 1, parameters: parameterCount(line) }];
  });
