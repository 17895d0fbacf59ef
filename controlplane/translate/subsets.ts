/** Which DestinationRules hold for a host, as one proxy sees it: lookup order and merging. Pure. */
import { bySpecificity, hostCovers, resolveHost } from '../mesh/hostnames.ts';
import type { Mesh, MeshService } from '../mesh/mesh.ts';
import { isVisible } from '../mesh/visibility.ts';
import type { Subset, TrafficPolicy } from '../resources/destination-rule.ts';
import type { ResourceOf } from '../resources/resource.ts';

/** Where a rule or a part of it stands. */
export interface RuleSource {
  readonly namespace: string;
  readonly name: string;
  readonly fieldPath: string;
}

/** What a host's DestinationRules say together. */
export interface EffectiveRule {
  readonly trafficPolicy: TrafficPolicy | undefined;
  readonly subsets: readonly (Subset & { readonly source: RuleSource })[];
  /** Of the traffic policy, or else of the oldest rule; undefined when there is no rule. */
  readonly source: RuleSource | undefined;
}

type Rule = ResourceOf<'DestinationRule'>;

const NO_RULE: EffectiveRule = { trafficPolicy: undefined, subsets: [], source: undefined };

/** Whose rule it is: of who calls, or of who is called. */
export interface RuleReader {
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
}

/**
 * Client's namespace, then the service's, then the root namespace: the first that has a rule decides alone; inside it the most specific host.
 * Several rules for one host in one namespace merge: subsets are united (the oldest keeps a repeated name), the oldest traffic policy holds.
 * A rule with a workloadSelector is for those workloads of its own namespace, comes before rules without, and merges only with its like. side: servers heed no selector.
 */
export const effectiveRule = (
  mesh: Mesh,
  service: MeshService,
  reader: RuleReader,
  side: 'client' | 'server' = 'client',
): EffectiveRule => {
  for (const namespace of new Set([reader.namespace, service.namespace, mesh.config.rootNamespace])) {
    const rules = mesh.destinationRules
      .map(({ resource }) => resource)
      .filter(({ metadata, spec }) => metadata.namespace === namespace && isVisible(spec.exportTo, namespace, reader.namespace))
      .map((rule) => ({ rule, host: resolveHost(rule.spec.host ?? '', namespace) }))
      .filter(({ host }) => hostCovers(host, service.hostname));
    const mostSpecific = rules.map(({ host }) => host).sort(bySpecificity)[0];
    if (mostSpecific !== undefined) {
      const ofHost = rules.filter(({ host }) => host === mostSpecific).map(({ rule }) => rule);
      return merge(side === 'server' ? unselective(ofHost) : chosen(ofHost, reader));
    }
  }
  return NO_RULE;
};

const selectorOf = ({ spec }: Rule) => spec.workloadSelector?.matchLabels ?? {};

const unselective = (rules: readonly Rule[]): Rule[] => rules.filter(({ spec }) => spec.workloadSelector === undefined);

const chosen = (rules: readonly Rule[], { namespace, labels }: RuleReader): Rule[] => {
  const fits = (rule: Rule): boolean => Object.entries(selectorOf(rule)).every(([name, value]) => labels[name] === value);
  const mine = rules.find((rule) => rule.spec.workloadSelector && rule.metadata.namespace === namespace && fits(rule));
  if (!mine) return unselective(rules);
  const alike = JSON.stringify(Object.entries(selectorOf(mine)).sort());
  return rules.filter((rule) => rule.spec.workloadSelector && JSON.stringify(Object.entries(selectorOf(rule)).sort()) === alike);
};

const merge = (oldestFirst: readonly Rule[]): EffectiveRule => {
  const subsets = new Map<string, EffectiveRule['subsets'][number]>();
  for (const rule of oldestFirst)
    for (const [index, subset] of (rule.spec.subsets ?? []).entries())
      if (!subsets.has(subset.name ?? '')) subsets.set(subset.name ?? '', { ...subset, source: sourceOf(rule, `spec.subsets[${index}]`) });
  const decisive = oldestFirst.find(({ spec }) => spec.trafficPolicy);
  const [oldest] = oldestFirst;
  return {
    trafficPolicy: decisive?.spec.trafficPolicy,
    subsets: [...subsets.values()],
    source: decisive ? sourceOf(decisive, 'spec.trafficPolicy') : oldest && sourceOf(oldest, 'spec'),
  };
};

const sourceOf = ({ metadata: { namespace, name } }: Rule, fieldPath: string): RuleSource => ({ namespace, name, fieldPath });

const OF_PORTS = ['loadBalancer', 'connectionPool', 'outlierDetection', 'tls'] as const;

/** Parts of a traffic policy that replace each other whole. A budget of retries cannot be given to a port. */
export type Sections = Pick<TrafficPolicy, (typeof OF_PORTS)[number] | 'retryBudget'>;

/** Sections that hold for one port of one subset. A port's settings replace all sections of the level that they stand in; a subset's sections replace the rule's, one by one. */
export const policyFor = (rule: TrafficPolicy | undefined, subset: TrafficPolicy | undefined, port: number): Sections => {
  const below = ofPort(rule, port) ?? pick(rule ?? {}, [...OF_PORTS, 'retryBudget']);
  const settings = ofPort(subset, port);
  if (settings) return { ...pick(below, ['retryBudget']), ...settings };
  return { ...below, ...pick(subset ?? {}, [...OF_PORTS, 'retryBudget']) };
};

const ofPort = (policy: TrafficPolicy | undefined, number: number): Sections | undefined => {
  const settings = policy?.portLevelSettings?.find(({ port }) => port?.number === number);
  return settings && pick(settings, OF_PORTS);
};

const pick = (sections: Sections, names: readonly (keyof Sections)[]): Sections =>
  Object.fromEntries(names.flatMap((name) => (sections[name] === undefined ? [] : [[name, sections[name]]])));
