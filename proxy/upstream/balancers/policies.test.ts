import { describe, expect, it } from 'vitest';
import { seededRandom } from '#system/random.ts';
import type { Candidate } from './balancer.ts';
import { type BalancerPolicy, balancerFor } from './policies.ts';

const host = (key: string, weight = 1, activeRequests = 0): Candidate => ({ key, weight, activeRequests });

const picks = (policy: BalancerPolicy, hosts: readonly Candidate[], times: number): string[] => {
  const balancer = balancerFor(policy)(hosts, seededRandom(7));
  return Array.from({ length: times }, () => balancer.pick(undefined)?.key ?? '-');
};

const count = (keys: readonly string[], key: string): number => keys.filter((each) => each === key).length;

describe('balancers', () => {
  const policies: BalancerPolicy[] = [{ kind: 'round-robin' }, { kind: 'random' }, { kind: 'least-request', choices: 2 }];

  it.each(policies)('$kind picks nobody when there is nobody', (policy) => {
    expect(picks(policy, [], 3)).toEqual(['-', '-', '-']);
  });

  it.each(policies)('$kind picks the same again with the same seed', (policy) => {
    const hosts = [host('a', 3), host('b'), host('c', 2)];
    expect(picks(policy, hosts, 50)).toEqual(picks(policy, hosts, 50));
  });

  it.each([policies[0], policies[2]] as BalancerPolicy[])(
    '$kind gives a host of weight 3 exactly three times the picks of a host of weight 1',
    (policy) => {
      const keys = picks(policy, [host('light'), host('heavy', 3)], 4000);
      expect(count(keys, 'heavy')).toBe(3000);
    },
  );

  it('random does not look at weights, as Envoy does not', () => {
    const keys = picks({ kind: 'random' }, [host('light'), host('heavy', 3)], 4000);
    expect(count(keys, 'heavy') / 4000).toBeCloseTo(0.5, 1);
  });

  it('round robin with unequal weights begins anywhere, and every window of a whole turn holds the weights', () => {
    const hosts = [host('a', 5), host('b', 2), host('c', 1)];
    const firsts = new Set<string>();
    for (let seed = 0; seed < 40; seed++) {
      const balancer = balancerFor({ kind: 'round-robin' })(hosts, seededRandom(seed));
      const keys = Array.from({ length: 80 }, () => balancer.pick()?.key ?? '-');
      firsts.add(keys[0] ?? '');
      for (let from = 0; from + 8 <= keys.length; from++) {
        const turn = keys.slice(from, from + 8);
        expect(Math.abs(count(turn, 'a') - 5)).toBeLessThanOrEqual(1);
        expect(Math.abs(count(turn, 'c') - 1)).toBeLessThanOrEqual(1);
      }
    }
    expect([...firsts].sort()).toEqual(['a', 'b', 'c']);
  });

  it('least request with unequal weights gives a host less the busier it is', () => {
    const shareOfBusy = (bias: number) =>
      count(picks({ kind: 'least-request', choices: 2, bias }, [host('idle', 1), host('busy', 2, 3)], 3000), 'busy') / 3000;
    // 2 / (3 + 1) against 1 / 1; without bias 2 against 1; with bias 2 it is 2 / 16 against 1.
    expect(shareOfBusy(1)).toBeCloseTo(1 / 3, 2);
    expect(shareOfBusy(0)).toBeCloseTo(2 / 3, 2);
    expect(shareOfBusy(2)).toBeCloseTo(1 / 9, 2);
  });

  it('least request that compares all takes the least busy, and each of the idle equally often', () => {
    const keys = picks({ kind: 'least-request', choices: 'all' }, [host('a'), host('busy', 1, 1), host('b')], 3000);
    expect(count(keys, 'busy')).toBe(0);
    expect(count(keys, 'a') / 3000).toBeCloseTo(0.5, 1);
  });

  it.each(['round-robin', 'least-request'] as const)('%s warms up: a new host begins at its least share and grows with time', (kind) => {
    let now = 0;
    const slowStart = { windowMs: 10_000, aggression: 1, minShare: 0.1 };
    const policy: BalancerPolicy = kind === 'round-robin' ? { kind, slowStart } : { kind, choices: 2, slowStart };
    const fresh = { ...host('new'), healthySinceMs: 100_000 };
    const old = { ...host('old'), healthySinceMs: 0 };
    const shareAt = (ms: number): number => {
      now = 100_000 + ms;
      const balancer = balancerFor(policy, () => now)([fresh, old], seededRandom(3));
      return (
        count(
          Array.from({ length: 2200 }, () => balancer.pick()?.key ?? '-'),
          'new',
        ) / 2200
      );
    };
    expect(shareAt(0)).toBeCloseTo(0.1 / 1.1, 2);
    expect(shareAt(5_000)).toBeCloseTo(0.5 / 1.5, 2);
    expect(shareAt(10_000)).toBeCloseTo(0.5, 1);
  });

  it('warming up is faster at first with more aggression', () => {
    const slowStart = { windowMs: 10_000, aggression: 2, minShare: 0.1 };
    const hosts = [{ ...host('new'), healthySinceMs: 0 }, host('old')];
    const balancer = balancerFor({ kind: 'round-robin', slowStart }, () => 2_500)(hosts, seededRandom(3));
    const keys = Array.from({ length: 3000 }, () => balancer.pick()?.key ?? '-');
    // The square root of a quarter.
    expect(count(keys, 'new') / 3000).toBeCloseTo(1 / 3, 2);
  });

  it('round robin visits three equal hosts exactly equally', () => {
    const keys = picks({ kind: 'round-robin' }, [host('a'), host('b'), host('c')], 300);
    expect(['a', 'b', 'c'].map((key) => count(keys, key))).toEqual([100, 100, 100]);
  });

  it('weighted round robin never gives one host all its turns in a block', () => {
    const keys = picks({ kind: 'round-robin' }, [host('a', 2), host('b', 2), host('c', 1)], 50);
    expect(keys.join('')).not.toMatch(/aaa|bbb/);
  });

  it('least request gives a busy host only the picks in which both draws fell on it', () => {
    const keys = picks({ kind: 'least-request', choices: 2 }, [host('idle'), host('busy', 1, 50)], 4000);
    expect(count(keys, 'busy') / 4000).toBeCloseTo(0.25, 1);
  });

  it('random is uniform over equal hosts', () => {
    const keys = picks({ kind: 'random' }, [host('a'), host('b'), host('c')], 3000);
    const chiSquare = ['a', 'b', 'c'].reduce((sum, key) => sum + (count(keys, key) - 1000) ** 2 / 1000, 0);
    expect(chiSquare).toBeLessThan(13.8);
  });
});
