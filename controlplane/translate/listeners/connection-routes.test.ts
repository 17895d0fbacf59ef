/** Connections that carry no HTTP: which chain takes them, and where it leads, as istiod has it. */
import { expect, test } from 'vitest';
import { type FilterChain, type Listener, TcpProxy } from '#envoy';
import { translated } from '../translate.fixture.ts';

const entry = (host: string, port: string, resolution = 'STATIC, addresses: [10.96.0.50]'): string => `---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: ${host.replace(/\W/g, '')}}
spec: {hosts: ["${host}"], resolution: ${resolution}, ports: [${port}]}
`;
const TCP = '{number: 7000, name: tcp, protocol: TCP}';
const TLS = '{number: 7003, name: tls, protocol: TLS}';
const DB = entry('db.test', TCP);
const SECURE = entry('secure.test', TLS);
const service = (host: string, rules: string, more = ''): string => `---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: vs}
spec: {hosts: ["${host}"], ${more}${rules}}
`;
const rule = (fields: string): string => `---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: dr}
spec: {host: db.test, ${fields}}
`;
const to = (host: string, weight = ''): string => `{destination: {host: ${host}, port: {number: 7000}}${weight}}`;

const listenerAt = (yaml: string, name = '10.96.0.50_7000'): Listener => {
  const listener = translated(yaml).listeners.find((known) => known.name === name);
  if (!listener) throw new Error(`no listener ${name}`);
  return listener;
};
const proxyOf = ({ filters }: FilterChain): TcpProxy => {
  const config = filters[0]?.configType;
  if (config?.$case !== 'typedConfig') throw new Error('no filter');
  return TcpProxy.decode(config.value.value);
};
/** `MATCH → CLUSTER[*WEIGHT]…` of each chain, the default last. */
const ways = ({ filterChains, defaultFilterChain }: Listener): string[] =>
  [...filterChains, ...(defaultFilterChain ? [defaultFilterChain] : [])].map((chain) => {
    const { serverNames = [], prefixRanges = [] } = chain.filterChainMatch ?? {};
    const { clusterSpecifier: target } = proxyOf(chain);
    const clusters =
      target?.$case === 'weightedClusters' ? target.value.clusters.map(({ name, weight }) => `${name}*${weight}`) : [String(target?.value)];
    const match = [...serverNames, ...prefixRanges.map(({ addressPrefix, prefixLen }) => `${addressPrefix}/${prefixLen}`)];
    return `${match.join(' ') || '*'} → ${clusters.map((name) => name.replace('outbound|', '')).join(' ')}`;
  });

test('a TCP port without rules leads to its service', () => {
  expect(ways(listenerAt(DB))).toEqual(['* → 7000||db.test']);
});

test('tcp routes share connections by weight, under the name of their VirtualService', () => {
  const split = listenerAt(
    DB + service('db.test', `tcp: [{route: [${to('db.test', ', weight: 80')}, ${to('other.test', ', weight: 20')}]}]`),
  );
  expect(ways(split)).toEqual(['* → 7000||db.test*80 7000||other.test*20']);
  expect(proxyOf(split.filterChains[0] as FilterChain).statPrefix).toBe('vs.default');
});

test('tcp routes for some addresses leave the rest to the service, or to the first rule that wants none', () => {
  const some = `{match: [{destinationSubnets: [10.96.0.0/16, 10.1.1.1]}], route: [${to('a.test')}]}`;
  const rest = `{match: [{port: 7000}], route: [${to('b.test')}]}, {route: [${to('c.test')}]}`;
  expect(ways(listenerAt(DB + service('db.test', `tcp: [${some}]`)))).toEqual([
    '10.96.0.0/16 10.1.1.1/32 → 7000||a.test',
    '* → 7000||db.test',
  ]);
  expect(ways(listenerAt(DB + service('db.test', `tcp: [${some}, ${rest}]`)))).toEqual([
    '10.96.0.0/16 10.1.1.1/32 → 7000||a.test',
    '* → 7000||b.test',
  ]);
});

test.each(['port: 1', 'sourceLabels: {app: nobody}', 'sourceNamespace: other', 'gateways: [gw]'])(
  'a tcp match {%s} is not for these connections',
  (match) => {
    expect(ways(listenerAt(DB + service('db.test', `tcp: [{match: [{${match}}], route: [${to('a.test')}]}]`)))).toEqual([
      '* → 7000||db.test',
    ]);
  },
);

test('a VirtualService of a gateway, or of another host, is not asked', () => {
  const routes = `tcp: [{route: [${to('a.test')}]}]`;
  expect(ways(listenerAt(DB + service('db.test', routes, 'gateways: [gw], ')))).toEqual(['* → 7000||db.test']);
  expect(ways(listenerAt(DB + service('other.test', routes)))).toEqual(['* → 7000||db.test']);
});

const NAMES = `tls: [{match: [{port: 7003, sniHosts: [a.secure.test]}], route: [{destination: {host: a.test, port: {number: 7003}}}]},
  {match: [{sniHosts: ["*.secure.test"]}], route: [{destination: {host: b.test, port: {number: 7003}}}]}]`;
const SECURED = SECURE + service('secure.test', NAMES).replace('hosts: ["secure.test"]', 'hosts: ["*.secure.test", secure.test]');

test('tls routes go by the name that clients ask for; other names go where unknown ones go', () => {
  const listener = listenerAt(SECURED, '10.96.0.50_7003');
  expect(ways(listener)).toEqual(['a.secure.test → 7003||a.test', '*.secure.test → 7003||b.test', '* → PassthroughCluster']);
  expect(listener.listenerFilters.map(({ name }) => name)).toEqual(['envoy.filters.listener.tls_inspector']);
  expect(listener.filterChains[0]?.metadata?.filterMetadata['dinghy.source']).toMatchObject({
    resource: 'VirtualService default/vs',
    fieldPath: 'spec.tls[0].match[0]',
  });
});

test('without tls routes the address tells the service, and nobody looks at names', () => {
  const listener = listenerAt(SECURE, '10.96.0.50_7003');
  expect([ways(listener), listener.listenerFilters]).toEqual([['* → 7003||secure.test'], []]);
});

test('services without an address share a listener and are told apart by name; the same name stands once', () => {
  const apart = entry('*.wild.test', TLS, 'NONE') + entry('one.test', TLS, 'NONE');
  expect(ways(listenerAt(apart, '0.0.0.0_7003'))).toEqual([
    '*.wild.test → 7003||*.wild.test',
    'one.test → 7003||one.test',
    '* → PassthroughCluster',
  ]);
  const names = `tls: [{match: [{sniHosts: [x.wild.test]}], route: [${to('a.test')}]}]`;
  const both = apart + service('*.wild.test', names) + entry('x.wild.test', TLS, 'NONE');
  expect(ways(listenerAt(both, '0.0.0.0_7003'))).toEqual([
    'x.wild.test → 7000||a.test',
    'one.test → 7003||one.test',
    '* → PassthroughCluster',
  ]);
});

test('where only the registry counts, unknown names end', () => {
  const blocked = `${SECURED}---
apiVersion: v1
kind: ConfigMap
metadata: {name: istio, namespace: istio-system}
data: {mesh: "outboundTrafficPolicy: {mode: REGISTRY_ONLY}"}
`;
  expect(ways(listenerAt(blocked, '10.96.0.50_7003')).at(-1)).toBe('* → BlackHoleCluster');
});

test('connections live and idle as long as the rule of their host says, and are hashed by the caller’s address where it does', () => {
  const LIFE = 'connectionPool: {tcp: {idleTimeout: 5s, maxConnectionDuration: 60s}}';
  const HASH = 'loadBalancer: {consistentHash: {useSourceIp: true}}';
  const proxy = (fields: string, rules = '') => {
    const listener = listenerAt(DB + rule(fields) + (rules && service('db.test', rules)));
    return TcpProxy.toJSON(proxyOf((listener.defaultFilterChain ?? listener.filterChains[0]) as FilterChain));
  };
  const expected = { idleTimeout: '5s', maxDownstreamConnectionDuration: '60s', hashPolicy: [{ sourceIp: {} }] };
  expect(proxy(`trafficPolicy: {${LIFE}, ${HASH}}`)).toMatchObject(expected);
  expect(proxy(`trafficPolicy: {${LIFE}, ${HASH}}`, `tcp: [{route: [${to('db.test')}]}]`)).toMatchObject(expected);
  const subset = `subsets: [{name: v1, labels: {a: b}, trafficPolicy: {${HASH}}}]`;
  const ofSubset = `tcp: [{route: [{destination: {host: db.test, subset: v1, port: {number: 7000}}}]}]`;
  expect(proxy(subset, ofSubset)).toHaveProperty('hashPolicy');
  expect(proxy(subset)).not.toHaveProperty('hashPolicy');
});
