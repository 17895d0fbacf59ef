import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import { readBreakers } from './breakers.ts';

const V1 = 'outbound|9080|v1|reviews.default.svc.cluster.local';
const WHOLE = 'outbound|9080||reviews.default.svc.cluster.local';

const admin = async (pages: Readonly<Record<string, string>>) => {
  const server = createServer((request, response) => {
    const page = pages[(request.url ?? '').split('?')[0] ?? ''];
    response.statusCode = page === undefined ? 404 : 200;
    response.end(page ?? '');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    adminUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    [Symbol.asyncDispose]: () => new Promise<void>((resolve) => server.close(() => resolve())),
  };
};

const seats = (used: number, limit: number, refused = 0) => ({ used, limit, refused });
const NONE = 0xffff_ffff;
const breaker = (priority: string, used: number) => ({
  priority,
  connections: seats(used, 3),
  pending: seats(0, 2),
  requests: seats(used, NONE, 1),
  retries: seats(0, NONE),
  hasRetryBudget: false,
  perHostConnections: NONE,
});

test('the breakers of one service are read from the proxy’s own page; no limit is none', async () => {
  const clusters = [WHOLE, V1, 'outbound|9080||ratings.default.svc.cluster.local'].map((cluster, index) => ({
    cluster,
    breakers: [breaker('default', index), breaker('high', 9)],
  }));
  await using proxy = await admin({ '/breakers': JSON.stringify({ clusters }) });
  const found = await readBreakers({ from: 'productpage-v1', adminUrl: proxy.adminUrl, service: 'reviews' });
  expect(found.map(({ cluster }) => cluster)).toEqual([V1, WHOLE]);
  expect(found[0]).toMatchObject({ from: 'productpage-v1', connections: { used: 1, limit: 3 }, requests: { used: 1, refused: 1 } });
  expect(found[0]?.requests.limit).toBeUndefined();
});

test('of an Envoy the limits are on one page and what is in use on another', async () => {
  const status = {
    cluster_statuses: [
      {
        name: V1,
        circuit_breakers: {
          thresholds: [
            { max_connections: 3, max_pending_requests: 2 },
            { priority: 'HIGH', max_connections: 9 },
          ],
        },
      },
    ],
  };
  const stats = [
    ['upstream_cx_active', 3],
    ['upstream_rq_pending_active', 2],
    ['upstream_rq_active', 3],
    ['upstream_rq_pending_overflow', 1],
  ].map(([name, value]) => `cluster.${V1}.${name}: ${value}`);
  await using proxy = await admin({ '/clusters': JSON.stringify(status), '/stats': stats.join('\n') });
  const [found] = await readBreakers({ from: 'productpage-v1', adminUrl: proxy.adminUrl, service: 'reviews' });
  expect(found).toMatchObject({ connections: { used: 3, limit: 3 }, pending: { used: 2, limit: 2, refused: 1 }, requests: { used: 3 } });
});
