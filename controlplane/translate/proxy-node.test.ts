import { expect, test } from 'vitest';
import { Node } from '#envoy';
import { readProxyNode } from './proxy-node.ts';

const ID = 'sidecar~127.96.1.2~reviews-v1.default~default.svc.cluster.local';
const read = (id: string, metadata = {}) => readProxyNode(Node.fromPartial({ id, metadata }));

test('a node is read from its id and its metadata', () => {
  const metadata = { LABELS: { app: 'reviews' }, SERVICE_ACCOUNT: 'reviews', APP_PORTS: '{"9080":41000}' };
  expect(read(ID, metadata)).toEqual({
    id: ID,
    type: 'sidecar',
    ip: '127.96.1.2',
    workload: 'reviews-v1',
    namespace: 'default',
    labels: { app: 'reviews' },
    serviceAccount: 'reviews',
    appPorts: { 9080: 41_000 },
  });
});

test('a sidecar says when the packet filter brings its connections', () => {
  expect(read(ID, { INTERCEPTION_MODE: 'REDIRECT' })?.interception).toBe('REDIRECT');
  expect(read(ID, { INTERCEPTION_MODE: 'NONE' })?.interception).toBeUndefined();
});

test('metadata of another shape counts as absent', () => {
  expect(read(ID, { LABELS: ['a'], SERVICE_ACCOUNT: 5, APP_PORTS: '[' })).toMatchObject({
    labels: {},
    serviceAccount: 'default',
    appPorts: {},
  });
});

test.each(['{"9080":-1}', '{"9080":99999999999}', '{"9080":1.5}', '{"9080":"41000"}', '{"x":41000}', '{"70000":41000}'])(
  'ports that cannot be ports are left out: %s',
  (ports) => {
    expect(read(ID, { APP_PORTS: ports })?.appPorts).toEqual({});
  },
);

test.each([
  '',
  'nobody',
  'sidecar~~a.b~c',
  'sidecar~not an ip~a.b~c',
  'sidecar~300.1.1.1~a.b~c',
  'ztunnel~1.2.3.4~a.b~c',
  `sidecar~1.2.3.4~${'a'.repeat(1100)}.b~c`,
])('who does not say where it is, is nobody: %.40s', (id) => {
  expect(read(id)).toBeUndefined();
});

test('a proxy on an IPv6 address is somebody', () => {
  expect(read('sidecar~fd00::1~reviews-v1.default~x')?.ip).toBe('fd00::1');
});

test('where a proxy runs is told by its labels, or else by its node; its weight by its metadata', () => {
  const node = (metadata: object) => readProxyNode(Node.fromPartial({ id: ID, metadata, locality: { region: 'r', zone: 'z' } }));
  expect(node({})).toMatchObject({ locality: 'r/z' });
  expect(node({ LABELS: { 'istio-locality': 'a.b.c' } })).toMatchObject({ locality: 'a/b/c' });
  expect(node({ LABELS: { 'istio-locality': 'a.b.c', 'topology.istio.io/locality': 'd/e' } })).toMatchObject({ locality: 'd/e' });
  expect(read(ID)).not.toHaveProperty('locality');
  expect([5, 0, -1, 1.5, 1e9, '5'].map((WEIGHT) => node({ WEIGHT })?.weight)).toEqual([
    5,
    undefined,
    undefined,
    undefined,
    undefined,
    undefined,
  ]);
});
