/** Quotes of living source: the lines between `// #region name` and `// #endregion` of a file, so that a lab shows the code that really runs. */
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

/** reference: `proxy/filters/fault.ts#delay`. Rejects when file or region does not exist: a lab that quotes what is gone must not build. */
export const readQuote = async (root: string, reference: string): Promise<Quote> => {
  const [path = '', region = ''] = reference.split('#');
  const file = await realpath(join(root, path));
  if (!file.startsWith((await realpath(root)) + sep)) throw new Error(`${reference} leaves the project`);
  const lines = (await readFile(file, 'utf8')).split('\n');
  const start = lines.findIndex((line) => line.trim() === `// #region ${region}`);
  const length = lines.slice(start + 1).findIndex((line) => line.trim().startsWith('// #endregion'));
  if (start < 0 || length < 1) throw new Error(`${path} has no region ${region}`);
  return { path, line: start + 2, code: dedent(lines.slice(start + 1, start + 1 + length)) };
};
