/**
 * Priorities, localities and health → who may be picked, and in which proportion. Pure.
 * Source: Envoy "Priority levels", "Panic threshold", "Locality weighted load balancing".
 */
import type { Random } from '#system/random.ts';
import type { BuildBalancer, Candidate } from './balancers/balancer.ts';
import type { ConfiguredHealth } from './compile-endpoints.ts';

/** A host with what the configuration, checks and ejection say of it together. */
export interface HealthyCandidate extends Candidate {
  readonly health: ConfiguredHealth;
}

/** Hosts of one locality in one priority. */
export interface LocalityHosts<H> {
  readonly weight: number;
  readonly hosts: readonly H[];
}

/** How health turns into eligibility. */
export interface HostSetRules {
  /** 0…1; below this share of healthy hosts health is ignored in a priority; 0 = never. */
  readonly panicShare: number;
  /** 1.4: healthy hosts may carry 1.4 times their share before the next priority helps. */
  readonly overprovisioning: number;
  readonly localityWeighted: boolean;
  readonly balancer: BuildBalancer;
  /** Called for each pick that does not look at health. */
  readonly panicked?: () => void;
}

type Pick<H> = () => H | undefined;

interface Share<H> {
  readonly share: number;
  readonly pick: Pick<H>;
}

const nobody = (): undefined => undefined;

/** One draw among parts; parts with share 0 are never drawn. */
const oneOf = <H>(parts: readonly Share<H>[], random: Random): Pick<H> => {
  const drawn = parts.filter(({ share }) => share > 0);
  const only = drawn[0];
  if (!only) return nobody;
  if (drawn.length === 1) return only.pick;
  const total = drawn.reduce((sum, { share }) => sum + share, 0);
  return () => {
    let point = random.float() * total;
    for (const { share, pick } of drawn) {
      point -= share;
      if (point < 0) return pick();
    }
    return drawn[drawn.length - 1]?.pick();
  };
};

const pickAmong = <H extends HealthyCandidate>(hosts: readonly H[], rules: HostSetRules, random: Random): Pick<H> => {
  if (hosts.length === 0) return nobody;
  const balancer = rules.balancer(hosts, random);
  return () => balancer.pick(undefined);
};

const pickInPriority = <H extends HealthyCandidate>(
  localities: readonly LocalityHosts<H>[],
  accepts: (host: H) => boolean,
  rules: HostSetRules,
  random: Random,
): Pick<H> => {
  const eligible = localities.map(({ hosts }) => hosts.filter(accepts));
  if (!rules.localityWeighted) return pickAmong(eligible.flat(), rules, random);
  const parts = localities.map(({ weight, hosts }, index) => {
    const here = eligible[index] ?? [];
    const available = hosts.length === 0 ? 0 : Math.min(1, (rules.overprovisioning * here.length) / hosts.length);
    return { share: weight * available, pick: pickAmong(here, rules, random) };
  });
  return oneOf(parts, random);
};

interface Level<H> {
  readonly localities: readonly LocalityHosts<H>[];
  /** Without those that drain. */
  readonly total: number;
  readonly healthy: number;
  readonly degraded: number;
}

const levelOf = <H extends HealthyCandidate>(localities: readonly LocalityHosts<H>[]): Level<H> => {
  const hosts = localities.flatMap((locality) => locality.hosts);
  const count = (health: HealthyCandidate['health']) => hosts.filter((host) => host.health === health).length;
  return { localities, total: hosts.length - count('draining'), healthy: count('healthy'), degraded: count('degraded') };
};

/** Share of traffic for the healthy and the degraded hosts of each level; all of it is given away unless nobody is available. */
const loads = <H>(levels: readonly Level<H>[], overprovisioning: number): { healthy: number[]; degraded: number[]; complete: boolean } => {
  const availability = (part: number, total: number) => (total === 0 ? 0 : Math.min(1, (overprovisioning * part) / total));
  const healthy = levels.map((level) => availability(level.healthy, level.total));
  const degraded = levels.map((level) => availability(level.degraded, level.total));
  const sum = [...healthy, ...degraded].reduce((a, b) => a + b, 0);
  const available = Math.min(1, sum);
  if (available === 0) {
    const all = levels.map(({ localities }) => localities.reduce((a, { hosts }) => a + hosts.length, 0));
    const hosts = all.reduce((a, b) => a + b, 0);
    return { healthy: all.map((count) => (hosts === 0 ? 0 : count / hosts)), degraded: levels.map(() => 0), complete: false };
  }
  let left = 1;
  const take = (part: number): number => {
    const taken = Math.min(left, part / available);
    left -= taken;
    return taken;
  };
  return { healthy: healthy.map(take), degraded: degraded.map(take), complete: available >= 1 - 1e-9 };
};

/**
 * Picks a host of the given priorities (index = priority, 0 first); undefined when nobody is eligible.
 * Build again when hosts, weights or health change.
 */
export const hostPicker = <H extends HealthyCandidate>(
  priorities: readonly (readonly LocalityHosts<H>[])[],
  rules: HostSetRules,
  random: Random,
): (() => H | undefined) => {
  const levels = priorities.map(levelOf);
  const { healthy, degraded, complete } = loads(levels, rules.overprovisioning);
  const inPanic = (pick: Pick<H>): Pick<H> => {
    return () => {
      rules.panicked?.();
      return pick();
    };
  };
  if (levels.every(({ localities }) => localities.every(({ hosts }) => hosts.length === 0)))
    return rules.panicShare > 0 ? inPanic(nobody) : nobody;
  const parts = levels.flatMap(({ localities, total, healthy: healthyHosts, degraded: degradedHosts }, index): Share<H>[] => {
    const usable = total === 0 ? 0 : (healthyHosts + degradedHosts) / total;
    const panic = !complete && usable < rules.panicShare;
    if (panic) {
      const share = (healthy[index] ?? 0) + (degraded[index] ?? 0);
      return [{ share, pick: inPanic(pickInPriority(localities, () => true, rules, random)) }];
    }
    return [
      { share: healthy[index] ?? 0, pick: pickInPriority(localities, (host) => host.health === 'healthy', rules, random) },
      { share: degraded[index] ?? 0, pick: pickInPriority(localities, (host) => host.health === 'degraded', rules, random) },
    ];
  });
  return oneOf(parts, random);
};
