import { describe, expect, it } from 'vitest';
import { seededRandom } from '#system/random.ts';
import { xxh64 } from '#system/xxh64.ts';
import type { Candidate } from './balancer.ts';
import { boundedLoad } from './bounded-load.ts';
import { ENVOY_BOUNDED_PICKS, ENVOY_PICKS, ENVOY_WEIGHTS } from './envoy-picks.fixture.ts';
import { type BalancerPolicy, balancerFor } from './policies.ts';

const RING = { kind: 'ring-hash', minSize: 1024, maxSize: 8_388_608, by: 'address' } as const;
const MAGLEV = { kind: 'maglev', tableSize: 65_537, by: 'address' } as const;

interface Numbered extends Candidate {
  readonly number: number;
  activeRequests: number;
}

const hosts = (facts: (index: number) => Partial<Candidate> = () => ({})): Numbered[] =>
  ENVOY_WEIGHTS.map((_, index) => ({
    number: index + 1,
    key: `127.9.0.${index + 1}:31999`,
    weight: 1,
    activeRequests: 0,
    ...facts(index),
  }));

const equally = () => ({});
const weighted = (index: number) => ({ weight: ENVOY_WEIGHTS[index] ?? 1 });
const named = (index: number) => ({ hostname: `h${index + 1}.example` });

const picks = (policy: BalancerPolicy, among: readonly Numbered[], shares?: readonly number[]): string => {
  const balancer = balancerFor(policy)(among, seededRandom(1), shares);
  return Array.from({ length: 300 }, (_, k) => balancer.pick(xxh64(`user-${k}`))?.number ?? '-').join('');
};

describe('the same hosts and keys give the picks of Envoy 1.40', () => {
  it.each([
    ['ring', RING, hosts()],
    ['weightedRing', RING, hosts(weighted)],
    ['smallRing', { ...RING, minSize: 10, maxSize: 50 }, hosts(weighted)],
    ['ringByHashKey', RING, hosts((index) => ({ hashKey: `key-${index + 1}` }))],
    ['ringByHostname', { ...RING, by: 'hostname' }, hosts(named)],
    ['maglev', MAGLEV, hosts()],
    ['weightedMaglev', MAGLEV, hosts(weighted)],
    ['smallMaglev', { ...MAGLEV, tableSize: 251 }, hosts(weighted)],
    ['maglevByHostname', { ...MAGLEV, by: 'hostname' }, hosts((index) => ({ ...named(index), ...weighted(index) }))],
  ] as const)('%s', (row, policy, among) => {
    expect(picks(policy, among)).toBe(ENVOY_PICKS[row]);
  });

  it('maglev: in whatever order the hosts come', () => {
    expect(picks(MAGLEV, hosts(weighted).toReversed())).toBe(ENVOY_PICKS.weightedMaglev);
  });
});

describe('a bound of load gives the picks of Envoy 1.40', () => {
  it.each([
    ['boundedRing', RING, 120, equally],
    ['boundedMaglev', MAGLEV, 150, weighted],
    ['tightMaglev', MAGLEV, 100, equally],
  ] as const)('%s', (row, policy, percent, facts) => {
    const among = hosts(facts).map((host) => ({ ...host, key: host.key.replace('31999', '31199') }));
    let active = 0;
    const balancer = boundedLoad(balancerFor(policy), percent, () => active)(among, seededRandom(1));
    const picked = Array.from({ length: 120 }, (_, k) => {
      const host = balancer.pick(xxh64(`user-${k % 9}`));
      if (host) host.activeRequests++;
      active++;
      return host?.number;
    });
    expect(picked.join('')).toBe(ENVOY_BOUNDED_PICKS[row]);
  });
});

const many = (count: number): Numbered[] =>
  Array.from({ length: count }, (_, index) => ({ number: index, key: `10.0.0.${index}:80`, weight: 1, activeRequests: 0 }));

const owners = (policy: BalancerPolicy, among: readonly Numbered[]): string[] => {
  const balancer = balancerFor(policy)(among, seededRandom(1));
  return Array.from({ length: 20_000 }, (_, k) => balancer.pick(xxh64(`key ${k}`))?.key ?? '-');
};

describe.each([
  // The share of keys of other hosts that may change hands, too: with a host less the others have 527 places each on a ring of 10,000, not 500.
  [RING.kind, { ...RING, minSize: 10_000 }, 0.05],
  [MAGLEV.kind, MAGLEV, 0.03],
] as const)('%s', (_kind, policy, moved) => {
  it('moves the keys of a host that leaves, and hardly any other', () => {
    const before = owners(policy, many(20));
    const after = owners(policy, many(20).toSpliced(7, 1));
    const itsOwn = before.filter((key) => key === '10.0.0.7:80').length;
    const others = before.filter((key, k) => key !== '10.0.0.7:80' && key !== after[k]).length;
    expect(itsOwn / before.length).toBeGreaterThan(0.04);
    expect(itsOwn / before.length).toBeLessThan(0.06);
    expect(others / before.length).toBeLessThanOrEqual(moved);
  });

  it('gives every host about its weight', () => {
    const among = many(10).map((host) => ({ ...host, weight: host.number + 1 }));
    const picked = owners(policy, among);
    for (const { key, weight } of among) {
      const share = picked.filter((each) => each === key).length / picked.length;
      expect(Math.abs(share * 55 - weight)).toBeLessThan(0.2 * weight + 0.1);
    }
  });

  it('takes another host at another attempt, and anybody for a request without a hash', () => {
    const balancer = balancerFor(policy)(many(10), seededRandom(1));
    const attempts = Array.from({ length: 10 }, (_, attempt) => balancer.pick(xxh64('a'), attempt)?.key);
    expect(new Set(attempts).size).toBeGreaterThan(3);
    expect(new Set(Array.from({ length: 200 }, () => balancer.pick()?.key)).size).toBe(10);
    expect(balancerFor(policy)([], seededRandom(1)).pick(xxh64('a'))).toBeUndefined();
  });
});
