import { expect, it } from 'vitest';
import { seededRandom } from '#system/random.ts';
import { balancerFor } from '../balancers/policies.ts';
import { type HealthyCandidate, hostPicker, type Labels } from '../host-set.ts';
import { criteriaOf, type SubsetRules, subsetPicker } from './subsets.ts';

const host = (key: string, labels: Labels, health: HealthyCandidate['health'] = 'healthy'): HealthyCandidate => ({
  key,
  labels,
  health,
  weight: 1,
  activeRequests: 0,
});

const NO_NOTES = { group: () => {}, selected: () => {}, fellBack: () => {} };

const HOSTS = [
  host('a', { version: 'v1', zone: 'x' }),
  host('b', { version: 'v1', zone: 'y' }),
  host('c', { version: 'v2', zone: 'x' }),
  host('d', { version: 'v3', zone: 'x' }, 'unhealthy'),
];

const selector = (keys: string[], fallback?: SubsetRules['selectors'][number]['fallback'], fallbackKeys: string[] = []) => ({
  keys,
  fallback,
  fallbackKeys,
});

const served = (rules: Partial<SubsetRules>, asked: Labels | undefined): string => {
  const all = { panicThreshold: 0, overprovisioning: 1.4, localityWeighted: false, balancer: balancerFor({ kind: 'round-robin' }) };
  const full: SubsetRules = { selectors: [selector(['version'])], fallback: 'nobody', defaults: [], ...rules };
  const pick = subsetPicker([[{ weight: 1, hosts: HOSTS }]], full, (of) => hostPicker(of, all, seededRandom(1)), NO_NOTES);
  const subset = asked && criteriaOf(asked);
  return [...new Set(Array.from({ length: 12 }, () => pick({ attempt: 0, subset })?.key ?? '-'))].sort().join('');
};

it('picks among hosts with the labels that a route asks for', () => {
  expect([served({}, { version: 'v1' }), served({}, { version: 'v2' })]).toEqual(['ab', 'c']);
  expect(served({ selectors: [selector(['version', 'zone'])] }, { zone: 'y', version: 'v1' })).toBe('b');
});

it('does not fall back from a group whose hosts are ill', () => {
  expect(served({ fallback: 'anybody' }, { version: 'v3' })).toBe('-');
});

it('falls back where no group fits, or the route asks for nothing', () => {
  for (const asked of [{ version: 'v9' }, { zone: 'x' }, undefined]) {
    expect(served({}, asked)).toBe('-');
    expect(served({ fallback: 'anybody' }, asked)).toBe('abc');
    expect(served({ fallback: 'default', defaults: criteriaOf({ version: 'v2' }) }, asked)).toBe('c');
  }
});

it('lets a selector fall back in its own way', () => {
  const asked = { version: 'v2', zone: 'y' };
  const both = ['version', 'zone'];
  expect(served({ selectors: [selector(both, 'nobody')], fallback: 'anybody' }, asked)).toBe('-');
  expect(served({ selectors: [selector(both, 'anybody')] }, asked)).toBe('abc');
  expect(served({ selectors: [selector(both, 'default')], defaults: criteriaOf({ zone: 'y' }) }, asked)).toBe('b');
  expect(served({ selectors: [selector(both, 'fewer-keys', ['version']), selector(['version'])] }, asked)).toBe('c');
});
