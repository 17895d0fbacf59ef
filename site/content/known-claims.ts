/** The ids of all conformance cases, read from their files: building a page does not load the suite. */
import { glob, readFile } from 'node:fs/promises';
import { join } from 'node:path';

const CASE = /^\s*id: '([A-Z]+(?:-[A-Z0-9]+)+-\d{3})',$/gm;

/** root: the project's folder. */
export const knownClaims = async (root: string): Promise<ReadonlySet<string>> => {
  const ids = new Set<string>();
  for await (const file of glob('conformance/cases/**/*.ts', { cwd: root })) {
    const text = await readFile(join(root, file), 'utf8');
    for (const [, id] of text.matchAll(CASE)) if (id !== undefined) ids.add(id);
  }
  return ids;
};
