import { expect, test } from 'vitest';
import { RouteConfiguration } from '#envoy';
import { clockFrom } from '#system/clock.ts';
import { buildMesh } from '../mesh/build-mesh.ts';
import type { ProxyNode } from '../mesh/mesh.ts';
import { DEFAULT_MESH_CONFIG, type Mesh, type MeshConfig } from '../mesh/mesh.ts';
import type { Workload } from '../registry/workload.ts';
import { ConfigStore } from '../store/config-store.ts';
import { translate } from './translate.ts';

const SERVICES = ['productpage', 'reviews']
  .map(
    (name) =>
      `apiVersion: v1\nkind: Service\nmetadata: {name: ${name}}\nspec: {ports: [{port: 9080, name: http}], selector: {app: ${name}}}\n`,
  )
  .join('---\n');
const RULE =
  'apiVersion: networking.istio.io/v1beta1\nkind: DestinationRule\nmetadata: {name: reviews}\nspec:\n  host: reviews\n  subsets:\n  - {name: v1, labels: {version: v1}}\n  - {name: v2, labels: {version: v2}}\n';

const virtualService = (rules: string, more = ''): string =>
  `apiVersion: networking.istio.io/v1beta1\nkind: VirtualService\nmetadata: {name: reviews}\nspec:\n  hosts: [reviews]\n${more}  http:\n${rules}`;

const workload = (app: string, version: string, address: string): Workload => ({
  type: 'sidecar',
  name: `${app}-${version}`,
  namespace: 'default',
  labels: { app, version },
  serviceAccount: 'default',
  address,
  appPorts: { 9080: 41_000 },
});

const WORKLOADS = [
  workload('productpage', 'v1', '127.96.1.1'),
  workload('reviews', 'v1', '127.96.1.2'),
  workload('reviews', 'v2', '127.96.1.3'),
];

const PRODUCTPAGE: ProxyNode = {
  id: 'sidecar~127.96.1.1~productpage-v1.default~default.svc.cluster.local',
  type: 'sidecar',
  ip: '127.96.1.1',
  workload: 'productpage-v1',
  namespace: 'default',
  labels: { app: 'productpage', version: 'v1' },
  serviceAccount: 'default',
  appPorts: { 9080: 41_000 },
};
const GATEWAY: ProxyNode = { ...PRODUCTPAGE, type: 'router', labels: { istio: 'ingressgateway' }, ip: '127.96.1.9' };

const meshOf = (yaml: string, config: Partial<MeshConfig> = {}): Mesh => {
  const store = new ConfigStore(clockFrom({ nowMs: () => 0, wallTimeMs: () => 0, after: () => () => {} }));
  const { problems } = store.apply({ 'services.yaml': SERVICES, 'test.yaml': yaml });
  expect(problems.filter(({ severity }) => severity === 'error')).toEqual([]);
  return buildMesh(store.view(), WORKLOADS, { ...DEFAULT_MESH_CONFIG, ...config });
};

/** Routes of a virtual host, in proto JSON. */
const routesTo = (mesh: Mesh, host: string, proxy = PRODUCTPAGE): Record<string, never>[] => {
  const table = translate(mesh, proxy).routes[0];
  const json = RouteConfiguration.toJSON(table as RouteConfiguration) as {
    virtualHosts: { name: string; routes?: Record<string, never>[] }[];
  };
  return json.virtualHosts.find(({ name }) => name.startsWith(host))?.routes ?? [];
};

test('a service without VirtualService has one route, named default, to all its endpoints', () => {
  const mesh = meshOf(RULE);
  expect(routesTo(mesh, 'reviews')).toMatchObject([
    { name: 'default', match: { prefix: '/' }, route: { cluster: 'outbound|9080||reviews.default.svc.cluster.local', timeout: '0s' } },
  ]);
  const all = translate(mesh, PRODUCTPAGE).endpoints.find(
    ({ clusterName }) => clusterName === 'outbound|9080||reviews.default.svc.cluster.local',
  );
  expect(all?.endpoints.flatMap(({ lbEndpoints }) => lbEndpoints)).toHaveLength(2);
});

test('a subset has the endpoints with its labels and no others', () => {
  const subset = translate(meshOf(RULE), PRODUCTPAGE).endpoints.find(({ clusterName }) => clusterName.includes('|v2|'));
  const addresses = subset?.endpoints
    .flatMap(({ lbEndpoints }) => lbEndpoints)
    .map(({ hostIdentifier }) => (hostIdentifier?.$case === 'endpoint' ? hostIdentifier.value.address?.address?.value : undefined));
  expect(addresses).toMatchObject([{ address: '127.96.1.3' }]);
});

test('a header match comes before the split, and the weights are kept as written', () => {
  const rules =
    '  - match: [{headers: {user-type: {exact: beta-tester}}}]\n    route: [{destination: {host: reviews, subset: v2}}]\n  - route:\n    - {destination: {host: reviews, subset: v1}, weight: 90}\n    - {destination: {host: reviews, subset: v2}, weight: 10}\n';
  expect(routesTo(meshOf(`${RULE}---\n${virtualService(rules)}`), 'reviews')).toMatchObject([
    {
      match: { headers: [{ name: 'user-type', stringMatch: { exact: 'beta-tester' } }] },
      route: { cluster: 'outbound|9080|v2|reviews.default.svc.cluster.local' },
    },
    {
      route: {
        weightedClusters: { clusters: [{ name: 'outbound|9080|v1|reviews.default.svc.cluster.local', weight: 90 }, { weight: 10 }] },
      },
    },
  ]);
});

test('nothing follows a catch-all rule', () => {
  const rules =
    '  - route: [{destination: {host: reviews, subset: v1}}]\n  - match: [{uri: {prefix: /x}}]\n    route: [{destination: {host: reviews, subset: v2}}]\n';
  expect(routesTo(meshOf(virtualService(rules)), 'reviews')).toHaveLength(1);
});

test('a rule for other callers is not sent to this proxy', () => {
  const rules =
    '  - match: [{sourceLabels: {app: someone-else}}]\n    route: [{destination: {host: reviews, subset: v2}}]\n  - route: [{destination: {host: reviews, subset: v1}}]\n';
  expect(routesTo(meshOf(virtualService(rules)), 'reviews')).toHaveLength(1);
});

test('a VirtualService for a gateway only does not reach sidecars', () => {
  const yaml = virtualService('  - route: [{destination: {host: reviews, subset: v2}}]\n', '  gateways: [front]\n');
  expect(routesTo(meshOf(yaml), 'reviews')).toMatchObject([{ name: 'default' }]);
});

test('a gateway opens its ports, with the routes that are bound to it', () => {
  const gateway =
    'apiVersion: networking.istio.io/v1\nkind: Gateway\nmetadata: {name: front}\nspec:\n  selector: {istio: ingressgateway}\n  servers:\n  - port: {number: 8080, name: http, protocol: HTTP}\n    hosts: ["*"]\n';
  const yaml = virtualService(
    '  - match: [{uri: {exact: /a}}]\n    route: [{destination: {host: reviews, port: {number: 9080}}}]\n',
    '  gateways: [front]\n',
  );
  const mesh = meshOf(`${gateway}---\n${yaml}`);
  expect(translate(mesh, GATEWAY).listeners.map(({ name }) => name)).toEqual(['0.0.0.0_8080']);
  expect(routesTo(mesh, 'reviews', GATEWAY)).toMatchObject([
    { match: { path: '/a' }, route: { cluster: 'outbound|9080||reviews.default.svc.cluster.local' } },
  ]);
});

test('a fault without percentage never happens', () => {
  const rules = '  - fault: {abort: {httpStatus: 503}}\n    route: [{destination: {host: reviews}}]\n';
  const [route] = routesTo(meshOf(virtualService(rules)), 'reviews');
  expect(route).toMatchObject({
    typedPerFilterConfig: { 'envoy.filters.http.fault': { abort: { httpStatus: 503, percentage: { denominator: 'MILLION' } } } },
  });
  expect(JSON.stringify(route)).not.toContain('numerator');
});

test('each route says from which field of which resource it came', () => {
  const [route] = routesTo(meshOf(virtualService('  - route: [{destination: {host: reviews}}]\n')), 'reviews');
  expect(route).toMatchObject({
    metadata: { filterMetadata: { 'dinghy.source': { resource: 'VirtualService default/reviews', fieldPath: 'spec.http[0]' } } },
  });
});

test('unknown hosts pass through, or are blocked with 502 where only the registry counts', () => {
  expect(routesTo(meshOf(RULE), 'allow_any')).toMatchObject([{ route: { cluster: 'PassthroughCluster' } }]);
  expect(routesTo(meshOf(RULE, { outboundTrafficPolicy: 'REGISTRY_ONLY' }), 'block_all')).toMatchObject([
    { directResponse: { status: 502 } },
  ]);
});

test('a sidecar takes its workload port on its own address and leads to the program', () => {
  const { listeners, clusters } = translate(meshOf(RULE), PRODUCTPAGE);
  const inbound = listeners.find(({ name }) => name === 'virtualInbound');
  expect(inbound?.additionalAddresses.map(({ address }) => address?.address?.value)).toMatchObject([
    { address: '127.96.1.1', portSpecifier: { value: 9080 } },
  ]);
  expect(clusters.map(({ name }) => name)).toContain('inbound|9080||');
});

test('the same inputs give the same resources', () => {
  const mesh = meshOf(RULE);
  expect(translate(mesh, PRODUCTPAGE)).toEqual(translate(meshOf(RULE), PRODUCTPAGE));
  expect(mesh.services.map(({ vip }) => vip)).toEqual(
    meshOf(virtualService('  - route: [{destination: {host: reviews}}]\n')).services.map(({ vip }) => vip),
  );
});
