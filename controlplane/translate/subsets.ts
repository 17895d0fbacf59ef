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

/**
 * Client's namespace, then the service's, then the root namespace: the first that has a rule decides alone; inside it the most specific host.
 * Several rules for one host in one namespace merge: subsets are united (the oldest keeps a repeated name), the oldest traffic policy holds.
 */
export const effectiveRule = (mesh: Mesh, service: MeshService, clientNamespace: string): EffectiveRule => {
  for (const namespace of new Set([clientNamespace, service.namespace, mesh.config.rootNamespace])) {
    const rules = mesh.destinationRules
      .map(({ resource }) => resource)
      .filter(({ metadata, spec }) => metadata.namespace === namespace && isVisible(spec.exportTo, namespace, clientNamespace))
      .map((rule) => ({ rule, host: resolveHost(rule.spec.host ?? '', namespace) }))
      .filter(({ host }) => hostCovers(host, service.hostname));
    const mostSpecific = rules.map(({ host }) => host).sort(bySpecificity)[0];
    if (mostSpecific !== undefined) return merge(rules.filter(({ host }) => host === mostSpecific).map(({ rule }) => rule));
  }
  return NO_RULE;
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

/** Parts of a traffic policy that replace each other whole. */
export type Sections = Pick<TrafficPolicy, 'loadBalancer' | 'connectionPool' | 'tls'>;

/** Sections that hold for one port of one subset: a subset's section replaces the rule's, a port's settings replace both. */
export const policyFor = (rule: TrafficPolicy | undefined, subset: TrafficPolicy | undefined, port: number): Sections => {
  const ofPort = [subset, rule].flatMap((policy) => policy?.portLevelSettings ?? []).find((setting) => setting.port?.number === port);
  if (ofPort) return pickSections(ofPort);
  return { ...pickSections(rule ?? {}), ...pickSections(subset ?? {}) };
};

const pickSections = ({ loadBalancer, connectionPool, tls }: Sections): Sections => ({
  ...(loadBalancer === undefined ? {} : { loadBalancer }),
  ...(connectionPool === undefined ? {} : { connectionPool }),
  ...(tls === undefined ? {} : { tls }),
});
