import { expect, test } from 'vitest';
import type { Exchange } from '#api/exchange.ts';
import { TrafficLog } from './observability.ts';
import { serveRecords } from './record-server.ts';

const exchange = (fields: Partial<Exchange>): Exchange => ({
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
  attemptLog: [],
  bytesSent: 10,
  userAgent: 'dinghy-load',
  downstreamPeer: '',
  downstreamTls: '',
  upstreamPeer: '',
  upstreamTls: '',
  security: 'none',
  transportFailure: '',
  ...fields,
});

const startSmallMesh = () => {
  const listeners = new Set<(exchange: Exchange) => void>();
  const workloads = ['productpage-v1', 'reviews-v1', 'reviews-v2'].map((name, index) => ({ name, address: `127.96.1.${index + 1}` }));
  return {
    mesh: {
      workloads,
      exchanges: {
        subscribe: (listener: (exchange: Exchange) => void) => {
          listeners.add(listener);
          return () => listeners.delete(listener);
        },
      },
    },
    tell: (told: Exchange): void => {
      for (const listener of listeners) listener(told);
    },
  };
};

test('figures count each call once, by its caller, and leave the suite’s probes out', () => {
  const small = startSmallMesh();
  let now = 0;
  const log = new TrafficLog(small.mesh, () => now);
  now = 10_000;
  small.tell(exchange({}));
  small.tell(exchange({ status: 503, upstreamHost: '127.96.1.3:9080', durationMs: 9 }));
  small.tell(exchange({ side: 'inbound', reporter: 'reviews-v1' }));
  small.tell(exchange({ userAgent: 'dinghy-probe/run-1' }));
  const { edges, rate } = log.figures();
  expect(rate).toBe(0.2);
  expect(edges.map(({ to, success, p99Ms }) => ({ to, success, p99Ms }))).toEqual([
    { to: 'reviews-v1', success: 1, p99Ms: 5 },
    { to: 'reviews-v2', success: 0, p99Ms: 9 },
  ]);
  log.close();
});

test('a refused connection is kept with who refused it, and counted nowhere', () => {
  const small = startSmallMesh();
  const log = new TrafficLog(small.mesh, () => 1_000);
  const refused = { requestId: '', method: '', status: 0, upstreamHost: '', cluster: '', authority: '', refused: 'STRICT: plain text' };
  for (const side of ['inbound', 'gateway'] as const) small.tell(exchange({ ...refused, side, reporter: 'reviews-v1' }));
  expect(log.since(0, 10).map(({ to }) => to)).toEqual(['reviews-v1', 'reviews-v1']);
  expect(log.figures()).toMatchObject({ rate: 0, edges: [] });
  log.close();
});

test('what was refused is listed by who refused it, and served where no site runs', async () => {
  const small = startSmallMesh();
  const log = new TrafficLog(small.mesh, () => 1_000);
  small.tell(exchange({}));
  small.tell(exchange({ requestId: 'r/2', side: 'inbound', reporter: 'reviews-v1', details: 'rbac_access_denied_matched_policy[none]' }));
  small.tell(exchange({ requestId: 'r/2', details: 'via_upstream', status: 403 }));
  small.tell(exchange({ requestId: '', side: 'inbound', reporter: 'reviews-v1', refused: 'STRICT' }));
  await using server = await serveRecords(log);
  const read = async (path: string, init: RequestInit = {}) => {
    const answer = await fetch(server.url + path, { ...init, headers: { connection: 'close', ...init.headers } });
    return [answer.status, await answer.json()];
  };
  expect(await read('/api/refusals')).toMatchObject([200, [{ requestId: 'connection-4' }, { requestId: 'r/2' }]]);
  expect(await read('/api/requests/connection-4')).toMatchObject([200, [{ refused: 'STRICT' }]]);
  expect(await read('/api/requests/r%2F2')).toMatchObject([200, [{ seq: 2 }, { seq: 3 }]]);
  for (const path of ['/', '/api/requests/%', '/api/requests/a/b']) expect((await read(path))[0]).toBe(404);
  expect((await read('/api/refusals', { method: 'POST' }))[0]).toBe(403);
  log.close();
});

test('an edge tells which share of its calls went under mutual TLS, of those that reached anybody', () => {
  const small = startSmallMesh();
  const log = new TrafficLog(small.mesh, () => 1_000);
  small.tell(exchange({ security: 'mutual_tls' }));
  small.tell(exchange({}));
  small.tell(exchange({ upstreamHost: '', cluster: 'outbound|9080||ratings.default.svc.cluster.local', status: 503, flags: 'UH' }));
  expect(log.figures().edges.map(({ to, mutual }) => [to, mutual])).toEqual([
    ['reviews-v1', 0.5],
    ['ratings', undefined],
  ]);
  log.close();
});

test('an answer of the mesh itself is put down to the service that was asked', () => {
  const small = startSmallMesh();
  const log = new TrafficLog(small.mesh, () => 1_000);
  small.tell(exchange({ upstreamHost: '', status: 503, flags: 'UH' }));
  expect(log.since(0, 10).map(({ to }) => to)).toEqual(['reviews']);
  log.close();
});

test('a page that reconnects gets what it missed', () => {
  const small = startSmallMesh();
  const log = new TrafficLog(small.mesh, () => 1_000);
  for (const requestId of ['a', 'b', 'c']) small.tell(exchange({ requestId }));
  expect(log.since(1, 10).map(({ requestId }) => requestId)).toEqual(['b', 'c']);
  log.close();
});

test('both proxies of a hop are found by the request id, the caller first', () => {
  const small = startSmallMesh();
  const log = new TrafficLog(small.mesh, () => 1_000);
  small.tell(exchange({ side: 'inbound', reporter: 'reviews-v1', startedAt: '2026-01-01T00:00:00.001Z', durationMs: 3 }));
  small.tell(exchange({}));
  small.tell(exchange({ requestId: 'another' }));
  expect(log.request('request-1').map(({ reporter, to }) => [reporter, to])).toEqual([
    ['productpage-v1', 'reviews-v1'],
    ['reviews-v1', 'reviews-v1'],
  ]);
  log.close();
});
