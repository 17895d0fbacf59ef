/** Hosts by what their labels say, each group picked from by itself. Pure. Source: Envoy "Load Balancer Subsets". */
import type { HealthyCandidate, HostPicker, Labels, LocalityHosts, SubsetCriteria } from '../host-set.ts';

/** Who serves where no group fits. */
export type SubsetFallback = 'nobody' | 'anybody' | 'default';

/** Groups hosts that have all of these labels by what they say. */
export interface SubsetSelector {
  /** In alphabetical order. */
  readonly keys: readonly string[];
  /** 'fewer-keys': as if the route asked for `fallbackKeys` alone; undefined = as for the whole cluster. */
  readonly fallback: SubsetFallback | 'fewer-keys' | undefined;
  readonly fallbackKeys: readonly string[];
}

/** How a cluster's hosts fall into groups. */
export interface SubsetRules {
  readonly selectors: readonly SubsetSelector[];
  readonly fallback: SubsetFallback;
  readonly defaults: SubsetCriteria;
}

type Priorities<H> = readonly (readonly LocalityHosts<H>[])[];

const has = (labels: Labels | undefined, name: string): labels is Labels => labels !== undefined && Object.hasOwn(labels, name);

const same = (a: unknown, b: unknown): boolean => a === b || JSON.stringify(a) === JSON.stringify(b);

/** Whether labels say all of that. */
export const fits = (criteria: SubsetCriteria, labels: Labels | undefined): boolean =>
  criteria.every(([name, value]) => has(labels, name) && same(labels[name], value));

/** What facts ask for, in the order in which criteria stand. */
export const criteriaOf = (facts: Labels): SubsetCriteria =>
  Object.keys(facts)
    .toSorted()
    .map((name) => [name, facts[name]]);

const filtered = <H extends HealthyCandidate>(priorities: Priorities<H>, accepts: (host: H) => boolean): Priorities<H> =>
  priorities.map((localities) => localities.map((locality) => ({ ...locality, hosts: locality.hosts.filter(accepts) })));

/** Who is in which group; nobody else is looked at again. */
const grouped = <H extends HealthyCandidate>(priorities: Priorities<H>, keys: readonly string[]): Map<string, Set<H>> => {
  const groups = new Map<string, Set<H>>();
  for (const host of priorities.flat().flatMap(({ hosts }) => hosts)) {
    const { labels } = host;
    if (!keys.every((key) => has(labels, key))) continue;
    const signature = JSON.stringify(keys.map((key) => [key, labels?.[key]]));
    const group = groups.get(signature);
    if (group) group.add(host);
    else groups.set(signature, new Set([host]));
  }
  return groups;
};

const nobody = (): undefined => undefined;

/** What is told of groups. */
export interface SubsetNotes {
  /** Once for each that there is now. */
  readonly group: (signature: string) => void;
  /** At each pick in a group that a route asks for. */
  readonly selected: () => void;
  /** At each pick where no group fits and the cluster's fallback has a host. */
  readonly fellBack: () => void;
}

const counting =
  <H>(pick: HostPicker<H>, count: () => void): HostPicker<H> =>
  (wish) => {
    const host = pick(wish);
    if (host !== undefined) count();
    return host;
  };

/** picker: how a group is picked from. */
export const subsetPicker = <H extends HealthyCandidate>(
  priorities: Priorities<H>,
  { selectors, fallback, defaults }: SubsetRules,
  picker: (priorities: Priorities<H>) => HostPicker<H>,
  notes: SubsetNotes,
): HostPicker<H> => {
  const bySignature = new Map<string, HostPicker<H>>();
  for (const { keys } of selectors) {
    for (const [signature, group] of grouped(priorities, keys))
      if (!bySignature.has(signature)) {
        const pick = picker(filtered(priorities, (host) => group.has(host)));
        notes.group(signature);
        bySignature.set(signature, (wish) => {
          notes.selected();
          return pick(wish);
        });
      }
  }
  const uses = (which: SubsetFallback): boolean => fallback === which || selectors.some((selector) => selector.fallback === which);
  const fallbacks: Readonly<Record<SubsetFallback, HostPicker<H>>> = {
    nobody,
    anybody: uses('anybody') ? picker(priorities) : nobody,
    default: uses('default') ? picker(filtered(priorities, ({ labels }) => fits(defaults, labels))) : nobody,
  };
  const otherwise = counting(fallbacks[fallback], notes.fellBack);
  const find = (criteria: SubsetCriteria): HostPicker<H> => {
    const known = bySignature.get(JSON.stringify(criteria));
    if (known) return known;
    const names = criteria.map(([name]) => name).join('\n');
    const selector = selectors.find(({ keys }) => keys.join('\n') === names);
    if (selector?.fallback === undefined) return otherwise;
    if (selector.fallback !== 'fewer-keys') return fallbacks[selector.fallback];
    return find(criteria.filter(([name]) => selector.fallbackKeys.includes(name)));
  };
  // Criteria are a route's, so there are as many as routes, and each is looked for once.
  const found = new WeakMap<SubsetCriteria, HostPicker<H>>();
  const pickerFor = (criteria: SubsetCriteria): HostPicker<H> => {
    const known = found.get(criteria) ?? find(criteria);
    found.set(criteria, known);
    return known;
  };
  return (wish) => (wish.subset ? pickerFor(wish.subset) : otherwise)(wish);
};
