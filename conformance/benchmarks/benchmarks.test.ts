import { createServer } from 'node:http';
import { expect, it } from 'vitest';
import { openLoop, percentile } from './open-loop.ts';
import { formatReport, median, ratio } from './report.ts';

it('takes the paired ratios of rounds, so that drift hits both sides alike', () => {
  expect(ratio([10, 20, 30], [20, 40, 60])).toEqual({ median: 0.5, low: 0.5, high: 0.5 });
});

it('finds the middle and the tail of values in any order', () => {
  expect(median([5, 1, 3])).toBe(3);
  expect(percentile([4, 1, 3, 2], 0.99)).toBe(4);
});

it('names the ratio to Envoy only when Envoy was measured', () => {
  const round = { subject: 'dinghy', cpuMicrosPerRequest: 60, requestsPerSecond: 1, pssMegabytes: 1, p50Ms: 1, p99Ms: 1, failed: 0 };
  const again = { ...round, subject: 'again' };
  expect(formatReport([round, again], [], 'again')).not.toContain('envoy');
  expect(formatReport([round, again, { ...round, subject: 'envoy', cpuMicrosPerRequest: 120 }], [], 'again')).toContain(
    'dinghy / envoy: 0.50',
  );
});

it('counts a stall against every request that should have left during it', async () => {
  let stalled = false;
  const server = createServer((_, response) => {
    if (!stalled) {
      stalled = true;
      const until = performance.now() + 150;
      while (performance.now() < until);
    }
    response.setHeader('content-length', 2).end('ok');
  }).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const address = server.address();
  const { latenciesMs, failed } = await openLoop(typeof address === 'object' && address ? address.port : 0, 200, 0.5);
  server.closeAllConnections();
  server.close();
  expect(failed).toBe(0);
  expect(latenciesMs.length).toBe(100);
  expect(latenciesMs.filter((ms) => ms > 50).length).toBeGreaterThan(10);
});
