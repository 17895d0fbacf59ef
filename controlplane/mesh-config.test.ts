import { expect, test } from 'vitest';
import { readMeshConfig } from './mesh-config.ts';

test('settings are read in the shape of MeshConfig', () => {
  expect(readMeshConfig('rootNamespace: mesh\noutboundTrafficPolicy: { mode: REGISTRY_ONLY }\n')).toEqual({
    rootNamespace: 'mesh',
    outboundTrafficPolicy: 'REGISTRY_ONLY',
  });
  expect(readMeshConfig('')).toEqual({});
});

test.each([
  ['enableTracing: true', 'enableTracing: not supported by this mesh'],
  ['outboundTrafficPolicy: { mode: SOME }', 'outboundTrafficPolicy.mode: one of ALLOW_ANY, REGISTRY_ONLY is expected'],
  ['rootNamespace: 5', 'rootNamespace: a text is expected'],
  ['- a', 'a mapping is expected'],
])('%s is refused with its place', (yaml, message) => {
  expect(() => readMeshConfig(yaml)).toThrow(message);
});
