import { expect, it } from 'vitest';
import type { Connection } from '#system/network.ts';
import { heldCluster } from './pool.fixture.ts';

const HERE = { address: '10.0.0.1', port: 1 };

const opened = async (config: object, ports?: readonly number[]) => {
  const world = await heldCluster(config, ports);
  const { cluster, settle } = world;
  const open = async (signal = new AbortController().signal): Promise<{ connection?: Connection; error?: unknown }> => {
    const result: { connection?: Connection; error?: unknown } = {};
    cluster.connectForBytes(HERE, { signal, hash: undefined }).then(
      (found) => {
        if (found) result.connection = found.connection;
      },
      (error: unknown) => {
        result.error = error;
      },
    );
    await settle();
    return result;
  };
  return { ...world, open };
};

const breakers = (thresholds: object, more: object = {}) => ({ circuitBreakers: { thresholds: [thresholds], ...more } });

it("refuses at once where the cluster has no room: nobody waits for another client's connection to end", async () => {
  const { open, stat, settle, backend } = await opened(breakers({ maxConnections: 1 }));
  const first = await open();
  expect((await open()).error).toMatchObject({ flag: 'UO' });
  expect([backend.connections.length, stat('upstream_cx_overflow'), stat('upstream_rq_active')]).toEqual([1, 1, 1]);
  first.connection?.destroy();
  await settle();
  expect([stat('upstream_cx_active'), stat('upstream_rq_active'), stat('upstream_cx_destroy_local_with_active_rq')]).toEqual([0, 0, 1]);
  expect((await open()).connection).toBeDefined();
});

it('waits for room at a host', async () => {
  const { open, stat, settle } = await opened(breakers({}, { perHostThresholds: [{ maxConnections: 1 }] }));
  const first = await open();
  const second = await open();
  expect([second.connection, stat('upstream_rq_pending_active'), stat('upstream_cx_overflow')]).toEqual([undefined, 1, 1]);
  first.connection?.destroy();
  await settle();
  expect([second.connection === undefined, stat('upstream_rq_pending_active'), stat('upstream_cx_total')]).toEqual([false, 0, 2]);
});

it('forgets who left while waiting', async () => {
  const { open, stat, settle } = await opened(breakers({}, { perHostThresholds: [{ maxConnections: 1 }] }));
  await open();
  const controller = new AbortController();
  await open(controller.signal);
  controller.abort();
  await settle();
  expect([stat('upstream_rq_pending_active'), stat('upstream_rq_cancelled'), stat('upstream_cx_total')]).toEqual([0, 1, 1]);
});

it('refuses where too many wait, in a way that lets another host be tried', async () => {
  const { open, stat } = await opened(breakers({ maxPendingRequests: 0 }));
  expect((await open()).error).toMatchObject({ flag: 'UO', unsent: true });
  expect(stat('upstream_rq_pending_overflow')).toBe(1);
});

it('tells a connection that never came about', async () => {
  const { open, stat, backend } = await opened({});
  await backend.close();
  expect((await open()).error).toMatchObject({ reason: 'refused' });
  const names = [
    'upstream_cx_total',
    'upstream_cx_connect_fail',
    'upstream_rq_pending_failure_eject',
    'upstream_cx_active',
    'upstream_rq_active',
  ];
  expect(names.map(stat)).toEqual([1, 1, 1, 0, 0]);
});
