/** Resources as kubectl prints them. */
import { expect, it } from 'vitest';
import type { StoredResource } from '#api/resource.ts';
import { ageOf, resourceTable } from './resource-table.ts';

const stored = (kind: string, name: string, spec: string): StoredResource => ({
  kind,
  name,
  namespace: 'default',
  apiVersion: 'v1',
  file: 'a.yaml',
  line: 3,
  createdAt: '2026-01-01T00:00:00.000Z',
  yaml: `kind: ${kind}\nspec: ${spec}\n`,
  problems: [],
});
const NOW = { wide: false, nowMs: Date.parse('2026-01-01T00:02:05.000Z') };

it('gives one kind its own columns', () => {
  expect(resourceTable([stored('VirtualService', 'r', '{hosts: [r, s], gateways: [g]}')], NOW)).toBe(
    'NAMESPACE   NAME   GATEWAYS   HOSTS       AGE\ndefault     r      ["g"]      ["r","s"]   2m',
  );
  expect(resourceTable([stored('Service', 's', '{ports: [{port: 80}, {port: 90, protocol: UDP}]}')], NOW)).toBe(
    'NAMESPACE   NAME   TYPE        PORT(S)         AGE\ndefault     s      ClusterIP   80/TCP,90/UDP   2m',
  );
});

it('names the kinds where there are several, and when asked for more, where each was written', () => {
  const found = [stored('Service', 's', '{}'), stored('Gateway', 'g', '{}')];
  expect(resourceTable(found, { ...NOW, wide: true })).toBe(
    'NAMESPACE   KIND      NAME   AGE   FROM\ndefault     Service   s      2m    a.yaml:3\ndefault     Gateway   g      2m    a.yaml:3',
  );
  expect(resourceTable([], NOW)).toBe('No resources found.');
});

it.each([
  [0, '0s'],
  [59, '59s'],
  [60, '1m'],
  [7_200, '2h'],
  [86_400 * 9, '9d'],
])('%i seconds are %s', (seconds, age) => {
  expect(ageOf('2026-01-01T00:00:00.000Z', Date.parse('2026-01-01T00:00:00.000Z') + seconds * 1000)).toBe(age);
});
