import { expect, test } from 'vitest';
import type { LoggedExchange } from '../live/types.ts';
import { amplificationOf, combsOf, factorWords } from './comb.ts';

const call = (fields: Partial<LoggedExchange>): LoggedExchange =>
  ({
    seq: 1,
    reporter: 'productpage-v1',
    side: 'outbound',
    to: 'reviews-v2',
    startedAt: '2026-01-01T00:00:00.000Z',
    requestId: 'r',
    status: 503,
    flags: 'URX',
    durationMs: 100,
    attempts: 1,
    attemptLog: [],
    ruleResource: 'VirtualService default/reviews-retries',
    ruleField: 'spec.http[0]',
    ...fields,
  }) as LoggedExchange;

const LIMITS = [
  { reporter: 'productpage-v1', resource: 'VirtualService default/reviews-retries', field: 'spec.http[0]', timeoutMs: 10_000, retries: 3 },
];
const room = { workloadAt: (address: string) => (address === '127.96.1.3' ? 'reviews-v2' : '') };

test('each try is a tooth with its pause, its limit and its end', () => {
  const attemptLog = [
    { host: '127.96.1.3:9080', start: 1, failed: 2_000, flag: 'UT', details: 'upstream_per_try_timeout', limit: 2_000 },
    { host: '127.96.9.9:9080', start: 2_021, waited: 20, head: 3, status: 503, limit: 2_000 },
    { start: 2_050, waited: 26, failed: 0, flag: 'UO' },
    { host: '127.96.1.3:9080', start: 2_100, waited: 50, head: 4, status: 200, limit: 2_000 },
  ];
  const { rows, spanMs } = combsOf({ exchanges: [call({ attemptLog, durationMs: 2_105 })], limits: LIMITS }, 'r', room);
  const [comb] = rows[0]?.combs ?? [];
  expect([rows[0]?.from, rows[0]?.to, comb?.capMs, spanMs]).toEqual(['productpage', 'reviews', 10_000, 2_105]);
  expect(comb?.teeth.map(({ host, fromMs, toMs, waitedMs, end }) => [host, fromMs, toMs, waitedMs, end])).toEqual([
    ['reviews-v2', 1, 2_001, 0, 'cut'],
    ['127.96.9.9:9080', 2_021, 2_024, 20, 'bad'],
    ['', 2_050, 2_050, 26, 'bad'],
    ['reviews-v2', 2_100, 2_104, 50, 'good'],
  ]);
});

test('layers stand one below the other on one line of time, and callees are no calls', () => {
  const later = '2026-01-01T00:00:00.040Z';
  const exchanges = [
    call({ seq: 3, reporter: 'reviews-v2', to: 'ratings-v1', startedAt: later, durationMs: 10, attempts: 2 }),
    call({ seq: 1, attempts: 1 }),
    call({ seq: 2, side: 'inbound', reporter: 'reviews-v2' }),
    call({ seq: 4, requestId: 'another' }),
  ];
  const { rows } = combsOf({ exchanges, limits: [] }, 'r', room);
  expect(rows.map(({ from, to, combs }) => [from, to, combs.map(({ fromMs, capMs }) => [fromMs, capMs])])).toEqual([
    ['productpage', 'reviews', [[0, 0]]],
    ['reviews', 'ratings', [[40, 0]]],
  ]);
});

test('a factor is what left the proxies by what the programs asked; what never left counts nothing', () => {
  const sent = [{ host: 'a:1' }, { host: 'b:1' }, {}];
  const exchanges = [call({ attemptLog: sent, attempts: 3 }), call({ seq: 2, requestId: 'other', attemptLog: [{ host: 'a:1' }] })];
  const [edge] = amplificationOf({ exchanges });
  expect(edge).toEqual({ from: 'productpage', to: 'reviews', calls: 2, tries: 3 });
  expect(edge && factorWords(edge)).toBe('×1.5');
});

test('a proxy that tells hosts only has its tries spread over the time of the call', () => {
  const exchanges = [call({ attemptLog: [{ host: 'a:1' }, { host: 'b:1' }], attempts: 2, durationMs: 100, status: 200 })];
  const [comb] = combsOf({ exchanges, limits: [] }, 'r', room).rows[0]?.combs ?? [];
  expect(comb?.teeth.map(({ fromMs, toMs, end }) => [fromMs, toMs, end])).toEqual([
    [0, 50, 'bad'],
    [50, 100, 'good'],
  ]);
});
