import { describe, expect, it } from 'vitest';
import { Cluster } from '#envoy';
import { type Balancing, compileBalancing } from './compile-balancing.ts';
import type { DiscoveryKind } from './policy-fields.ts';

const compile = (config: object, kind: DiscoveryKind = 'eds'): Balancing =>
  compileBalancing(Cluster.fromJSON({ name: 'c', ...config }), kind);

const typed = (name: string, config: object = {}) => ({
  loadBalancingPolicy: {
    policies: [
      {
        typedExtensionConfig: {
          name: 'x',
          typedConfig: { '@type': `type.googleapis.com/envoy.extensions.load_balancing_policies.${name}`, ...config },
        },
      },
    ],
  },
});

const SLOW = {
  slowStartConfig: { slowStartWindow: '10s', aggression: { defaultValue: 2, runtimeKey: 'x' }, minWeightPercent: { value: 20 } },
};
const SLOW_START = { windowMs: 10_000, aggression: 2, minShare: 0.2 };
const RING = { kind: 'ring-hash', minSize: 1024, maxSize: 8_388_608, by: 'address' };

describe('how a cluster says that its hosts are picked', () => {
  it.each([
    [{}, { kind: 'round-robin' }],
    [{ roundRobinLbConfig: SLOW }, { kind: 'round-robin', slowStart: SLOW_START }],
    [{ lbPolicy: 'LEAST_REQUEST' }, { kind: 'least-request', choices: 2 }],
    [
      {
        lbPolicy: 'LEAST_REQUEST',
        leastRequestLbConfig: { choiceCount: 5, activeRequestBias: { defaultValue: 0.5, runtimeKey: 'x' }, ...SLOW },
      },
      { kind: 'least-request', choices: 5, bias: 0.5, slowStart: SLOW_START },
    ],
    [{ lbPolicy: 'RANDOM' }, { kind: 'random' }],
    [{ lbPolicy: 'RING_HASH' }, RING],
    [
      { lbPolicy: 'RING_HASH', ringHashLbConfig: { minimumRingSize: '10', maximumRingSize: '50' } },
      { ...RING, minSize: 10, maxSize: 50 },
    ],
    [
      { lbPolicy: 'RING_HASH', commonLbConfig: { consistentHashingLbConfig: { hashBalanceFactor: 150 } } },
      { ...RING, loadPercent: 150 },
    ],
    [{ lbPolicy: 'MAGLEV' }, { kind: 'maglev', tableSize: 65_537, by: 'address' }],
    [
      { lbPolicy: 'MAGLEV', maglevLbConfig: { tableSize: '251' } },
      { kind: 'maglev', tableSize: 251, by: 'address' },
    ],
  ])('the older way: %j', (config, policy) => {
    expect(compile(config).policy).toEqual(policy);
  });

  it.each([
    ['round_robin.v3.RoundRobin', SLOW, { kind: 'round-robin', slowStart: SLOW_START }],
    ['least_request.v3.LeastRequest', { choiceCount: 3 }, { kind: 'least-request', choices: 3, bias: 1 }],
    ['least_request.v3.LeastRequest', { selectionMethod: 'FULL_SCAN' }, { kind: 'least-request', choices: 'all', bias: 1 }],
    ['random.v3.Random', {}, { kind: 'random' }],
    ['ring_hash.v3.RingHash', { minimumRingSize: '10', hashFunction: 'XX_HASH' }, { ...RING, minSize: 10 }],
    ['ring_hash.v3.RingHash', { consistentHashingLbConfig: { useHostnameForHashing: true } }, { ...RING, by: 'hostname' }],
    ['ring_hash.v3.RingHash', { hashBalanceFactor: 120 }, { ...RING, loadPercent: 120 }],
    [
      'maglev.v3.Maglev',
      { consistentHashingLbConfig: { hashBalanceFactor: 120 } },
      { kind: 'maglev', tableSize: 65_537, by: 'address', loadPercent: 120 },
    ],
    ['maglev.v3.Maglev', { tableSize: '251' }, { kind: 'maglev', tableSize: 251, by: 'address' }],
  ])('the newer way: %s %j', (name, config, policy) => {
    expect(compile({ lbPolicy: 'RANDOM', ...typed(name, config) }).policy).toEqual(policy);
  });

  it('takes the first policy that it knows', () => {
    const unknown = { typedExtensionConfig: { name: 'x', typedConfig: { '@type': 'type.googleapis.com/envoy.config.core.v3.Locality' } } };
    const { policies } = typed('random.v3.Random').loadBalancingPolicy;
    expect(compile({ loadBalancingPolicy: { policies: [unknown, ...policies] } }).policy).toEqual({ kind: 'random' });
  });

  it('reads panic, localities and names, in both ways', () => {
    expect(compile({})).toMatchObject({ panicThreshold: 50, localityWeighted: false, failsInPanic: false, subsets: undefined });
    expect(compile({ commonLbConfig: { healthyPanicThreshold: { value: 0 }, localityWeightedLbConfig: {} } })).toMatchObject({
      panicThreshold: 0,
      localityWeighted: true,
    });
    const zoneAwareLbConfig = { routingEnabled: { value: 0 }, failTrafficOnPanic: true };
    expect(compile({ commonLbConfig: { zoneAwareLbConfig } })).toMatchObject({ failsInPanic: true });
    expect(compile(typed('round_robin.v3.RoundRobin', { localityLbConfig: { localityWeightedLbConfig: {} } }))).toMatchObject({
      localityWeighted: true,
    });
    const byName = { lbPolicy: 'RING_HASH', commonLbConfig: { consistentHashingLbConfig: { useHostnameForHashing: true } } };
    expect(compile(byName, 'strict-dns').policy).toMatchObject({ by: 'hostname' });
  });

  it('reads groups of hosts by label', () => {
    const lbSubsetConfig = {
      fallbackPolicy: 'DEFAULT_SUBSET',
      defaultSubset: { version: 'v1' },
      subsetSelectors: [
        { keys: ['zone', 'version'], fallbackPolicy: 'KEYS_SUBSET', fallbackKeysSubset: ['version'] },
        { keys: ['version'] },
      ],
    };
    expect(compile({ lbSubsetConfig }).subsets).toEqual({
      fallback: 'default',
      defaults: [['version', 'v1']],
      selectors: [
        { keys: ['version', 'zone'], fallback: 'fewer-keys', fallbackKeys: ['version'] },
        { keys: ['version'], fallback: undefined, fallbackKeys: [] },
      ],
    });
    expect(compile({ lbSubsetConfig: { fallbackPolicy: 'ANY_ENDPOINT' } }).subsets).toBeUndefined();
  });
});

it.each([
  [{ lbPolicy: 'CLUSTER_PROVIDED' }, 'lb_policy: CLUSTER_PROVIDED and type ORIGINAL_DST belong together'],
  [{ maglevLbConfig: {} }, 'maglev_lb_config: does not fit'],
  [{ lbPolicy: 'RING_HASH', ringHashLbConfig: { hashFunction: 'MURMUR_HASH_2' } }, 'ring_hash_lb_config.hash_function: not supported'],
  [{ lbPolicy: 'RING_HASH', ringHashLbConfig: { minimumRingSize: '3', maximumRingSize: '2' } }, 'ring_hash_lb_config.maximum_ring_size: '],
  [{ lbPolicy: 'MAGLEV', maglevLbConfig: { tableSize: '10' } }, 'maglev_lb_config.table_size: must be a prime number'],
  [{ lbPolicy: 'LEAST_REQUEST', leastRequestLbConfig: { choiceCount: 1 } }, 'least_request_lb_config.choice_count: '],
  [{ commonLbConfig: { zoneAwareLbConfig: {} } }, 'common_lb_config.zone_aware_lb_config.routing_enabled: zone-aware routing is not'],
  [
    { commonLbConfig: { consistentHashingLbConfig: { useHostnameForHashing: true } } },
    'common_lb_config.consistent_hashing_lb_config.use_hostname_for_hashing: is for clusters of type STRICT_DNS',
  ],
  [
    { commonLbConfig: { consistentHashingLbConfig: { hashBalanceFactor: 99 } } },
    'consistent_hashing_lb_config.hash_balance_factor: must be at least 100',
  ],
  [{ commonLbConfig: { closeConnectionsOnHostSetChange: true } }, 'common_lb_config.close_connections_on_host_set_change: not supported'],
  [{ lbSubsetConfig: { listAsAny: true } }, 'lb_subset_config.list_as_any: not supported'],
  [
    { lbSubsetConfig: { subsetSelectors: [{ keys: ['a'], fallbackPolicy: 'KEYS_SUBSET', fallbackKeysSubset: ['b'] }] } },
    'lb_subset_config.subset_selectors[0].fallback_keys_subset: must name some of the keys',
  ],
  [
    typed('random.v3.Random', { localityLbConfig: { zoneAwareLbConfig: {} } }),
    'policies[0].typed_extension_config.typed_config.locality_lb_config.zone_aware',
  ],
  [typed('ring_hash.v3.RingHash', { hashFunction: 'MURMUR_HASH_2' }), 'typed_config.hash_function: MURMUR_HASH_2 is not supported'],
  [typed('cluster_provided.v3.ClusterProvided'), 'typed_config: ClusterProvided and type ORIGINAL_DST belong together'],
  [{ loadBalancingPolicy: {} }, 'load_balancing_policy.policies: none is supported by this proxy: the list is empty'],
  [{ ...typed('random.v3.Random'), lbSubsetConfig: {} }, 'lb_subset_config: cannot be combined with load_balancing_policy'],
  [
    { ...typed('random.v3.Random'), commonLbConfig: { localityWeightedLbConfig: {} } },
    'common_lb_config.locality_weighted_lb_config: cannot be combined',
  ],
])('refuses %j with its path', (config, message) => {
  expect(() => compile(config)).toThrow(message);
});
