/** Which policies reach which chains. */
import { expect, test } from 'vitest';
import { HttpConnectionManager } from '#envoy';
import type { ProxyNode } from '../../mesh/mesh.ts';
import { GATEWAY, SIDECAR, translated } from '../translate.fixture.ts';

const BASE = `apiVersion: v1
kind: Service
metadata: {name: reviews}
spec: {ports: [{port: 9080, name: http}, {port: 7000, name: tcp}], selector: {app: reviews}}
---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: gw, namespace: edge}
spec: {selector: {istio: ingressgateway}, servers: [{port: {number: 8080, name: http, protocol: HTTP}, hosts: ["*"]}]}
---
`;
const of = (kind: string, name: string, spec: string): string =>
  `apiVersion: security.istio.io/v1\nkind: ${kind}\nmetadata: {name: ${name.split('.')[0]}, namespace: ${name.split('.')[1] ?? 'default'}}\nspec: ${spec}\n---\n`;
const deny = (name: string, more = ''): string =>
  of('AuthorizationPolicy', name, `{action: DENY, rules: [{to: [{operation: {ports: ["1"]}}]}]${more}}`);

/** Filters of the proxy's first HTTP chain, and of its first TCP chain, by short name. */
const chainsOf = (yaml: string, proxy: ProxyNode) => {
  const listener = translated(BASE + yaml, proxy).listeners.find(
    ({ name }) => name === (proxy.type === 'router' ? '0.0.0.0_8080' : 'virtualInbound'),
  );
  const chains = (listener?.filterChains ?? []).map(({ filters }) => filters);
  const http = chains.flatMap((filters) =>
    filters.flatMap(({ name, configType }) => {
      if (!name.endsWith('http_connection_manager') || configType?.$case !== 'typedConfig') return [];
      return [
        HttpConnectionManager.decode(configType.value.value).httpFilters.map((filter) => filter.name.replace('envoy.filters.http.', '')),
      ];
    }),
  );
  const tcp = chains
    .filter((filters) => filters.at(-1)?.name.endsWith('tcp_proxy'))
    .map((filters) => filters.map(({ name }) => name.replace('envoy.filters.network.', '')));
  return { http: http[0], tcp: tcp[0] };
};

const guarded = (yaml: string, proxy: ProxyNode = SIDECAR): boolean => chainsOf(yaml, proxy).http?.[0] === 'rbac';
const PLAIN = ['grpc_stats', 'fault', 'cors', 'router'];

test('without a policy nothing stands in front', () => {
  expect(chainsOf('', SIDECAR)).toEqual({ http: PLAIN, tcp: ['tcp_proxy'] });
  expect(chainsOf('', GATEWAY).http).toEqual(PLAIN);
});

test('who else decides, whose token it is, then AUDIT, DENY, ALLOW; on TCP what can be asked there', () => {
  const all =
    of('AuthorizationPolicy', 'c', '{action: CUSTOM, provider: {name: missing}, rules: [{}]}') +
    of('AuthorizationPolicy', 'a', '{rules: [{}]}') +
    of('AuthorizationPolicy', 'u', '{action: AUDIT, rules: [{}]}') +
    deny('d') +
    of('RequestAuthentication', 'j', `{jwtRules: [{issuer: i, jwksUri: "http://keys.example/"}]}`);
  expect(chainsOf(all, SIDECAR)).toEqual({
    http: ['rbac', 'jwt_authn', 'rbac', 'rbac', 'rbac', ...PLAIN],
    tcp: ['rbac', 'rbac', 'rbac', 'rbac', 'tcp_proxy'],
  });
});

test.each([
  ['of its namespace', deny('d'), true],
  ['of its labels', deny('d', ', selector: {matchLabels: {app: reviews}}'), true],
  ['of other labels', deny('d', ', selector: {matchLabels: {app: ratings}}'), false],
  ['of another namespace', deny('d.other'), false],
  ['of the root namespace', deny('d.istio-system'), true],
  ['of the root namespace, for its labels', deny('d.istio-system', ', selector: {matchLabels: {app: reviews}}'), true],
  ['of a Gateway', deny('d', ', targetRefs: [{group: gateway.networking.k8s.io, kind: Gateway, name: gw}]'), false],
])('a policy %s', (_, yaml, holds) => {
  expect(guarded(yaml)).toBe(holds);
});

test('a gateway is guarded by its labels, and by name where it is one of a Gateway', () => {
  const named = { ...GATEWAY, labels: { ...GATEWAY.labels, 'gateway.networking.k8s.io/gateway-name': 'gw' } };
  const target = (name: string): string =>
    deny('d.edge', `, targetRefs: [{group: gateway.networking.k8s.io, kind: Gateway, name: ${name}}]`);
  expect(guarded(deny('d.edge', ', selector: {matchLabels: {istio: ingressgateway}}'), GATEWAY)).toBe(true);
  expect(guarded(target('gw'), named)).toBe(true);
  expect(guarded(target('other'), named)).toBe(false);
  expect(guarded(target('gw'), GATEWAY)).toBe(false);
});
