import { expect, test } from 'vitest';
import type { StoredResource } from '#api/resource.ts';
import { rulePlace } from './rule-place.ts';

const YAML = `kind: VirtualService
metadata:
  name: reviews
spec:
  http:
  - match:
    - headers: { user-type: { exact: beta } }
    - uri: { prefix: /b }
    route:
    - destination: { host: reviews }
  - route:
    - destination: { host: reviews, subset: v1 }
`;
const stored: StoredResource = {
  kind: 'VirtualService',
  namespace: 'default',
  name: 'reviews',
  apiVersion: 'networking.istio.io/v1',
  file: 'canary.yaml',
  line: 11,
  createdAt: '',
  yaml: YAML,
  problems: [],
};
const find = (field: string, resource = 'VirtualService default/reviews') => rulePlace([stored], resource, field);

test('a match is one line, and the whole rule round it is known', () => {
  expect(find('spec.http[0].match[1]')).toMatchObject({ file: 'canary.yaml', line: 18, from: 16, to: 20, first: 11 });
});

test('a rule without a match is its own lines', () => {
  expect(find('spec.http[1]')).toMatchObject({ line: 21, from: 21, to: 22 });
});

test('a field that is gone gives the resource, a resource that is gone gives nothing', () => {
  expect(find('spec.http[7]')).toMatchObject({ from: 11, to: 22 });
  expect(find('spec.http[0]', 'VirtualService default/other')).toBeUndefined();
});
