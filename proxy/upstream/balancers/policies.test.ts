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

  it.each(policies)('$kind gives a host of weight 3 three times the picks of a host of weight 1', (policy) => {
    const keys = picks(policy, [host('light'), host('heavy', 3)], 4000);
    expect(count(keys, 'heavy') / 4000).toBeCloseTo(0.75, 1);
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
