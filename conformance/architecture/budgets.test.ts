/** How big things may get. A person reads a room in an hour; what outgrows that is redesigned, not extended. */
import { expect, it } from 'vitest';
import { functionsOf, productFiles, sourceFiles } from './source-files.fixture.ts';

const MAX_FILE_LINES = 350;
const MAX_TEST_LINES = 500;
const MAX_FUNCTION_LINES = 60;
const MAX_PARAMETERS = 4;
const MAX_FILES_IN_FOLDER = 16;
const MAX_DEPTH = 4;

const isTest = (path: string): boolean => /\.(test|fixture)\.tsx?$/.test(path);
const folderOf = (path: string): string => path.slice(0, path.lastIndexOf('/'));

it('keeps every file within its lines', () => {
  const long = sourceFiles.filter(({ path, lines }) => lines.length > (isTest(path) ? MAX_TEST_LINES : MAX_FILE_LINES));
  expect(long.map(({ path, lines }) => `${path}: ${lines.length} lines`)).toEqual([]);
});

it('keeps every function within its lines and parameters', () => {
  const complaints = productFiles.flatMap((file) =>
    functionsOf(file).flatMap(({ line, length, parameters }) => [
      ...(length > MAX_FUNCTION_LINES ? [`${file.path}:${line} has ${length} lines`] : []),
      ...(parameters > MAX_PARAMETERS ? [`${file.path}:${line} has ${parameters} parameters`] : []),
    ]),
  );
  expect(complaints).toEqual([]);
});

it('keeps folders small and shallow', () => {
  const byFolder = Object.groupBy(productFiles, ({ path }) => folderOf(path));
  const crowded = Object.entries(byFolder).filter(([, files = []]) => files.length > MAX_FILES_IN_FOLDER);
  expect(crowded.map(([folder, files = []]) => `${folder}: ${files.length} files`)).toEqual([]);
  const deep = productFiles.filter(({ path }) => folderOf(path).split('/').length > MAX_DEPTH);
  expect(deep.map(({ path }) => path)).toEqual([]);
});
