/** What a gateway passes on as it comes. */
import { expect, test } from 'vitest';
import { TcpProxy } from '#envoy';
import { GATEWAY, translated } from '../translate.fixture.ts';

const gateway = (servers: string): string => `apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: front, namespace: edge}
spec: {selector: {istio: ingressgateway}, servers: [${servers}]}
---
`;
const bound = (name: string, host: string, rules: string): string => `apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: ${name}, namespace: edge}
spec: {hosts: ["${host}"], gateways: [front], ${rules}}
---
`;
const TCP = '{port: {number: 31400, name: tcp, protocol: TCP}, hosts: ["*"]}';
const TLS = '{port: {number: 8443, name: tls, protocol: TLS}, hosts: ["*.shop.test"], tls: {mode: PASSTHROUGH}}';
const to = (host: string, weight = ''): string => `{destination: {host: ${host}, port: {number: 9000}}${weight}}`;

/** `LISTENER MATCH → CLUSTERS`. */
const ways = (yaml: string): string[] =>
  translated(yaml, GATEWAY).listeners.flatMap(({ name, filterChains }) =>
    filterChains.map(({ filterChainMatch, filters }) => {
      const config = filters[0]?.configType;
      const target =
        config?.$case === 'typedConfig' && config.value.typeUrl.endsWith('TcpProxy')
          ? TcpProxy.decode(config.value.value).clusterSpecifier
          : undefined;
      const clusters =
        target?.$case === 'weightedClusters' ? target.value.clusters.map((one) => `${one.name}*${one.weight}`) : [target?.value ?? 'http'];
      return `${name} ${filterChainMatch?.serverNames.join(' ') || '*'} → ${clusters.join(' ').replaceAll('outbound|9000||', '')}`;
    }),
  );

test('a TCP port leads where the first rule for it says, by weight', () => {
  const rules = `tcp: [{match: [{port: 1}], route: [${to('other')}]}, {match: [{port: 31400}], route: [${to('a.test', ', weight: 80')}, ${to('b.test', ', weight: 20')}]}]`;
  expect(ways(gateway(TCP) + bound('echo', '*', rules))).toEqual(['0.0.0.0_31400 * → a.test*80 b.test*20']);
});

test('TLS that a gateway does not end goes by the name that is asked for, among the hosts that it opens', () => {
  const rules = (name: string, host: string) => `tls: [{match: [{sniHosts: [${name}]}], route: [${to(host)}]}]`;
  const yaml =
    gateway(TLS) +
    bound('a', 'a.shop.test', rules('a.shop.test', 'a.test')) +
    bound('b', '*.shop.test', rules('b.shop.test', 'b.test')) +
    bound('c', 'c.other.test', rules('c.other.test', 'c.test'));
  expect(ways(yaml)).toEqual(['0.0.0.0_8443 a.shop.test → a.test', '0.0.0.0_8443 b.shop.test → b.test']);
  const [listener] = translated(yaml, GATEWAY).listeners;
  expect(listener?.listenerFilters.map(({ name }) => name)).toEqual(['envoy.filters.listener.tls_inspector']);
  expect(listener?.filterChains[0]?.metadata?.filterMetadata['dinghy.source']).toMatchObject({ fieldPath: 'spec.tls[0]' });
});

test('the same name twice is the older rule’s; a port without a rule, and one that HTTP has, is not opened', () => {
  const rules = (host: string) => `tls: [{match: [{sniHosts: [a.shop.test]}], route: [${to(host)}]}]`;
  expect(ways(gateway(TLS) + bound('a', 'a.shop.test', rules('a.test')) + bound('b', '*.shop.test', rules('b.test')))).toEqual([
    '0.0.0.0_8443 a.shop.test → a.test',
  ]);
  expect(ways(gateway(TCP))).toEqual([]);
  const http = '{port: {number: 31400, name: http, protocol: HTTP}, hosts: ["*"]}';
  expect(ways(gateway(`${http}, ${TCP}`) + bound('echo', '*', `tcp: [{route: [${to('a.test')}]}]`))).toEqual(['0.0.0.0_31400 * → http']);
});

test('TLS that somebody would have to end is not opened', () => {
  const ended = TLS.replace('mode: PASSTHROUGH', 'mode: SIMPLE, serverCertificate: /c, privateKey: /k');
  expect(ways(gateway(ended) + bound('a', 'a.shop.test', `tls: [{match: [{sniHosts: [a.shop.test]}], route: [${to('a.test')}]}]`))).toEqual(
    [],
  );
});
