/** Quotes of living source: the lines between `// #region name` and `// #endregion` of a file, or one exported declaration, so that a lab shows the code that runs. */
import { readFile, realpath } from 'node:fs/promises';
import { join, sep } from 'node:path';

/** A piece of a source file. */
export interface Quote {
  readonly path: string;
  /** 1-based line of the first quoted line. */
  readonly line: number;
  readonly code: string;
}

const dedent = (lines: readonly string[]): string => {
  const indents = lines.filter((line) => line.trim() !== '').map((line) => line.length - line.trimStart().length);
  const least = Math.min(...indents);
  return lines.map((line) => line.slice(least)).join('\n');
};

const regionOf = (lines: readonly string[], name: string): readonly [number, number] | undefined => {
  const start = lines.findIndex((line) => line.trim() === `// #region ${name}`);
  const length = lines.slice(start + 1).findIndex((line) => line.trim().startsWith('// #endregion'));
  return start < 0 || length < 1 ? undefined : [start + 1, start + 1 + length];
};

/** An exported declaration: from its line to the first line that closes it at the margin. */
const exportOf = (lines: readonly string[], name: string): readonly [number, number] | undefined => {
  const start = lines.findIndex((line) => new RegExp(`^export (?:async )?(?:const|function|class) ${name}\\b`).test(line));
  if (start < 0) return undefined;
  const length = lines
    .slice(start)
    .findIndex((line, index) => (index > 0 && /^[\])}]/.test(line)) || line.trim() === '' || (/;$/.test(line) && index === 0));
  const end = length < 0 ? lines.length : start + length;
  return [start, lines[end]?.trim() === '' ? end : end + 1];
};

/** One conformance case: from `defineCase({` to its end. */
const caseOf = (lines: readonly string[], id: string): readonly [number, number] | undefined => {
  const start = lines.findIndex((line, index) => line.trim() === 'defineCase({' && lines[index + 1]?.includes(`'${id}'`));
  const length = lines.slice(start).findIndex((line) => /^ *}\),?$/.test(line));
  return start < 0 || length < 0 ? undefined : [start, start + length + 1];
};

/**
 * reference: `proxy/filters/fault.ts#delay`, a region, an exported name or the id of a conformance case.
 * Rejects when file or place does not exist: a lab that quotes what is gone must not build.
 */
export const readQuote = async (root: string, reference: string): Promise<Quote> => {
  const [path = '', name = ''] = reference.split('#');
  const file = await realpath(join(root, path));
  if (!file.startsWith((await realpath(root)) + sep)) throw new Error(`${reference} leaves the project`);
  const lines = (await readFile(file, 'utf8')).split('\n');
  const place = /^\w[\w-]*$/.test(name) ? (regionOf(lines, name) ?? exportOf(lines, name) ?? caseOf(lines, name)) : undefined;
  if (place === undefined) throw new Error(`${path} has no region, export or case called ${name}`);
  return { path, line: place[0] + 1, code: dedent(lines.slice(...place)) };
};
