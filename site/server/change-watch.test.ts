import { expect, test } from 'vitest';
import type { KindSync, ProxySync, SyncState, SyncStatus } from '#api/sync.ts';
import { watchChange } from './change-watch.ts';
import type { ChangeProgress } from './told.ts';

const kind = (fields: Partial<KindSync & { state: SyncState }>): KindSync & { state: SyncState } => ({
  sent: '2',
  acknowledged: '1',
  resources: 1,
  state: 'STALE',
  ...fields,
});

const proxy = (workload: string, version: number, rds = kind({})): ProxySync => ({
  node: workload,
  workload,
  namespace: 'default',
  connectedAt: '',
  version,
  kinds: { cds: kind({}), eds: kind({}), lds: kind({}), rds } as ProxySync['kinds'],
});

/** Each look sees the next of these, the last one for ever; ten milliseconds lie between. */
const follow = async (...seen: readonly (readonly ProxySync[])[]): Promise<ChangeProgress[]> => {
  let nowMs = 0;
  let look = 0;
  const told: ChangeProgress[] = [];
  const watch = {
    sync: async (): Promise<SyncStatus> => ({ version: 2, proxies: seen[Math.min(look++, seen.length - 1)] ?? [] }),
    nowMs: () => nowMs,
    pause: async () => {
      nowMs += 10;
    },
  };
  for await (const progress of watchChange({ version: 2, workloads: ['a', 'b'] }, watch)) told.push(progress);
  return told;
};

test('each acknowledgement is told with its time, and the last one settles', async () => {
  const told = await follow([proxy('a', 1), proxy('b', 1)], [proxy('a', 2), proxy('b', 1)], [proxy('a', 2), proxy('b', 3)]);
  expect(told.map(({ settled, proxies }) => [settled, ...proxies.map(({ state, ms }) => `${state} ${ms ?? ''}`.trim())])).toEqual([
    [false, 'waiting', 'waiting'],
    [false, 'acknowledged 10', 'waiting'],
    [true, 'acknowledged 10', 'acknowledged 20'],
  ]);
});

test('a refusal ends the waiting for that proxy, with its words; an older refusal says nothing of this change', async () => {
  const refused = kind({ state: 'ERROR', refused: { version: '2', reason: 'unknown cluster' } });
  const old = kind({ state: 'ERROR', refused: { version: '1', reason: 'long ago' } });
  const told = await follow([proxy('a', 1, old), proxy('b', 2)], [proxy('a', 1, refused), proxy('b', 2)]);
  expect(told[0]).toMatchObject({ settled: false, proxies: [{ state: 'waiting' }, { state: 'acknowledged' }] });
  expect(told.at(-1)?.proxies[0]).toMatchObject({ state: 'refused', reason: 'rds: unknown cluster' });
});

test('a proxy that is away is said to be; one that never answers is waited for ten seconds', async () => {
  expect((await follow([proxy('a', 2)])).at(-1)?.proxies[1]).toEqual({ workload: 'b', state: 'not connected' });
  const late = await follow([proxy('a', 2), proxy('b', 1)]);
  expect(late.at(-1)).toMatchObject({ settled: true, proxies: [{ state: 'acknowledged' }, { state: 'waiting' }] });
  expect(late.at(-1)?.ms).toBeGreaterThan(10_000);
});
