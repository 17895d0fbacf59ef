import { describe, expect, it } from 'vitest';
import { seededRandom } from '#system/random.ts';
import { xxh64 } from '#system/xxh64.ts';
import { ENVOY_PICKS } from './balancers/envoy-picks.fixture.ts';
import { balancerFor } from './balancers/policies.ts';
import { ANY_HOST, type HealthyCandidate, type HostSetRules, hostPicker, type LocalityHosts } from './host-set.ts';

const host = (key: string, health: HealthyCandidate['health'] = 'healthy'): HealthyCandidate => ({
  key,
  health,
  weight: 1,
  activeRequests: 0,
});
const locality = (hosts: HealthyCandidate[], weight = 1): LocalityHosts<HealthyCandidate> => ({ weight, hosts });
const rules = { panicThreshold: 50, overprovisioning: 1.4, localityWeighted: false, balancer: balancerFor({ kind: 'random' }) };

const shares = (priorities: LocalityHosts<HealthyCandidate>[][], overrides: Partial<HostSetRules> = {}): Record<string, number> => {
  const pick = hostPicker(priorities, { ...rules, ...overrides }, seededRandom(3));
  const counts: Record<string, number> = {};
  for (let i = 0; i < 2000; i++) {
    const key = pick(ANY_HOST)?.key ?? 'nobody';
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
    expect(shares([[locality([host('a', 'unhealthy')])]], { panicThreshold: 0 })).toEqual({ nobody: expect.closeTo(1, 5) });
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

  it('takes localities in turn by what of their weight their healthy hosts can carry', () => {
    const half = locality([host('a'), host('b', 'unhealthy')], 50);
    const picked = shares([[half, locality([host('far')], 50)]], { localityWeighted: true });
    // 50 × 0.7 against 50.
    expect(picked.a).toBeCloseTo(35 / 85, 2);
  });

  it('spreads over all hosts when no locality weighs anything, and in panic whatever they weigh', () => {
    expect(shares([[locality([host('a')], 0), locality([host('b')], 0)]], { localityWeighted: true }).a).toBeCloseTo(0.5, 1);
    const ill = locality([host('a'), host('b', 'unhealthy'), host('c', 'unhealthy')], 1);
    expect(shares([[ill, locality([host('d', 'unhealthy')], 99)]], { localityWeighted: true }).d).toBeCloseTo(0.25, 1);
  });

  it('counts in whole percent: what rounding leaves goes to the first priority', () => {
    const third = locality([host('a'), host('b', 'unhealthy'), host('c', 'unhealthy')]);
    // 1.4 × 1/3 is 46 %; the second priority takes 46, the third the other 8.
    const picked = shares(
      [[third], [third], [third]].map((level, index) => [
        locality((level[0]?.hosts ?? []).map((each) => ({ ...each, key: `${each.key}${index}` }))),
      ]),
      {
        panicThreshold: 0,
      },
    );
    expect(picked.a0).toBeCloseTo(0.46, 1);
    expect(picked.a2).toBeCloseTo(0.08, 1);
  });

  it('counts the health of a priority by weight when told to', () => {
    const heavy = { ...host('heavy', 'unhealthy'), weight: 9 };
    const priorities = [[locality([host('light'), heavy])], [locality([host('far')])]];
    expect(shares(priorities).far).toBeCloseTo(0.3, 1);
    expect(shares(priorities, { weightedHealth: true }).far).toBeCloseTo(0.86, 1);
  });

  it('picks nobody in panic when told to fail, and still tells of the panic', () => {
    let panics = 0;
    const picked = shares([[locality([host('a'), host('b', 'unhealthy'), host('c', 'unhealthy')])]], {
      failsInPanic: true,
      panicked: () => void panics++,
    });
    expect(picked).toEqual({ nobody: expect.closeTo(1, 5) });
    expect(panics).toBe(2000);
  });

  it('leaves out priorities that earlier tries were in, until all were tried', () => {
    const priorities = [[locality([host('a')])], [locality([host('b')])], [locality([host('c')])]];
    const pick = hostPicker(priorities, rules, seededRandom(3));
    const behind = (...tried: string[]) => pick({ attempt: 0, leftOut: { tried, every: 1 } })?.key;
    expect([behind(), behind('a'), behind('a', 'b'), behind('a', 'b', 'c')]).toEqual(['a', 'b', 'c', 'a']);
    const every2 = (...tried: string[]) => pick({ attempt: 0, leftOut: { tried, every: 2 } })?.key;
    expect([every2('a'), every2('a', 'a'), every2('a', 'a', 'b'), every2('a', 'a', 'b', 'b')]).toEqual(['a', 'b', 'b', 'c']);
  });

  it.each([
    ['ring', { kind: 'ring-hash', minSize: 1024, maxSize: 8_388_608, by: 'address' }],
    ['maglev', { kind: 'maglev', tableSize: 65_537, by: 'address' }],
  ] as const)('picks as Envoy 1.40 does over priorities and localities with a %s', (name, policy) => {
    const numbered = (n: number, facts: Partial<HealthyCandidate> = {}) => ({ ...host(`127.9.0.${n}:31999`), ...facts });
    const picks = (priorities: LocalityHosts<HealthyCandidate>[][], localityWeighted: boolean): string => {
      const pick = hostPicker(priorities, { ...rules, localityWeighted, balancer: balancerFor(policy), hashes: true }, seededRandom(1));
      const number = (k: number) => pick({ attempt: 0, hash: xxh64(`user-${k}`) })?.key.slice(8, 9);
      return Array.from({ length: 300 }, (_, k) => number(k)).join('');
    };
    const sick = { health: 'unhealthy' } as const;
    const first = locality([numbered(1), numbered(2), numbered(3, sick), numbered(4, sick)]);
    const second = locality([numbered(5), numbered(6), numbered(7)]);
    expect(picks([[first], [second]], false)).toBe(ENVOY_PICKS[`${name}OverPriorities`]);
    const zone = (zone: string, weight: number, hosts: HealthyCandidate[]) => ({ ...locality(hosts, weight), locality: `r/${zone}/` });
    const zones = [
      zone('z2', 3, [numbered(1), numbered(2, { weight: 4 })]),
      zone('z1', 1, [numbered(3), numbered(4), numbered(5)]),
      zone('z3', 7, [numbered(6, { weight: 2 }), numbered(7)]),
    ];
    expect(picks([zones], true)).toBe(ENVOY_PICKS[`${name}ByLocality`]);
  });
});
