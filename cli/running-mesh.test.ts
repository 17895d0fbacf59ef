/** Choosing a mesh and a workload by name. */
import { expect, it } from 'vitest';
import { adminUrlOf, chooseMesh, problemLine } from './running-mesh.ts';

const run = (name: string) => ({
  name,
  pid: 1,
  mode: 'process',
  dataPlane: 'dinghy',
  startedAt: '',
  controlPlane: { url: 'http://127.0.0.1:1', token: 't' },
  gateways: [{ name: 'gate', url: 'http://127.96.1.200:8080', address: '127.96.1.200' }],
  workloads: [{ name: 'reviews-v1', namespace: 'default', address: '127.96.1.1', adminUrl: 'http://127.96.1.1:15000' }],
});

it('takes the only mesh, and asks for a name when there are several', () => {
  expect(chooseMesh([run('a')], undefined).name).toBe('a');
  expect(chooseMesh([run('a'), run('b')], 'b').name).toBe('b');
  expect(() => chooseMesh([run('a'), run('b')], undefined)).toThrow('several meshes are running (a, b)');
  expect(() => chooseMesh([], undefined)).toThrow('no mesh is running');
  expect(() => chooseMesh([run('a')], 'c')).toThrow('no mesh called c');
});

it('finds proxies of workloads and gateways, and names the others when there is none', () => {
  expect(adminUrlOf(run('a'), 'reviews-v1.default')).toBe('http://127.96.1.1:15000');
  expect(adminUrlOf(run('a'), 'gate')).toBe('http://127.96.1.200:15000');
  expect(() => adminUrlOf(run('a'), 'nobody')).toThrow('there are reviews-v1, gate');
});

it('prints a problem as compilers do', () => {
  const problem = {
    severity: 'error',
    code: 'IST0101',
    resource: 'VirtualService default/r',
    path: 'spec.http[0]',
    message: 'no',
    file: 'a.yaml',
    line: 3,
    column: 7,
  } as const;
  expect(problemLine(problem)).toBe('a.yaml:3:7: error [IST0101]: VirtualService default/r spec.http[0]: no');
});
