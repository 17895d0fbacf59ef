import { expect, it } from 'vitest';
import { ClusterLoadAssignment, Cluster as ClusterMessage } from '#envoy';
import { simulatedSystem } from '#system/simulated-system.ts';
import { xxh64 } from '#system/xxh64.ts';
import { EMPTY_BODY } from '../http/body.ts';
import { HeaderMap } from '../http/header-map.ts';
import { NO_TRAILERS } from '../http/message.ts';
import type { Attempt } from '../http/stream-info.ts';
import { StreamRecord } from '../http/stream-record.ts';
import type { HostChoice } from './attempt.ts';
import { ClusterManager } from './cluster-manager.ts';
import { compileCluster } from './compile-cluster.ts';
import { compileEndpoints } from './compile-endpoints.ts';

const HERE = { address: '10.0.0.1', port: 1 };
const REQUEST = {
  method: 'GET',
  scheme: 'http',
  authority: 'echo',
  path: '/',
  headers: HeaderMap.EMPTY,
  body: EMPTY_BODY,
  trailers: NO_TRAILERS,
} as const;

/** Nobody listens: what counts is whom a try was made on. */
const setUp = (config: object, endpoints: readonly object[]) => {
  const system = simulatedSystem();
  const manager = new ClusterManager(system);
  const compiled = compileCluster(ClusterMessage.fromJSON({ name: 'c', connectTimeout: '1s', ...config }));
  manager.reconcile(new Map([['c', { config: compiled, endpoints: compileEndpoints(ClusterLoadAssignment.fromJSON({ endpoints })) }]]));
  const tried = async (before: readonly number[], choice: Partial<HostChoice>): Promise<number> => {
    const stream = new StreamRecord(1, { id: 1, local: HERE, remote: HERE }, 0, 0);
    for (const port of before) stream.attempts.push({ cluster: 'c', host: `10.0.0.9:${port}`, startedAtMs: 0 } satisfies Attempt);
    await manager
      .slot('c')
      .current?.send(REQUEST, stream, { repicks: 0, ...choice })
      .catch(() => {});
    return Number(stream.attempts.at(-1)?.host?.split(':')[1]);
  };
  return async (before: readonly number[], choice: Partial<HostChoice>) =>
    new Set(await Promise.all(Array.from({ length: 30 }, () => tried(before, choice))));
};

const endpoint = (portValue: number, labels: object = {}) => ({
  endpoint: { address: { socketAddress: { address: '10.0.0.9', portValue } } },
  metadata: { filterMetadata: { 'envoy.lb': labels } },
});

it('avoids for a retry, and only for a retry, hosts that were tried', async () => {
  const tried = setUp({ lbPolicy: 'RANDOM' }, [{ lbEndpoints: [endpoint(1), endpoint(2)] }]);
  expect(await tried([1], { repicks: 50, avoidsTried: true })).toEqual(new Set([2]));
  expect(await tried([1], { repicks: 50 })).toEqual(new Set([1, 2]));
  expect(await tried([], { repicks: 50, avoidsTried: true })).toEqual(new Set([1, 2]));
});

it('avoids for a retry hosts by what their labels say', async () => {
  const tried = setUp({ lbPolicy: 'RANDOM' }, [{ lbEndpoints: [endpoint(1, { canary: true }), endpoint(2)] }]);
  const choice: Partial<HostChoice> = { repicks: 50, avoids: [({ labels }) => labels?.canary === true] };
  expect(await tried([2], choice)).toEqual(new Set([2]));
  expect(await tried([], choice)).toEqual(new Set([1, 2]));
});

it('leaves out for a retry the priorities that were tried', async () => {
  const tried = setUp({}, [{ lbEndpoints: [endpoint(1)] }, { lbEndpoints: [endpoint(2)], priority: 1 }]);
  expect(await tried([], { leavesPrioritiesEvery: 1 })).toEqual(new Set([1]));
  expect(await tried([1], { leavesPrioritiesEvery: 1 })).toEqual(new Set([2]));
  expect(await tried([1], {})).toEqual(new Set([1]));
});

it('goes by the hash of a request where the cluster hashes, to another place at each repick', async () => {
  const hosts = [{ lbEndpoints: [1, 2, 3, 4, 5].map((port) => endpoint(port)) }];
  const choice: Partial<HostChoice> = { hash: () => xxh64('alice') };
  const tried = setUp({ lbPolicy: 'RING_HASH' }, hosts);
  const own = await tried([], choice);
  expect(own.size).toBe(1);
  const others = await tried([...own], { ...choice, repicks: 5, avoidsTried: true });
  expect(others.size).toBe(1);
  expect(others).not.toEqual(own);
  expect((await setUp({ lbPolicy: 'RANDOM' }, hosts)([], choice)).size).toBeGreaterThan(1);
});

it('keeps to the hosts with the labels that a route asks for', async () => {
  const lbSubsetConfig = { subsetSelectors: [{ keys: ['version'] }] };
  const tried = setUp({ lbSubsetConfig }, [{ lbEndpoints: [endpoint(1, { version: 'v1' }), endpoint(2, { version: 'v2' })] }]);
  expect(await tried([], { subset: [['version', 'v2']] })).toEqual(new Set([2]));
});
