/** Where calls go: endpoints, addresses, and the rule that a cluster came from. */
import { expect, test } from 'vitest';
import { HttpConnectionManager } from '#envoy';
import { endpointsIn, GATEWAY, meshFrom, translated, virtualHosts } from './translate.fixture.ts';

const CLUSTER = 'outbound|9080||reviews.default.svc.cluster.local';
const REVIEWS = `apiVersion: v1
kind: Service
metadata: {name: reviews}
spec: {ports: [{port: 9080, name: http}], selector: {app: reviews}}
---
`;
const entry = (fields: string, hosts = '[ext.test]', ports = '{number: 80, name: http, protocol: HTTP}'): string => `
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: ext}
spec: {hosts: ${hosts}, ports: [${ports}], ${fields}}
---
`;
const workloadEntry = (fields: string): string => `${REVIEWS}apiVersion: networking.istio.io/v1
kind: WorkloadEntry
metadata: {name: extra}
spec: {labels: {app: reviews}, ${fields}}
`;

test('a WorkloadEntry is an endpoint with its own port and weight', () => {
  const more = workloadEntry('address: 10.0.0.7, weight: 3, ports: {http: 8080}');
  expect(endpointsIn(translated(more), CLUSTER)).toEqual(['10.0.0.7:8080*3', '127.96.1.1:9080*1']);
});

test('a WorkloadEntry that only a resolver could find is left out where nobody resolves', () => {
  expect(endpointsIn(translated(workloadEntry('address: host.test')), CLUSTER)).toEqual(['127.96.1.1:9080*1']);
});

test('a name that is resolved, and only such a name, has a virtual address', () => {
  const vipOf = (yaml: string) => meshFrom(yaml).services[0]?.vip;
  expect(vipOf(entry('resolution: DNS'))).toMatch(/^240\.240\./);
  expect(vipOf(entry('resolution: NONE'))).toBeUndefined();
  expect(vipOf(entry('resolution: NONE', '["*.ext.test"]'))).toBeUndefined();
  expect(vipOf(entry('resolution: NONE, addresses: [10.1.1.1]'))).toBe('10.1.1.1');
});

test('a virtual address stays what it is when other services come', () => {
  const before = meshFrom(entry('resolution: DNS')).services[0]?.vip;
  const after = meshFrom(REVIEWS + entry('resolution: DNS')).services.find(({ hostname }) => hostname === 'ext.test')?.vip;
  expect(after).toBe(before);
});

test('opaque calls to a host without an address are taken on every address', () => {
  const listeners = translated(entry('resolution: NONE', '[ext.test]', '{number: 7000, name: tcp, protocol: TCP}')).listeners;
  expect(listeners.map(({ name }) => name)).toEqual(['virtualOutbound', '0.0.0.0_7000']);
});

const rule = (fields: string): string => `${REVIEWS}apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: reviews}
spec: {host: reviews, ${fields}}
`;

test('a cluster says which field of which rule made it; without a rule it says nothing', () => {
  const { clusters } = translated(rule('subsets: [{name: v0, labels: {version: v0}}, {name: v1, labels: {version: v1}}]'));
  const sourceOf = (name: string) => clusters.find((cluster) => cluster.name === name)?.metadata?.filterMetadata['dinghy.source'];
  expect(sourceOf('outbound|9080|v1|reviews.default.svc.cluster.local')).toEqual({
    resource: 'DestinationRule default/reviews',
    fieldPath: 'spec.subsets[1]',
  });
  expect(sourceOf(CLUSTER)).toEqual({ resource: 'DestinationRule default/reviews', fieldPath: 'spec' });
  expect(translated(REVIEWS).clusters.find(({ name }) => name === CLUSTER)?.metadata).toBeUndefined();
});

test('nobody is told endpoints of a cluster that goes where its client dials', () => {
  expect(endpointsIn(translated(rule('trafficPolicy: {loadBalancer: {simple: PASSTHROUGH}}')), CLUSTER)).toBeUndefined();
});

const virtualService = (host: string, more = ''): string => `
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: vs}
spec: {hosts: [${host}], ${more}http: [{route: [{destination: {host: reviews}}]}]}
---
`;

test('a VirtualService for a host that is no service is known on port 80', () => {
  const hosts = virtualHosts(translated(REVIEWS + entry('resolution: DNS') + virtualService('nowhere.test')), '80');
  expect(hosts.map(({ name, domains }) => [name, domains])).toEqual([
    ['ext.test:80', ['ext.test', 'ext.test.', expect.stringMatching(/^240/)]],
    ['nowhere.test:80', ['nowhere.test']],
    ['allow_any', ['*']],
  ]);
  expect(hosts[1]?.clusters).toEqual([CLUSTER]);
});

const gateway = `apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: gw}
spec: {selector: {istio: ingressgateway}, servers: [{port: {number: 8080, name: http, protocol: HTTP}, hosts: ["*"]}]}
---
`;

test('a gateway of another namespace does not see a VirtualService that is kept private', () => {
  const at = (more: string) =>
    virtualHosts(translated(gateway + REVIEWS + virtualService('shop.test', `gateways: [gw], ${more}`), GATEWAY), 'http.8080');
  expect(at('').map(({ domains }) => domains)).toEqual([['shop.test']]);
  expect(at('exportTo: ["."], ').map(({ name }) => name)).toEqual(['blackhole:8080']);
});

const shopGateway = (tls = ''): string => `apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: front, namespace: edge}
spec: {selector: {istio: ingressgateway}, servers: [{port: {number: 8080, name: http, protocol: HTTP}, hosts: [shop.test]${tls}}]}
---
`;
const bound = (name: string, match: string): string => `apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: ${name}, namespace: edge}
spec: {hosts: [shop.test], gateways: [front], http: [{${match}route: [{destination: {host: ${name}}}]}]}
---
`;

test('of VirtualServices that a gateway joins for one host, what takes everything comes last', () => {
  const yaml = shopGateway() + bound('older', '') + bound('younger', 'match: [{uri: {prefix: /a}}], ');
  expect(virtualHosts(translated(yaml, GATEWAY), 'http.8080')[0]?.clusters).toEqual([
    'outbound|8080||younger.edge.svc.cluster.local',
    'outbound|8080||older.edge.svc.cluster.local',
  ]);
});

test('a gateway sends plain requests to https where its server says so, also for hosts that nobody routes yet', () => {
  const requirements = (yaml: string) =>
    translated(yaml, GATEWAY).routes[0]?.virtualHosts.map(({ name, requireTls }) => [name, requireTls]);
  expect(requirements(shopGateway(', tls: {httpsRedirect: true}'))).toEqual([['shop.test:8080', 2]]);
  expect(requirements(shopGateway(', tls: {httpsRedirect: true}') + bound('a', ''))).toEqual([['shop.test:8080', 2]]);
  expect(requirements(shopGateway() + bound('a', ''))).toEqual([['shop.test:8080', 0]]);
});

test('a call that never reached the program is tried twice more', () => {
  const inbound = translated(REVIEWS).listeners.find(({ name }) => name === 'virtualInbound');
  const config = inbound?.filterChains[0]?.filters[0]?.configType;
  if (config?.$case !== 'typedConfig') throw new Error('no filter');
  const { routeSpecifier } = HttpConnectionManager.decode(config.value.value);
  const action = routeSpecifier?.$case === 'routeConfig' ? routeSpecifier.value.virtualHosts[0]?.routes[0]?.action : undefined;
  expect(action).toMatchObject({ value: { retryPolicy: { retryOn: 'reset-before-request', numRetries: 2 } } });
});
