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
  ['outboundTrafficPolicy: { mode: SOME }', 'outboundTrafficPolicy.mode: must be one of ALLOW_ANY, REGISTRY_ONLY'],
  ['enableTracin: true', 'enableTracin: unknown field "enableTracin"; did you mean "enableTracing"?'],
  ['trustDomain: Cluster.Local', 'trustDomain: "Cluster.Local" is not a trust domain'],
  ['extensionProviders: [{name: a}]', 'extensionProviders[0]: one of envoyExtAuthzHttp, envoyExtAuthzGrpc is required'],
  ['rootNamespace: 5', 'rootNamespace: must be a string'],
  ['- a', 'must be a mapping'],
])('%s is refused with its place', (yaml, message) => {
  expect(() => readMeshConfig(yaml)).toThrow(message);
});
