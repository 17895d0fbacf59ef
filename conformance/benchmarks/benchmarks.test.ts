import { createServer } from 'node:http';
import { expect, it } from 'vitest';
import { openLoop } from './open-loop.ts';
import { type BenchResult, formatReport, type SubjectResult } from './report.ts';
import { estimate, isSteady, median, pairedRatio, percentile } from './statistics.ts';

it('takes the ratio within each block, so that drift hits both sides alike', () => {
  expect(pairedRatio([10, 20, 30], [20, 40, 60])).toEqual({ median: 0.5, low: 0.5, high: 0.5 });
});

it('refuses to pair what was not measured as often', () => {
  expect(() => pairedRatio([1, 2], [1])).toThrow('2 blocks against 1');
});

it('finds the middle and the tail of values in any order', () => {
  expect(median([5, 1, 3])).toBe(3);
  expect(median([4, 1, 3, 2])).toBe(2.5);
  expect(percentile([4, 1, 3, 2], 0.99)).toBe(4);
});

it('gives an interval that holds the middle and narrows as blocks agree', () => {
  const wide = estimate([1, 2, 3, 4, 5, 6, 7, 8]);
  expect(wide.low).toBeLessThan(wide.median);
  expect(wide.high).toBeGreaterThan(wide.median);
  const narrow = estimate([4.4, 4.5, 4.5, 4.6, 4.5, 4.5, 4.4, 4.6]);
  expect(narrow.high - narrow.low).toBeLessThan(wide.high - wide.low);
});

it('calls a subject warm when three loads in a row agree', () => {
  expect(isSteady([200, 100, 101], 0.05)).toBe(false);
  expect(isSteady([200, 100, 101, 99], 0.05)).toBe(true);
  expect(isSteady([100, 100], 0.05)).toBe(false);
});

const subject = (name: string, costs: readonly number[], p50 = 1): SubjectResult => ({
  name,
  proxy: {
    readyMs: 200,
    restMegabytes: 40,
    loadedMegabytes: 60,
    cost: costs.map((cpuMicrosPerRequest) => ({ cpuMicrosPerRequest, requestsPerSecond: 1, errors: 0 })),
  },
  latenciesMs: [p50],
  latenessP99Ms: 0,
  failed: 0,
});

const run = (...subjects: readonly SubjectResult[]): BenchResult => ({
  subjects: [...subjects, { name: 'no proxy', latenciesMs: [0.1], latenessP99Ms: 0, failed: 0 }],
  control: 'dinghy again',
  direct: 'no proxy',
  rate: 500,
  machine: 'a machine',
  missing: [],
  handshakes: {},
});

it('names a ratio to Envoy only when Envoy was measured', () => {
  const own = [subject('dinghy', [60, 60]), subject('dinghy again', [60, 60])];
  expect(formatReport(run(...own))).not.toContain('envoy');
  expect(formatReport(run(...own, subject('envoy', [120, 120])))).toContain('dinghy / envoy: 0.50');
});

it('does not tell apart what differs no more than our proxy differs from itself', () => {
  const own = [subject('dinghy', [60, 66, 54]), subject('dinghy again', [60, 60, 60])];
  expect(formatReport(run(...own, subject('envoy', [60, 61, 59])))).toContain('not distinguishable here');
  expect(formatReport(run(...own, subject('envoy', [160, 161, 159])))).not.toContain('not distinguishable here');
});

it('prints no p99 of few samples', () => {
  const tail = (latenciesMs: readonly number[]) =>
    formatReport(run({ ...subject('dinghy', [60]), latenciesMs }))
      .split('\n')
      .find((row) => row.startsWith('dinghy'))
      ?.split(/\s+/)
      .at(-2);
  expect(tail([1, 2, 3])).toBe('-');
  expect(tail(Array.from({ length: 10_000 }, () => 2))).toBe('2.000');
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
