/** No file needs, by whatever path, what needs it: each can be read, tested and taken out by itself. */
import { expect, it } from 'vitest';
import { importsOf, productFiles, resolved } from './source-files.fixture.ts';

/** What each file imports inside its folder; doors are the other test's matter. */
const imports = new Map(
  productFiles.map((file) => [
    file.path,
    importsOf(file).flatMap((specifier) => (specifier.startsWith('.') ? resolved(file, specifier) : [])),
  ]),
);

/** The way from a file back to itself; undefined when there is none. */
const circleThrough = (start: string): readonly string[] | undefined => {
  const seen = new Set<string>();
  const walk = (path: readonly string[]): readonly string[] | undefined => {
    for (const next of imports.get(path.at(-1) ?? '') ?? []) {
      if (next === start) return [...path, next];
      if (seen.has(next)) continue;
      seen.add(next);
      const found = walk([...path, next]);
      if (found) return found;
    }
    return undefined;
  };
  return walk([start]);
};

it('has no files that import each other in a circle, types included', () => {
  const circles = [...imports.keys()].flatMap((path) => circleThrough(path)?.join(' → ') ?? []);
  expect(circles).toEqual([]);
});
