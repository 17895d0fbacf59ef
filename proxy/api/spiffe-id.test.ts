import { expect, test } from 'vitest';
import { formatSpiffeId, parseSpiffeId } from './spiffe-id.ts';

const ID = 'spiffe://cluster.local/ns/default/sa/bookinfo-reviews';

test('a workload ID is read and written back', () => {
  const id = parseSpiffeId(ID);
  expect(id).toEqual({ trustDomain: 'cluster.local', namespace: 'default', serviceAccount: 'bookinfo-reviews' });
  expect(id && formatSpiffeId(id)).toBe(ID);
});

test.each([
  'spiffe://Cluster.local/ns/a/sa/b',
  'SPIFFE://cluster.local/ns/a/sa/b',
  'spiffe://cluster.local/ns/a%2f/sa/b',
  'spiffe://cluster.local/ns/../sa/b',
  'spiffe://cluster.local/ns/a/sa/b?x',
  'spiffe://cluster.local/ns/a/sa/b#x',
  'spiffe://cluster.local/ns/a/sa/b/',
  'spiffe://cluster.local/ns/a/sa/b/c',
  'spiffe://cluster.local/ns//sa/b',
  'spiffe://cluster.local',
  'spiffe:///ns/a/sa/b',
  'spiffe://cluster.local:80/ns/a/sa/b',
  'spiffe://u@cluster.local/ns/a/sa/b',
  'spiffe://cluster.local/ns/a/sa/b\0.evil',
  ' spiffe://cluster.local/ns/a/sa/b',
  `spiffe://cluster.local/ns/a/sa/${'b'.repeat(3000)}`,
])('%s is no workload ID', (uri) => {
  expect(parseSpiffeId(uri)).toBeUndefined();
});
