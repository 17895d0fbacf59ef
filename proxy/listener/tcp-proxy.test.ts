import { expect, test } from 'vitest';
import { TcpProxy } from '#envoy';
import type { FinishedStream } from '../http/connection-manager.ts';
import { StreamError } from '../http/stream-error.ts';
import { settle } from '../system/simulated-clock.ts';
import { simulatedSystem } from '../system/simulated-system.ts';
import { type ConnectionGuard, compileTcpProxy } from './tcp-proxy.ts';

const NEAR = { address: '10.0.0.1', port: 80 };
const FAR = { address: '10.0.0.2', port: 81 };
const UF = new StreamError('UF', { text: 'delayed connect error: Connection refused', codeDetails: '' });

/** A TCP proxy between a client and a program that echoes in brackets. fails: dials that fail before one succeeds. */
const setUp = async (config: object, fails: readonly StreamError[] = [], guards: readonly ConnectionGuard[] = []) => {
  const system = simulatedSystem();
  const logged: FinishedStream[] = [];
  const left = [...fails];
  let dialled = 0;
  const serve = compileTcpProxy(TcpProxy.fromJSON({ stat_prefix: 's', cluster: 'c', ...config }), {
    system,
    observers: [(finished) => void logged.push(finished)],
    nextExchangeId: () => 1,
    guards,
    dial: async () => {
      dialled++;
      const error = left.shift();
      if (error) throw error;
      const stats = { received: { value: 0 }, sent: { value: 0 } };
      return { connection: await system.network.connect(FAR, { timeoutMs: 1 }), host: '10.0.0.2:81', stats };
    },
  });
  await system.network.listen(FAR, (connection) => {
    connection.on('data', (chunk: Buffer) => connection.write(`<${chunk}>`));
    connection.on('end', () => connection.end());
  });
  await system.network.listen(NEAR, (connection) => serve(connection, { id: 1, local: NEAR, remote: connection.remote }));
  const client = await system.network.connect(NEAR, { timeoutMs: 1 });
  let text = '';
  let closed = false;
  client.on('data', (chunk: Buffer) => {
    text += chunk.toString();
  });
  client
    .on('error', () => {})
    .on('close', () => {
      closed = true;
    });
  client.on('end', () => client.end());
  await settle();
  return { system, client, logged, heard: () => text, closed: () => closed, dials: () => dialled };
};

test('bytes go both ways, and the end of the connection is logged with their number', async () => {
  const { client, logged, heard, system } = await setUp({});
  client.write('hello');
  await settle();
  expect(heard()).toBe('<hello>');
  client.end();
  await settle();
  expect(logged).toMatchObject([
    { opaque: true, end: { status: 0, bytesReceived: 5, bytesSent: 7 }, stream: { clusterName: 'c', attempts: [{ host: '10.0.0.2:81' }] } },
  ]);
  const numbers = system.metrics.scope('tcp', 's');
  expect([numbers.counter('downstream_cx_total').value, numbers.counter('downstream_cx_rx_bytes_total').value]).toEqual([1, 5]);
});

test('max_connect_attempts tries again; when all fail the client is cut off with UF and URX', async () => {
  const lucky = await setUp({ max_connect_attempts: 2 }, [UF]);
  lucky.client.write('x');
  await settle();
  expect([lucky.heard(), lucky.dials()]).toEqual(['<x>', 2]);
  const unlucky = await setUp({ max_connect_attempts: 2 }, [UF, UF, UF]);
  await settle();
  expect([unlucky.closed(), unlucky.dials()]).toEqual([true, 2]);
  expect([...(unlucky.logged[0]?.stream.flags ?? [])]).toEqual(['UF', 'URX']);
  expect(unlucky.logged[0]?.stream.upstreamFailure).toBe('delayed_connect_error:_Connection_refused');
});

test('a guard refuses before anybody upstream hears of the connection, and the log says why', async () => {
  const passed = await setUp({}, [], [() => undefined]);
  passed.client.write('x');
  await settle();
  expect(passed.heard()).toBe('<x>');
  const refused = await setUp({}, [], [() => undefined, () => 'rbac_access_denied_matched_policy[none]']);
  await settle();
  expect([refused.closed(), refused.dials()]).toEqual([true, 0]);
  expect(refused.logged).toMatchObject([
    { stream: { terminationDetails: 'rbac_access_denied_matched_policy[none]' }, end: { bytesSent: 0 } },
  ]);
});

test('a cluster without hosts is not tried twice', async () => {
  const { closed, dials, logged } = await setUp({ max_connect_attempts: 3 }, [new StreamError('UH', { codeDetails: '' })]);
  expect([closed(), dials(), [...(logged[0]?.stream.flags ?? [])]]).toEqual([true, 1, ['UH']]);
});

test('a connection on which nothing moves for idle_timeout is closed, one on which something moves is not', async () => {
  const { client, closed, system } = await setUp({ idle_timeout: '0.3s' });
  await system.clock.advance(200);
  client.write('x');
  await settle();
  await system.clock.advance(200);
  expect(closed()).toBe(false);
  await system.clock.advance(200);
  await settle();
  expect(closed()).toBe(true);
  expect(system.metrics.scope('tcp', 's').counter('idle_timeout').value).toBe(1);
});

test('a connection that lasts too long is closed with DT, whether bytes move or not', async () => {
  const { client, closed, system, logged } = await setUp({ max_downstream_connection_duration: '3s' });
  await system.clock.advance(2_999);
  client.write('x');
  await settle();
  expect(closed()).toBe(false);
  await system.clock.advance(1);
  await settle();
  expect([closed(), [...(logged[0]?.stream.flags ?? [])]]).toEqual([true, ['DT']]);
  expect(system.metrics.scope('tcp', 's').counter('max_downstream_connection_duration').value).toBe(1);
});

test('a cluster without room is not tried twice and is no attempt; a host for which too many wait may be another next time', async () => {
  const full = await setUp({ max_connect_attempts: 3 }, [new StreamError('UO', { codeDetails: '' })]);
  expect([full.closed(), full.dials(), full.logged[0]?.stream.attempts]).toEqual([true, 1, []]);
  expect([...(full.logged[0]?.stream.flags ?? [])]).toEqual(['UO']);
  const waits = new StreamError('UO', { codeDetails: '', unsent: true });
  const crowded = await setUp({ max_connect_attempts: 2 }, [waits, waits]);
  expect([crowded.dials(), [...(crowded.logged[0]?.stream.flags ?? [])]]).toEqual([2, ['URX']]);
});

test('weights are of connections', async () => {
  const config = {
    cluster: undefined,
    weighted_clusters: {
      clusters: [
        { name: 'a', weight: 3 },
        { name: 'b', weight: 1 },
      ],
    },
  };
  const system = simulatedSystem();
  const chosen: string[] = [];
  const serve = compileTcpProxy(TcpProxy.fromJSON({ stat_prefix: 's', ...config }), {
    system,
    observers: [],
    nextExchangeId: () => 1,
    dial: (cluster) => {
      chosen.push(cluster);
      return Promise.reject(new StreamError('UH', { codeDetails: '' }));
    },
  });
  await system.network.listen(NEAR, (connection) => serve(connection, { id: 1, local: NEAR, remote: connection.remote }));
  for (let i = 0; i < 200; i++) await system.network.connect(NEAR, { timeoutMs: 1 });
  await settle();
  const share = chosen.filter((name) => name === 'a').length;
  expect([chosen.length, share > 120, share < 180]).toEqual([200, true, true]);
});

test.each([
  ['max_connect_attempts', { max_connect_attempts: 0 }],
  ['hash_policy[0].filter_state', { hash_policy: [{ filter_state: { key: 'x' } }] }],
  ['tunneling_config', { tunneling_config: { hostname: 'x' } }],
  ['max_downstream_connection_duration', { max_downstream_connection_duration: '0.0001s' }],
  [
    'weighted_clusters.clusters[1].weight',
    {
      cluster: undefined,
      weighted_clusters: {
        clusters: [
          { name: 'a', weight: 1 },
          { name: 'b', weight: 0 },
        ],
      },
    },
  ],
  ['metadata_match', { metadata_match: {} }],
])('%s is refused by name', (field, config) => {
  const rooms = { system: simulatedSystem(), observers: [], nextExchangeId: () => 1, dial: () => Promise.reject(UF) };
  expect(() => compileTcpProxy(TcpProxy.fromJSON({ stat_prefix: 's', cluster: 'c', ...config }), rooms)).toThrow(field);
});
