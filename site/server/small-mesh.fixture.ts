/** A mesh of one caller and one callee for tests of the site: a control plane's answers, a gateway, and exchanges that the test tells. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Exchange } from '#api/exchange.ts';
import type { LiveMesh } from './live-mesh.ts';

/** An exchange with everything filled in. */
export const exchange = (fields: Partial<Exchange>): Exchange => ({
  reporter: 'productpage-v1',
  side: 'outbound',
  startedAt: '2026-01-01T00:00:00.000Z',
  requestId: 'request-1',
  method: 'GET',
  path: '/reviews/0',
  authority: 'reviews:9080',
  status: 200,
  flags: '-',
  details: 'via_upstream',
  durationMs: 5,
  cluster: 'outbound|9080||reviews.default.svc.cluster.local',
  upstreamHost: '127.96.1.2:9080',
  upstreamLocal: '127.96.1.1:40000',
  downstreamRemote: '127.96.1.1:20001',
  downstreamLocal: '240.240.0.1:9080',
  route: 'default',
  ruleResource: '',
  ruleField: '',
  attempts: 1,
  bytesSent: 10,
  userAgent: 'dinghy-load',
  ...fields,
});

const PAGES: Readonly<Record<string, unknown>> = {
  '/resources': [
    {
      kind: 'Service',
      namespace: 'default',
      name: 'reviews',
      apiVersion: 'v1',
      file: 'bookinfo.yaml',
      line: 1,
      createdAt: '2026-01-01T00:00:00Z',
      yaml: 'apiVersion: v1\nkind: Service\nmetadata:\n  name: reviews\n',
      problems: [],
    },
  ],
  '/analyze': { problems: [] },
  '/debug/vips': { 'reviews.default.svc.cluster.local': '240.240.0.1' },
  '/debug/syncz': { version: 1, proxies: [] },
  '/server_info': { version: 'dinghy', state: 'LIVE' },
  '/config_dump': { configs: [] },
  '/clusters?format=json': { cluster_statuses: [] },
};

/** The mesh, with a way to tell an exchange. */
export interface SmallMesh extends AsyncDisposable {
  readonly mesh: LiveMesh;
  tell(exchange: Exchange): void;
}

/** Starts it on free ports. */
export const startSmallMesh = async (): Promise<SmallMesh> => {
  const listeners = new Set<(told: Exchange) => void>();
  const server: Server = createServer((request, response) => {
    const page = PAGES[request.url ?? ''];
    response.statusCode = page === undefined ? 404 : 200;
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify(page ?? {}));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const workload = (name: string, host: number) => ({ name, namespace: 'default', address: `127.96.1.${host}`, adminUrl: url });
  return {
    mesh: {
      name: 'bookinfo',
      mode: 'process',
      dataPlane: 'dinghy',
      controlPlane: { url, token: 'secret' },
      gateways: [{ name: 'ingress-gateway', url, adminUrl: url }],
      workloads: [workload('productpage-v1', 1), workload('reviews-v1', 2), workload('reviews-v2', 3)],
      exchanges: {
        subscribe: (listener) => {
          listeners.add(listener);
          return () => listeners.delete(listener);
        },
      },
    },
    tell: (told) => {
      for (const listener of listeners) listener(told);
    },
    [Symbol.asyncDispose]: () => new Promise<void>((resolve) => server.close(() => resolve())),
  };
};
