import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { clockFrom, realClock } from '#system/clock.ts';
import type { Log } from '#system/log.ts';
import { ConfigStore, type StoreView } from './config-store.ts';
import { watchYamlDirectory } from './yaml-directory.ts';

const service = (name: string): string =>
  `apiVersion: v1\nkind: Service\nmetadata: {name: ${name}}\nspec: {ports: [{port: 80, name: http}]}\n`;
const silent = { error() {}, warn() {}, info() {}, debug() {} } as unknown as Log;

let folder = '';
let stop = new AbortController();

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'config-'));
  stop = new AbortController();
});

afterEach(async () => {
  stop.abort();
  await rm(folder, { recursive: true, force: true });
});

/** A store fed by the folder; the clock never fires, so only rescan() looks again. */
const setUp = () => {
  const clock = clockFrom({ nowMs: () => 0, wallTimeMs: () => 0, after: () => () => {} });
  const store = new ConfigStore(clock);
  const directory = watchYamlDirectory(folder, { store, clock, log: silent, signal: stop.signal });
  const names = () => store.view().all.map(({ resource }) => resource.metadata.name);
  return { store, names, rescan: directory.rescan };
};

const write = (name: string, text: string): Promise<void> => writeFile(join(folder, name), text);

test('files in the folder and below it are in force at once, other files are not read', async () => {
  await mkdir(join(folder, 'below'));
  await write('a.yaml', service('a'));
  await write('below/b.yml', service('b'));
  await write('notes.txt', 'kind: [');
  await write('.hidden.yaml', 'kind: [');
  const { names, store } = setUp();
  expect(names()).toEqual(['a', 'b']);
  expect(store.problems).toEqual([]);
});

test('added, changed, renamed and removed files are followed', async () => {
  const { names, rescan } = setUp();
  await write('a.yaml', service('a'));
  rescan();
  expect(names()).toEqual(['a']);
  await write('a.yaml', service('b'));
  rescan();
  expect(names()).toEqual(['b']);
  await rename(join(folder, 'a.yaml'), join(folder, 'z.yaml'));
  rescan();
  expect(names()).toEqual(['b']);
  await rm(join(folder, 'z.yaml'));
  rescan();
  expect(names()).toEqual([]);
});

test('a file that becomes bad keeps its last good state, and the others are followed all the same', async () => {
  await write('a.yaml', service('a'));
  const { store, names, rescan } = setUp();
  await write('a.yaml', 'kind: [');
  await write('b.yaml', service('b'));
  expect(rescan().map(({ file }) => file)).toEqual([join(folder, 'a.yaml')]);
  expect(names()).toEqual(['a', 'b']);
  expect(store.problems).toMatchObject([{ severity: 'error', file: join(folder, 'a.yaml') }]);
});

test('a scan that finds nothing new makes no version', async () => {
  await write('a.yaml', service('a'));
  const { store, rescan } = setUp();
  rescan();
  expect(store.version).toBe(1);
});

test('a folder that goes away leaves in force what it said', async () => {
  await write('a.yaml', service('a'));
  const { names, rescan } = setUp();
  await rm(folder, { recursive: true });
  expect(rescan()).toEqual([]);
  expect(names()).toEqual(['a']);
});

test('a folder that is not there is refused at the start', () => {
  const clock = realClock();
  expect(() =>
    watchYamlDirectory(join(folder, 'none'), { store: new ConfigStore(clock), clock, log: silent, signal: stop.signal }),
  ).toThrow('ENOENT');
});

test('a change is noticed without being asked', async () => {
  const clock = realClock();
  const store = new ConfigStore(clock);
  const changed = new Promise<StoreView>((resolve) => store.onChange(resolve));
  watchYamlDirectory(folder, { store, clock, log: silent, signal: stop.signal });
  await write('a.yaml', service('a'));
  expect((await changed).all).toHaveLength(1);
});
