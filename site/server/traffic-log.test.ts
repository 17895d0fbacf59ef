import { expect, test } from 'vitest';
import { exchange, startSmallMesh } from './small-mesh.fixture.ts';
import { TrafficLog } from './traffic-log.ts';

test('figures count each call once, by its caller, and leave the suite’s probes out', async () => {
  await using small = await startSmallMesh();
  let now = 0;
  const log = new TrafficLog(small.mesh, () => now);
  now = 10_000;
  small.tell(exchange({}));
  small.tell(exchange({ status: 503, upstreamHost: '127.96.1.3:9080', durationMs: 9 }));
  small.tell(exchange({ side: 'inbound', reporter: 'reviews-v1' }));
  small.tell(exchange({ userAgent: 'dinghy-probe' }));
  const { edges, rate } = log.figures();
  expect(rate).toBe(0.2);
  expect(edges.map(({ to, success, p99Ms }) => ({ to, success, p99Ms }))).toEqual([
    { to: 'reviews-v1', success: 1, p99Ms: 5 },
    { to: 'reviews-v2', success: 0, p99Ms: 9 },
  ]);
  log.close();
});

test('an answer of the mesh itself is put down to the service that was asked', async () => {
  await using small = await startSmallMesh();
  const log = new TrafficLog(small.mesh, () => 1_000);
  small.tell(exchange({ upstreamHost: '', status: 503, flags: 'UH' }));
  expect(log.since(0, 10).map(({ to }) => to)).toEqual(['reviews']);
  log.close();
});

test('a page that reconnects gets what it missed', async () => {
  await using small = await startSmallMesh();
  const log = new TrafficLog(small.mesh, () => 1_000);
  for (const requestId of ['a', 'b', 'c']) small.tell(exchange({ requestId }));
  expect(log.since(1, 10).map(({ requestId }) => requestId)).toEqual(['b', 'c']);
  log.close();
});
