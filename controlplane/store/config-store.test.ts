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
  store.replaceFile('a.yaml', `${service('reviews')}---\n${service('ratings')}`);
  store.replaceFile('a.yaml', service('ratings'));
  expect(names(store)).toEqual(['ratings']);
});

test('a file that becomes unreadable keeps its last good resources', () => {
  const store = newStore();
  store.replaceFile('a.yaml', service('reviews'));
  expect(store.replaceFile('a.yaml', 'kind: [').problems).not.toEqual([]);
  expect(names(store)).toEqual(['reviews']);
});

test('deleting what does not exist deletes nothing', () => {
  const store = newStore();
  store.apply({ 'a.yaml': service('reviews') });
  const result = store.remove([
    { kind: 'Service', namespace: 'default', name: 'reviews' },
    { kind: 'Service', namespace: 'default', name: 'nobody' },
  ]);
  expect(result.problems).toMatchObject([{ message: 'not found' }]);
  expect(names(store)).toEqual(['reviews']);
});
