/** What is written about the house must be true of it. */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, it } from 'vitest';
import { cases } from '../conformance.ts';
import { MUTANTS } from '../mutants/mutants.ts';
import { CASE_IDS, RETIRED } from '../registry.ts';
import { FOLDERS, filesBelow, productFiles, ROOT } from './source-files.fixture.ts';

const documents = ['README.md', 'ARCHITECTURE.md', 'CONTRIBUTING.md', ...FOLDERS.map((folder) => `${folder}/README.md`)];
const present = documents.filter((path) => existsSync(join(ROOT, path)));
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8');

const EXPORT = /^export (?:async )?(?:const|function\*?|async function\*?|class|interface|type|abstract class) (\w+)/;

it('has a README in every top-level folder, and the documents that the README names', () => {
  expect(documents.filter((path) => !present.includes(path))).toEqual([]);
});

it('links only to files that exist', () => {
  const dead = present.flatMap((path) =>
    [...read(path).matchAll(/\]\((?!https?:|#|mailto:)([^)#]+)/g)]
      .map(([, target = '']) => target)
      .filter((target) => !existsSync(join(ROOT, dirname(path), target)))
      .map((target) => `${path} links to ${target}`),
  );
  expect(dead).toEqual([]);
});

it('has a sentence above every export of the planes and the suite', () => {
  const bare = productFiles
    .filter(({ path }) => path.endsWith('.ts') && !path.startsWith('site/app/'))
    .flatMap(({ path, lines }) =>
      lines.flatMap((line, index) => {
        const name = EXPORT.exec(line)?.[1];
        return name !== undefined && !/\*\/\s*$/.test(lines[index - 1] ?? '') ? [`${path}:${index + 1} ${name}`] : [];
      }),
    );
  expect(bare).toEqual([]);
});

it('says at the top of every file what it is', () => {
  const bare = productFiles.filter(({ text }) => !/^(#!.*\n)?(\/\*\*|\/\/)/.test(text));
  expect(bare.map(({ path }) => path)).toEqual([]);
});

it('has one case for every ID of the registry, and no retired ID in use', () => {
  expect(cases.map(({ id }) => id).toSorted()).toEqual([...CASE_IDS].toSorted());
  expect(CASE_IDS.filter((id) => RETIRED.includes(id))).toEqual([]);
});

it('backs every claim of a lab with a case, and every case names labs that exist', () => {
  const claims = filesBelow('labs')
    .filter((path) => path.endsWith('/lab.ts'))
    .flatMap((path) => [...read(path).matchAll(/'([A-Z0-9]+-[A-Z0-9]+-\d{3})'/g)].map(([, id = '']) => `${path} ${id}`));
  expect(claims.filter((claim) => !CASE_IDS.some((id) => claim.endsWith(` ${id}`)))).toEqual([]);
  const folders = cases.flatMap(({ id, labs }) => labs.map((lab) => ({ id, folder: lab.split('#')[0] ?? '' })));
  expect(folders.filter(({ folder }) => !existsSync(join(ROOT, 'labs', folder)))).toEqual([]);
});

it('has a mutant for every name in killedBy, and a case for every mutant', () => {
  const named = new Set(cases.flatMap(({ killedBy }) => killedBy));
  expect([...named].toSorted()).toEqual(MUTANTS.map(({ id }) => id).toSorted());
});
