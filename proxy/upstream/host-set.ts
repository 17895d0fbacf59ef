/**
 * Priorities, localities and health → who may be picked, and in which proportion. Pure.
 * Source: Envoy "Priority levels", "Panic threshold", "Locality weighted load balancing".
 */
import type { Random } from '#system/random.ts';
import { type Hash64, remainder } from '#system/xxh64.ts';
import type { BuildBalancer, Candidate } from './balancers/balancer.ts';
import { byDeadline } from './balancers/deadlines.ts';
import { anyHash } from './balancers/hash-table.ts';
import { distribute, type LevelCounts, loadOfRetry, type PriorityLoad } from './balancing/priority-load.ts';
import type { ConfiguredHealth } from './compile-endpoints.ts';

/** A host with what the configuration, checks and ejection say of it together. */
export interface HealthyCandidate extends Candidate {
  readonly health: ConfiguredHealth;
  /** What the endpoint's metadata say for balancing: `envoy.lb`. */
  readonly labels?: Labels | undefined;
}

/** Facts by name. */
export type Labels = Readonly<Record<string, unknown>>;

/** What a route asks of its hosts' labels: names and values, by name. */
export type SubsetCriteria = readonly (readonly [name: string, value: unknown])[];

/** Hosts of one locality in one priority. */
export interface LocalityHosts<H> {
  /** `region/zone/sub_zone`. */
  readonly locality?: string;
  readonly weight: number;
  readonly hosts: readonly H[];
}

/** How health turns into eligibility. */
export interface HostSetRules {
  /** Percent; below this share of healthy hosts health is ignored in a priority; 0 = never. */
  readonly panicThreshold: number;
  /** In panic nobody is picked. */
  readonly failsInPanic?: boolean;
  /** 1.4: healthy hosts may carry 1.4 times their share before the next priority helps. */
  readonly overprovisioning: number;
  /** The health of a priority is counted by what its hosts weigh. */
  readonly weightedHealth?: boolean;
  readonly localityWeighted: boolean;
  readonly balancer: BuildBalancer;
  /** The balancer goes by a request's hash. */
  readonly hashes?: boolean;
  /** Called for each pick that does not look at health. */
  readonly panicked?: () => void;
}

/** What one pick is for. */
export interface Wish {
  /** What balancers that hash go by. */
  readonly hash?: Hash64 | undefined;
  /** How often a host was picked for this try and refused. */
  readonly attempt: number;
  readonly subset?: SubsetCriteria | undefined;
  /** Keys of the hosts of earlier tries, whose priorities are to be left out; every: at every so many tries. */
  readonly leftOut?: { readonly tried: readonly string[]; readonly every: number };
}

/** A pick that asks for nothing. */
export const ANY_HOST: Wish = { attempt: 0 };

/** Undefined when nobody is eligible. */
export type HostPicker<H> = (wish: Wish) => H | undefined;

const nobody = (): undefined => undefined;

type Accepts<H> = (host: H) => boolean;

const anybody = (): boolean => true;
const isHealthy = ({ health }: HealthyCandidate): boolean => health === 'healthy';
const isDegraded = ({ health }: HealthyCandidate): boolean => health === 'degraded';
const counts = ({ health }: HealthyCandidate): boolean => health !== 'draining';

const weightOf = (hosts: readonly Candidate[]): number => hosts.reduce((sum, { weight }) => sum + weight, 0);

const countsOf = <H extends HealthyCandidate>(localities: readonly LocalityHosts<H>[], byWeight: boolean): LevelCounts => {
  const hosts = localities.flatMap((locality) => locality.hosts);
  const [healthy, degraded, counted] = [hosts.filter(isHealthy), hosts.filter(isDegraded), hosts.filter(counts)];
  const plain = { healthy: healthy.length, degraded: degraded.length, counted: counted.length };
  const weighed = byWeight ? { healthy: weightOf(healthy), degraded: weightOf(degraded), counted: weightOf(counted) } : plain;
  return { ...plain, hosts: hosts.length, weighed };
};

/** How much of its weight a locality is worth, with this many of its hosts eligible. */
const worth = <H extends HealthyCandidate>({ weight, hosts }: LocalityHosts<H>, eligible: number, overprovisioning: number): number => {
  const counted = hosts.filter(counts).length;
  return counted === 0 ? 0 : weight * Math.min(1, (overprovisioning * eligible) / counted);
};

const pickAmong = <H extends HealthyCandidate>(hosts: readonly H[], rules: HostSetRules, random: Random): HostPicker<H> => {
  if (hosts.length === 0) return nobody;
  const balancer = rules.balancer(hosts, random);
  return () => balancer.pick();
};

/** Localities take turns by weight, where they have one. */
const pickIn = <H extends HealthyCandidate>(
  localities: readonly LocalityHosts<H>[],
  accepts: Accepts<H>,
  rules: HostSetRules,
  random: Random,
): HostPicker<H> => {
  const eligible = localities.map(({ hosts }) => hosts.filter(accepts));
  const parts = rules.localityWeighted
    ? localities.flatMap((locality, index) => {
        const here = eligible[index] ?? [];
        const weight = worth(locality, here.length, rules.overprovisioning);
        return weight > 0 ? [{ weight, pick: pickAmong(here, rules, random) }] : [];
      })
    : [];
  if (parts.length === 0) return pickAmong(eligible.flat(), rules, random);
  const next = byDeadline(parts, ({ weight }) => weight, random);
  return (wish) => next()?.pick(wish);
};

const byName = (a: { readonly locality?: string }, b: { readonly locality?: string }): number => {
  const [first, second] = [(a.locality ?? '').split('/'), (b.locality ?? '').split('/')];
  for (const [index, part] of first.entries()) if (part !== second[index]) return part < (second[index] ?? '') ? -1 : 1;
  return 0;
};

/** One table for a whole priority, in which a host's part is its part of its locality's. */
const pickByHash = <H extends HealthyCandidate>(
  localities: readonly LocalityHosts<H>[],
  accepts: Accepts<H>,
  rules: HostSetRules,
  random: Random,
): HostPicker<H> => {
  const total = localities.reduce((sum, { weight }) => sum + weight, 0);
  const hosts: H[] = [];
  const shares: number[] = [];
  const ordered = rules.localityWeighted ? localities.filter(({ weight }) => weight > 0).toSorted(byName) : localities;
  for (const locality of ordered) {
    const here = locality.hosts.filter(accepts);
    const all = weightOf(here);
    hosts.push(...here);
    if (rules.localityWeighted) shares.push(...here.map(({ weight }) => (weight * (locality.weight / total)) / all));
  }
  if (hosts.length === 0) return nobody;
  const balancer = rules.balancer(hosts, random, rules.localityWeighted ? shares : undefined);
  return ({ hash, attempt }) => balancer.pick(hash, attempt);
};

/** Both ways into one priority. */
interface Level<H> {
  readonly healthy: HostPicker<H>;
  readonly degraded: HostPicker<H>;
}

const levelOf = <H extends HealthyCandidate>(
  localities: readonly LocalityHosts<H>[],
  panics: boolean,
  rules: HostSetRules,
  random: Random,
): Level<H> => {
  const build = rules.hashes ? pickByHash : pickIn;
  if (panics) {
    const pick = rules.failsInPanic
      ? nobody
      : build(localities, anybody, { ...rules, localityWeighted: rules.localityWeighted && !!rules.hashes }, random);
    const counted: HostPicker<H> = (wish) => {
      rules.panicked?.();
      return pick(wish);
    };
    return { healthy: counted, degraded: counted };
  }
  const healthy = build(localities, isHealthy, rules, random);
  // Tables are made of healthy hosts, however much of their traffic is meant for others. (Envoy 1.40)
  return { healthy, degraded: rules.hashes ? healthy : build(localities, isDegraded, rules, random) };
};

/** point: 1…100. */
const choose = <H>(levels: readonly Level<H>[], load: PriorityLoad, point: number): HostPicker<H> => {
  let passed = 0;
  for (const [index, level] of levels.entries()) {
    passed += load.healthy[index] ?? 0;
    if (point <= passed) return level.healthy;
  }
  for (const [index, level] of levels.entries()) {
    passed += load.degraded[index] ?? 0;
    if (point <= passed) return level.degraded;
  }
  return nobody;
};

/** By key: the priority that a host is in. */
const priorityIndex = <H extends HealthyCandidate>(priorities: readonly (readonly LocalityHosts<H>[])[]): ReadonlyMap<string, number> =>
  new Map(priorities.flatMap((localities, level) => localities.flatMap(({ hosts }) => hosts.map(({ key }) => [key, level] as const))));

/** priorities: index = priority, 0 first. Build again when hosts, weights or health change. */
export const hostPicker = <H extends HealthyCandidate>(
  priorities: readonly (readonly LocalityHosts<H>[])[],
  rules: HostSetRules,
  random: Random,
): HostPicker<H> => {
  const all = priorities.length === 0 ? [[]] : priorities;
  const byWeight = rules.weightedHealth ?? false;
  const found = distribute(
    all.map((localities) => countsOf(localities, byWeight)),
    { overprovisioning: Math.round(rules.overprovisioning * 100), panicThreshold: rules.panicThreshold },
  );
  const levels = all.map((localities, index) => levelOf(localities, found.panics[index] ?? false, rules, random));
  const { hashes = false } = rules;
  const first = [1, 100].map((point) => choose(levels, found.load, point));
  const only = first[0] === first[1] ? first[0] : undefined;
  let indexed: ReadonlyMap<string, number> | undefined;
  const loadFor = ({ tried, every }: NonNullable<Wish['leftOut']>): PriorityLoad => {
    indexed ??= priorityIndex(all);
    const index = indexed;
    return loadOfRetry(
      found,
      tried.map((key) => index.get(key)),
      every,
    );
  };
  return (wish) => {
    // Who hashes does not ask which priorities were tried. (Envoy 1.40)
    const leftOut = hashes ? undefined : wish.leftOut;
    if (only && !leftOut) return only(wish);
    const load = leftOut ? loadFor(leftOut) : found.load;
    if (!hashes) return choose(levels, load, random.below(100) + 1)(wish);
    const hash = wish.hash ?? anyHash(random);
    return choose(levels, load, remainder(hash, 100) + 1)({ ...wish, hash });
  };
};
