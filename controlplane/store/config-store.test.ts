import { expect, test } from 'vitest';
import { clockFrom } from '#system/clock.ts';
import { analyze } from '../analysis/analyze.ts';
import { ConfigStore } from './config-store.ts';

const service = (name: string): string =>
  `apiVersion: v1\nkind: Service\nmetadata: {name: ${name}}\nspec: {ports: [{port: 9080, name: http}], selector: {app: ${name}}}\n`;
const route = (name: string, subset = 'v1'): string =>
  `apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: ${name}}\nspec:\n  hosts: [reviews]\n  http:\n  - route:\n    - destination: {host: reviews, subset: ${subset}}\n`;

const newStore = (): ConfigStore => {
  let time = 0;
  return new ConfigStore(clockFrom({ nowMs: () => 0, wallTimeMs: () => time++, after: () => () => {} }), analyze);
};

const names = (store: ConfigStore): string[] => store.view().all.map(({ resource }) => resource.metadata.name);

const watched = (store: ConfigStore, files: Record<string, string | undefined>) => store.replaceFiles(new Map(Object.entries(files)));

test('files apply together or not at all', () => {
  const store = newStore();
  const result = store.apply({ 'good.yaml': service('reviews'), 'bad.yaml': 'kind: [' });
  expect(result.applied).toEqual([]);
  expect(names(store)).toEqual([]);
  expect(store.version).toBe(0);
});

test('the same document again is unchanged and makes no new version', () => {
  const store = newStore();
  store.apply({ 'a.yaml': service('reviews') });
  expect(store.apply({ 'a.yaml': service('reviews') })).toMatchObject({ applied: [{ outcome: 'unchanged' }], version: 1 });
});

test('a changed resource keeps its age', () => {
  const store = newStore();
  store.apply({ 'a.yaml': service('reviews') });
  store.apply({ 'b.yaml': route('old') });
  store.apply({ 'c.yaml': route('young') });
  store.apply({ 'b.yaml': route('old', 'v2') });
  expect(
    store
      .view()
      .of('VirtualService')
      .map(({ resource }) => resource.metadata.name),
  ).toEqual(['old', 'young']);
});

test('a dry run tells and changes nothing', () => {
  const store = newStore();
  expect(store.apply({ 'a.yaml': service('reviews') }, { dryRun: true }).applied).toMatchObject([{ outcome: 'created' }]);
  expect(names(store)).toEqual([]);
});

test('an unknown subset is accepted and warned of with its line', () => {
  const store = newStore();
  store.apply({ 's.yaml': service('reviews') });
  const { applied, problems } = store.apply({ 'r.yaml': route('r', 'v9') });
  expect(applied).toHaveLength(1);
  expect(problems).toMatchObject([{ severity: 'warning', code: 'IST0101', path: 'spec.http[0].route[0].destination.subset', line: 8 }]);
});

test('of two VirtualServices for one host the younger is named', () => {
  const store = newStore();
  store.apply({ 's.yaml': service('reviews'), 'a.yaml': route('first') });
  expect(store.apply({ 'b.yaml': route('second') }).problems.map(({ code, resource }) => `${code} ${resource}`)).toContain(
    'IST0109 VirtualService default/second',
  );
});

test('a file that no longer names a resource deletes it', () => {
  const store = newStore();
  watched(store, { 'a.yaml': `${service('reviews')}---\n${service('ratings')}` });
  watched(store, { 'a.yaml': service('ratings') });
  expect(names(store)).toEqual(['ratings']);
});

test('a file that becomes unreadable keeps its last good resources', () => {
  const store = newStore();
  watched(store, { 'a.yaml': service('reviews') });
  expect(watched(store, { 'a.yaml': 'kind: [' }).problems).not.toEqual([]);
  expect(names(store)).toEqual(['reviews']);
});

test('what is deleted and not there is told of, and does not keep the rest', () => {
  const store = newStore();
  store.apply({ 'a.yaml': service('reviews') });
  const result = store.remove([
    { kind: 'Service', namespace: 'default', name: 'reviews' },
    { kind: 'Service', namespace: 'default', name: 'nobody' },
  ]);
  expect(result.applied).toMatchObject([{ name: 'reviews', outcome: 'deleted' }]);
  expect(result.problems).toMatchObject([{ resource: 'Service default/nobody', message: 'not found' }]);
  expect(names(store)).toEqual([]);
});

test("a bad watched file's problems stay visible until it is good", () => {
  const store = newStore();
  watched(store, { 'a.yaml': 'kind: [' });
  expect(store.problems).toMatchObject([{ severity: 'error', file: 'a.yaml', line: 1 }]);
  watched(store, { 'a.yaml': service('reviews') });
  expect(store.problems).toEqual([]);
});

test('a resource that moves from one watched file to another keeps its age, and is never away', () => {
  const store = newStore();
  watched(store, { 'b.yaml': service('reviews') });
  const [before] = store.view().all;
  const { applied, version } = watched(store, { 'a.yaml': service('reviews'), 'b.yaml': undefined });
  expect(applied).toMatchObject([{ name: 'reviews', outcome: 'configured' }]);
  expect(version).toBe(2);
  expect(store.view().all).toMatchObject([{ createdAtMs: before?.createdAtMs, generation: 2 }]);
});

test('of two watched files with one resource the first has it, and the other gets it when the first lets go', () => {
  const store = newStore();
  watched(store, { 'a.yaml': service('reviews'), 'b.yaml': service('reviews') });
  expect(store.problems.map(({ file, message }) => `${file}: ${message}`)).toEqual([
    'b.yaml: the same resource stands in a.yaml:1 already',
  ]);
  watched(store, { 'a.yaml': undefined });
  expect(store.view().all.map(({ resource }) => resource.origin.file)).toEqual(['b.yaml']);
  expect(store.problems).toEqual([]);
});

test('what is applied over HTTP holds until the watched file changes', () => {
  const store = newStore();
  watched(store, { 'a.yaml': route('r', 'v1'), 'b.yaml': service('reviews') });
  store.apply({ 'editor.yaml': route('r', 'v2') });
  watched(store, { 'b.yaml': service('ratings') });
  expect(store.view().of('VirtualService')[0]?.resource.origin.file).toBe('editor.yaml');
  watched(store, { 'a.yaml': route('r', 'v3') });
  expect(store.view().of('VirtualService')[0]?.resource.origin.file).toBe('a.yaml');
});

test('a file that goes does not take what was applied over HTTP with it', () => {
  const store = newStore();
  watched(store, { 'a.yaml': route('r', 'v1') });
  store.apply({ 'editor.yaml': route('r', 'v2') });
  watched(store, { 'a.yaml': undefined });
  expect(names(store)).toEqual(['r']);
});

test('kinds of one name in two groups stand side by side', () => {
  const store = newStore();
  const gateway = (version: string): string =>
    `apiVersion: ${version}\nkind: Gateway\nmetadata: {name: g}\nspec: {servers: [{port: {number: 80, name: a, protocol: HTTP}, hosts: ["*"]}]}\n`;
  store.apply({ 'a.yaml': gateway('networking.istio.io/v1'), 'b.yaml': gateway('gateway.networking.k8s.io/v1') });
  expect(store.view().all).toHaveLength(2);
  expect(store.apply({ 'c.yaml': gateway('networking.istio.io/v1beta1') }).applied).toMatchObject([{ outcome: 'configured' }]);
  store.remove([{ kind: 'Gateway', namespace: 'default', name: 'g' }]);
  expect(store.view().all.map(({ resource }) => resource.apiVersion)).toEqual(['gateway.networking.k8s.io/v1']);
});

test('one resource twice in what is applied is an error, and nothing is applied', () => {
  const store = newStore();
  const { applied, problems } = store.apply({ 'a.yaml': service('reviews'), 'b.yaml': service('reviews') });
  expect(applied).toEqual([]);
  expect(problems).toMatchObject([{ file: 'b.yaml', path: 'metadata.name', line: 3 }]);
});

test('listeners hear of each change once, and not of what changes nothing', () => {
  const store = newStore();
  const versions: number[] = [];
  const stop = store.onChange(({ version }) => versions.push(version));
  store.apply({ 'a.yaml': service('reviews') });
  store.apply({ 'a.yaml': service('reviews') });
  stop();
  store.apply({ 'a.yaml': service('ratings') });
  expect(versions).toEqual([1]);
});
