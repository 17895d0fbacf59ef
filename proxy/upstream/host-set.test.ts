import { describe, expect, it } from 'vitest';
import { seededRandom } from '#system/random.ts';
import { balancerFor } from './balancers/policies.ts';
import { type HealthyCandidate, type HostSetRules, hostPicker, type LocalityHosts } from './host-set.ts';

const host = (key: string, health: HealthyCandidate['health'] = 'healthy'): HealthyCandidate => ({
  key,
  health,
  weight: 1,
  activeRequests: 0,
});
const locality = (hosts: HealthyCandidate[], weight = 1): LocalityHosts<HealthyCandidate> => ({ weight, hosts });
const rules = { panicShare: 0.5, overprovisioning: 1.4, localityWeighted: false, balancer: balancerFor({ kind: 'random' }) };

const shares = (priorities: LocalityHosts<HealthyCandidate>[][], overrides: Partial<HostSetRules> = {}): Record<string, number> => {
  const pick = hostPicker(priorities, { ...rules, ...overrides }, seededRandom(3));
  const counts: Record<string, number> = {};
  for (let i = 0; i < 2000; i++) {
    const key = pick()?.key ?? 'nobody';
    counts[key] = (counts[key] ?? 0) + 1 / 2000;
  }
  return counts;
};

describe('host set', () => {
  it('never picks an unhealthy host while enough are healthy', () => {
    expect(shares([[locality([host('a'), host('b'), host('c', 'unhealthy')])]])).not.toHaveProperty('c');
  });

  it('picks from everybody once fewer than the panic share are healthy', () => {
    const picked = shares([[locality([host('a'), host('b', 'unhealthy'), host('c', 'unhealthy')])]]);
    expect(Object.keys(picked).sort()).toEqual(['a', 'b', 'c']);
  });

  it('picks nobody when all are unhealthy and panic is off', () => {
    expect(shares([[locality([host('a', 'unhealthy')])]], { panicShare: 0 })).toEqual({ nobody: expect.closeTo(1, 5) });
  });

  it('leaves the second priority alone while the first has enough healthy hosts', () => {
    const first = locality([host('a'), host('b'), host('c'), host('d', 'unhealthy')]);
    expect(shares([[first], [locality([host('far')])]])).not.toHaveProperty('far');
  });

  it('spills what the first priority cannot carry: half healthy carries 70 %', () => {
    const first = locality([host('a'), host('b', 'unhealthy')]);
    expect(shares([[first], [locality([host('far')])]]).far).toBeCloseTo(0.3, 1);
  });

  it('counts a draining host neither as healthy nor as there', () => {
    const draining = locality([host('a'), host('b', 'draining'), host('c', 'draining')]);
    expect(shares([[draining], [locality([host('far')])]])).toEqual({ a: expect.closeTo(1, 5) });
  });

  it('does not panic while degraded hosts make up what healthy ones lack, and tells each pick made in panic', () => {
    let panics = 0;
    const panicked = () => void panics++;
    shares([[locality([host('a'), host('b', 'degraded'), host('c', 'unhealthy')])]], { panicked });
    expect(panics).toBe(0);
    shares([[locality([host('a', 'unhealthy')])]], { panicked });
    shares([[]], { panicked });
    expect(panics).toBe(4000);
  });

  it('uses degraded hosts only for what healthy hosts cannot carry', () => {
    const picked = shares([[locality([host('a'), host('b', 'degraded')])]]);
    expect(picked.b).toBeCloseTo(0.3, 1);
  });

  it('splits by locality weight when told to', () => {
    const picked = shares([[locality([host('near')], 80), locality([host('far')], 20)]], { localityWeighted: true });
    expect(picked.near).toBeCloseTo(0.8, 1);
  });
});
