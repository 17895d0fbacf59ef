import { expect, it } from 'vitest';
import { ClusterLoadAssignment, Cluster as ClusterMessage } from '#envoy';
import { simulatedSystem } from '#system/simulated-system.ts';
import { xxh64 } from '#system/xxh64.ts';
import { ClusterManager } from '../cluster-manager.ts';
import { compileCluster } from '../compile-cluster.ts';
import { compileEndpoints } from '../compile-endpoints.ts';

const LOCAL = { address: '10.0.0.1', port: 80 };

const endpoint = (index: number, healthStatus = 'HEALTHY') => ({
  endpoint: { address: { socketAddress: { address: `10.1.${index >> 8}.${index & 255}`, portValue: 80 } } },
  healthStatus,
});

const setUp = (config: object) => {
  const system = simulatedSystem();
  const manager = new ClusterManager(system);
  const compiled = compileCluster(ClusterMessage.fromJSON({ name: 'c', connectTimeout: '1s', ...config }));
  const serve = (...lbEndpoints: object[]) => {
    const endpoints = compileEndpoints(ClusterLoadAssignment.fromJSON({ clusterName: 'c', endpoints: [{ lbEndpoints }] }));
    manager.reconcile(new Map([['c', { config: compiled, endpoints }]]));
  };
  const cluster = () => {
    const { current } = manager.slot('c');
    if (!current) throw new Error('the cluster is gone');
    return current;
  };
  const picks = (count: number): string[] => Array.from({ length: count }, () => cluster().pick(LOCAL)?.key ?? '-');
  const share = (key: string): number => picks(1000).filter((each) => each === key).length / 1000;
  return { system, serve, cluster, picks, share };
};

it.each([
  { roundRobinLbConfig: { slowStartConfig: { slowStartWindow: '60s' } } },
  { lbPolicy: 'LEAST_REQUEST', leastRequestLbConfig: { slowStartConfig: { slowStartWindow: '60s' } } },
])('a host that joins warms up by the clock: %j', async (config) => {
  const { system, serve, share } = setUp(config);
  serve(endpoint(1));
  await system.clock.advance(600_000);
  serve(endpoint(1), endpoint(2));
  expect(share('10.1.0.2:80')).toBeCloseTo(0.1 / 1.1, 1);
  await system.clock.advance(30_000);
  expect(share('10.1.0.2:80')).toBeCloseTo(0.5 / 1.5, 1);
  await system.clock.advance(30_000);
  expect(share('10.1.0.2:80')).toBeCloseTo(0.5, 1);
});

it('a host that was ill warms up from when it is first well, and once more when it passes its checks again', async () => {
  const { system, serve, share, cluster } = setUp({ roundRobinLbConfig: { slowStartConfig: { slowStartWindow: '60s' } } });
  serve(endpoint(1), endpoint(2, 'UNHEALTHY'));
  await system.clock.advance(600_000);
  serve(endpoint(1), endpoint(2));
  expect(share('10.1.0.2:80')).toBeCloseTo(0.1 / 1.1, 1);
  await system.clock.advance(600_000);
  expect(share('10.1.0.2:80')).toBeCloseTo(0.5, 1);
  const host = cluster().hosts.get('10.1.0.2:80');
  host?.mark('failedActiveCheck', true);
  await system.clock.advance(1_000);
  host?.mark('failedActiveCheck', false);
  await system.clock.advance(0);
  expect(share('10.1.0.2:80')).toBeCloseTo(0.1 / 1.1, 1);
});

it('a key keeps its host while the health of others changes, and finds it again after its own', async () => {
  const { serve, cluster, system } = setUp({ lbPolicy: 'RING_HASH', commonLbConfig: { healthyPanicThreshold: { value: 0 } } });
  serve(...Array.from({ length: 10 }, (_, index) => endpoint(index)));
  const at = (key: string) => cluster().pick(LOCAL, { attempt: 0, hash: xxh64(key) });
  expect(cluster().hashes).toBe(true);
  const own = at('alice');
  const other = [...cluster().hosts.values()].find((host) => host !== own);
  other?.mark('failedOutlierCheck', true);
  await system.clock.advance(0);
  expect(at('alice')).toBe(own);
  own?.mark('failedOutlierCheck', true);
  await system.clock.advance(0);
  expect(at('alice')).not.toBe(own);
  own?.mark('failedOutlierCheck', false);
  await system.clock.advance(0);
  expect(at('alice')).toBe(own);
});

it.each([{}, { lbPolicy: 'LEAST_REQUEST' }, { lbPolicy: 'RING_HASH' }, { lbPolicy: 'MAGLEV' }])(
  '10,000 hosts come and go: those that stay keep their state, and everybody picked is there: %j',
  (config) => {
    const { serve, cluster, picks } = setUp({ ...config, commonLbConfig: { healthyPanicThreshold: { value: 0 } } });
    const hosts = Array.from({ length: 10_000 }, (_, index) => endpoint(index));
    serve(...hosts.slice(0, 100));
    const [busy, ejected] = [cluster().hosts.get('10.1.0.7:80'), cluster().hosts.get('10.1.0.8:80')];
    if (busy) busy.activeRequests = 3;
    ejected?.mark('failedOutlierCheck', true);
    for (const [from, to] of [
      [0, 10_000],
      [0, 5_000],
      [2, 9_000],
      [5, 50],
    ]) {
      serve(...hosts.slice(from, to));
      expect(cluster().hosts.size).toBe((to ?? 0) - (from ?? 0));
      expect([cluster().hosts.get('10.1.0.7:80'), cluster().hosts.get('10.1.0.8:80')]).toEqual([busy, ejected]);
      for (const key of picks(200)) expect(cluster().hosts.has(key) && key !== '10.1.0.8:80').toBe(true);
    }
    expect(busy?.activeRequests).toBe(3);
  },
);

it('tells how even its ring or table is, and which groups there are, as Envoy does', () => {
  const ring = setUp({ lbPolicy: 'RING_HASH' });
  ring.serve(...Array.from({ length: 7 }, (_, index) => endpoint(index)));
  const scopeOf = ({ system }: typeof ring) => system.metrics.scope('cluster', 'c');
  const gauges = (of: typeof ring, ...names: string[]) => names.map((name) => scopeOf(of).gauge(name).value);
  expect(gauges(ring, 'ring_hash_lb.size', 'ring_hash_lb.min_hashes_per_host', 'ring_hash_lb.max_hashes_per_host')).toEqual([
    1029, 147, 147,
  ]);
  const table = setUp({ lbPolicy: 'MAGLEV' });
  table.serve(...Array.from({ length: 7 }, (_, index) => endpoint(index)));
  expect(gauges(table, 'maglev_lb.min_entries_per_host', 'maglev_lb.max_entries_per_host')).toEqual([9362, 9363]);
  const groups = setUp({ lbSubsetConfig: { fallbackPolicy: 'ANY_ENDPOINT', subsetSelectors: [{ keys: ['version'] }] } });
  const labelled = (index: number, version: string) => ({ ...endpoint(index), metadata: { filterMetadata: { 'envoy.lb': { version } } } });
  groups.serve(labelled(1, 'v1'), labelled(2, 'v2'));
  groups.serve(labelled(1, 'v1'), labelled(3, 'v3'));
  groups.cluster().pick(LOCAL, { attempt: 0, subset: [['version', 'v3']] });
  groups.cluster().pick(LOCAL);
  const counters = ['lb_subsets_created', 'lb_subsets_removed', 'lb_subsets_selected', 'lb_subsets_fallback'];
  expect(counters.map((name) => scopeOf(groups).counter(name).value)).toEqual([3, 1, 1, 1]);
  expect(gauges(groups, 'lb_subsets_active')).toEqual([2]);
});
