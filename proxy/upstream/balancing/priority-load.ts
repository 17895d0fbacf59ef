/**
 * Health of the priorities → how much traffic each gets, in whole percent as Envoy counts, and which of them panic. Pure.
 * Source: Envoy "Priority levels", "Panic threshold", `LoadBalancerBase`.
 */

/** Hosts of one priority, counted. */
export interface LevelCounts {
  readonly hosts: number;
  /** Without those that do not count at all. */
  readonly counted: number;
  readonly healthy: number;
  readonly degraded: number;
  /** Of what healthy, degraded and counted hosts weigh: where weights make the health of a priority; else as above. */
  readonly weighed: { readonly healthy: number; readonly degraded: number; readonly counted: number };
}

/** Percent by priority. */
export interface PriorityLoad {
  readonly healthy: readonly number[];
  readonly degraded: readonly number[];
}

/** What priorities could carry, and what they shall. */
export interface Distribution {
  readonly availability: PriorityLoad;
  readonly load: PriorityLoad;
  /** By priority: health does not count there. */
  readonly panics: readonly boolean[];
}

/** Percents. overprovisioning: 140 = healthy hosts may carry 1.4 times their share before the next priority helps. */
export interface LoadRules {
  readonly overprovisioning: number;
  /** 0 = never. */
  readonly panicThreshold: number;
}

const WHOLE = 100;

const sum = (parts: readonly number[]): number => parts.reduce((a, b) => a + b, 0);

/** Of healthy and degraded together, at most all. */
const total = ({ healthy, degraded }: PriorityLoad): number => Math.min(WHOLE, sum(healthy) + sum(degraded));

const availabilityOf = (levels: readonly LevelCounts[], overprovisioning: number): PriorityLoad => {
  const part = (of: number, counted: number) => (counted === 0 ? 0 : Math.min(WHOLE, Math.floor((overprovisioning * of) / counted)));
  return {
    healthy: levels.map(({ weighed }) => part(weighed.healthy, weighed.counted)),
    degraded: levels.map(({ weighed }) => part(weighed.degraded, weighed.counted)),
  };
};

/** The first priorities take what they can, healthy hosts before degraded ones; what rounding leaves goes to the first that is there at all. */
const distributed = (availability: PriorityLoad): PriorityLoad => {
  const available = total(availability);
  let left = WHOLE;
  const take = (part: number): number => {
    const taken = Math.min(left, Math.floor((part * WHOLE) / available));
    left -= taken;
    return taken;
  };
  const healthy = availability.healthy.map(take);
  const degraded = availability.degraded.map(take);
  const first = availability.healthy.findIndex((part) => part > 0);
  if (first >= 0) healthy[first] = (healthy[first] ?? 0) + left;
  else {
    const second = availability.degraded.findIndex((part) => part > 0);
    degraded[second] = (degraded[second] ?? 0) + left;
  }
  return { healthy, degraded };
};

/** Everybody panics: traffic goes by the number of hosts, whatever their health. */
const byHosts = (levels: readonly LevelCounts[]): PriorityLoad => {
  const all = sum(levels.map(({ hosts }) => hosts));
  const healthy = levels.map(({ hosts }) => (all === 0 ? 0 : Math.floor((WHOLE * hosts) / all)));
  const first = Math.max(
    0,
    levels.findIndex(({ hosts }) => hosts > 0),
  );
  healthy[first] = (healthy[first] ?? 0) + WHOLE - sum(healthy);
  return { healthy, degraded: levels.map(() => 0) };
};

/** levels: index = priority; at least one. */
export const distribute = (levels: readonly LevelCounts[], { overprovisioning, panicThreshold }: LoadRules): Distribution => {
  const availability = availabilityOf(levels, overprovisioning);
  const available = total(availability);
  if (available === 0 && panicThreshold === 0) {
    const nowhere = levels.map(() => 0);
    return { availability, load: { healthy: nowhere.with(0, WHOLE), degraded: nowhere }, panics: levels.map(() => false) };
  }
  const panics = levels.map(({ healthy, degraded, counted }) => {
    const usable = counted === 0 ? 0 : (WHOLE * healthy) / counted + (WHOLE * degraded) / counted;
    return available < WHOLE && usable < panicThreshold;
  });
  return { availability, load: panics.every(Boolean) ? byHosts(levels) : distributed(availability), panics };
};

const without = ({ healthy, degraded }: PriorityLoad, excluded: ReadonlySet<number>): PriorityLoad => {
  const left = (parts: readonly number[]) => parts.map((part, level) => (excluded.has(level) ? 0 : part));
  return { healthy: left(healthy), degraded: left(degraded) };
};

/** As `distributed`, but that what rounding leaves goes round again. */
const spread = (availability: PriorityLoad): PriorityLoad => {
  const available = total(availability);
  const healthy = availability.healthy.map(() => 0);
  const degraded = availability.degraded.map(() => 0);
  let left = WHOLE;
  const give = (to: number[], parts: readonly number[]): void => {
    for (const [level, part] of parts.entries()) {
      const taken = Math.min(left, Math.floor((part * WHOLE) / available));
      to[level] = (to[level] ?? 0) + taken;
      left -= taken;
    }
  };
  while (left > 0) {
    give(healthy, availability.healthy);
    give(degraded, availability.degraded);
  }
  return { healthy, degraded };
};

/**
 * The load of a retry that leaves out priorities tried before. tried: priority of each try so far, undefined = of a host that is gone.
 * every: the set of those left out grows at every so many tries. When all were tried, it starts anew.
 * Source: Envoy, `envoy.retry_priorities.previous_priorities`.
 */
export const loadOfRetry = ({ availability, load }: Distribution, tried: readonly (number | undefined)[], every: number): PriorityLoad => {
  const excluded = new Set<number>();
  let current = load;
  let seen: (number | undefined)[] = [];
  for (const level of tried) {
    seen.push(level);
    if (seen.length < every) current = load;
    if (seen.length < every || seen.length % every > 0) continue;
    for (const one of seen) if (one !== undefined) excluded.add(one);
    let left = without(availability, excluded);
    if (total(left) === 0) {
      excluded.clear();
      seen = [];
      left = availability;
    }
    current = total(left) === 0 ? load : spread(left);
  }
  return current;
};
