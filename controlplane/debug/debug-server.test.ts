import { Hono } from 'hono';
import { expect, test } from 'vitest';
import { refusalOf } from '#api/loopback.ts';
import { Cluster } from '#envoy';
import { simulatedSystem } from '#system/simulated-system.ts';
import { buildMesh } from '../mesh/build-mesh.ts';
import { DEFAULT_MESH_CONFIG } from '../mesh/mesh.ts';
import { ConfigStore } from '../store/config-store.ts';
import type { ProxyNode } from '../translate/proxy-node.ts';
import { buildXdsSnapshot } from '../xds/snapshot.ts';
import { createDebugApi } from './debug-server.ts';
import { loopbackGuard } from './guard.ts';

const REVIEWS: ProxyNode = {
  id: 'sidecar~127.96.1.2~reviews-v1.default~default.svc.cluster.local',
  type: 'sidecar',
  ip: '127.96.1.2',
  workload: 'reviews-v1',
  namespace: 'default',
  labels: {},
  serviceAccount: 'default',
  appPorts: {},
};

const SERVICE = `
apiVersion: v1
kind: Service
metadata: { name: reviews }
spec: { ports: [{ port: 9080, name: http }], selector: { app: reviews }, clusterIP: 240.240.9.9 }
`;

const setUp = () => {
  const store = new ConfigStore(simulatedSystem().clock);
  store.apply({ 'service.yaml': SERVICE });
  const api = createDebugApi({
    sync: () => ({ version: store.version, proxies: [] }),
    mesh: () => buildMesh(store.view(), [], DEFAULT_MESH_CONFIG),
    config: () => store.view(),
    proxies: () => [REVIEWS],
    snapshotFor: () => buildXdsSnapshot({ clusters: [Cluster.fromPartial({ name: 'a' })], endpoints: [], listeners: [], routes: [] }),
  });
  const app = new Hono();
  app.use(loopbackGuard);
  app.route('/', api);
  return async (path: string, headers: Record<string, string> = {}) => {
    const response = await app.request(path, { headers: { host: '127.0.0.1:8080', ...headers } });
    return { status: response.status, body: await response.json() };
  };
};

test('pages show the version, the addresses and the resources in force', async () => {
  const get = setUp();
  expect((await get('/debug/syncz')).body).toEqual({ version: 1, proxies: [] });
  expect((await get('/debug/vips')).body).toEqual({ 'reviews.default.svc.cluster.local': '240.240.9.9' });
  expect((await get('/debug/configz')).body).toMatchObject({
    version: 1,
    resources: [{ kind: 'Service', metadata: { name: 'reviews', namespace: 'default' }, generation: 1 }],
  });
  expect((await get('/debug/registryz')).body).toMatchObject({
    services: [{ hostname: 'reviews.default.svc.cluster.local' }],
    workloads: [],
  });
});

test('what a proxy should have is shown by its workload name, as Envoy writes JSON', async () => {
  const get = setUp();
  expect((await get('/debug/xds?proxy=reviews-v1')).body).toMatchObject({ node: REVIEWS.id, clusters: [{ name: 'a' }] });
  expect(await get('/debug/xds?proxy=other')).toMatchObject({ status: 404, body: { proxies: ['reviews-v1.default'] } });
});

test.each([
  { host: 'evil.example' },
  { host: '127.0.0.1.evil.example' },
  { origin: 'http://evil.example' },
  { origin: 'null' },
  { 'sec-fetch-site': 'cross-site' },
])('a request with %o is refused', async (headers) => {
  expect((await setUp()('/debug/syncz', headers as Record<string, string>)).status).toBe(403);
});

test.each(['127.0.0.1:80', 'localhost', '[::1]:9', '127.96.1.2:15000'])('a program that asks %s is served', (host) => {
  expect(refusalOf({ host, origin: undefined, site: undefined })).toBeUndefined();
  expect(refusalOf({ host, origin: `http://${host}`, site: 'same-origin' })).toBeUndefined();
});
