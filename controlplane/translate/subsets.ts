/** Which DestinationRules hold for a host, as one proxy sees it: lookup order and merging. Pure. */
import { bySpecificity, hostCovers, resolveHost } from '../mesh/hostnames.ts';
import type { Mesh, MeshService } from '../mesh/mesh.ts';
import { isVisible } from '../mesh/visibility.ts';
import type { DestinationRuleSpec, Subset, TrafficPolicy } from '../resources/destination-rule.ts';

/** What a host's DestinationRules say together. */
export interface EffectiveRule {
  readonly trafficPolicy: TrafficPolicy | undefined;
  readonly subsets: readonly Subset[];
}

const NO_RULE: EffectiveRule = { trafficPolicy: undefined, subsets: [] };

/**
 * Client's namespace, then the service's, then the root namespace: the first that has a rule decides alone; inside it the most specific host.
 * Several rules for one host in one namespace merge: subsets are united (the oldest keeps a repeated name), the oldest traffic policy holds.
 */
export const effectiveRule = (mesh: Mesh, service: MeshService, clientNamespace: string): EffectiveRule => {
  for (const namespace of new Set([clientNamespace, service.namespace, mesh.config.rootNamespace])) {
    const rules = mesh.destinationRules
      .map(({ resource }) => resource)
      .filter(({ metadata, spec }) => metadata.namespace === namespace && isVisible(spec.exportTo, namespace, clientNamespace))
      .map(({ metadata, spec }) => ({ spec, host: resolveHost(spec.host ?? '', metadata.namespace) }))
      .filter(({ host }) => hostCovers(host, service.hostname));
    const mostSpecific = rules.map(({ host }) => host).sort(bySpecificity)[0];
    if (mostSpecific !== undefined) return merge(rules.filter(({ host }) => host === mostSpecific).map(({ spec }) => spec));
  }
  return NO_RULE;
};

const merge = (oldestFirst: readonly DestinationRuleSpec[]): EffectiveRule => {
  const subsets = new Map<string, Subset>();
  for (const spec of oldestFirst)
    for (const subset of spec.subsets ?? []) if (!subsets.has(subset.name ?? '')) subsets.set(subset.name ?? '', subset);
  return { trafficPolicy: oldestFirst.find(({ trafficPolicy }) => trafficPolicy)?.trafficPolicy, subsets: [...subsets.values()] };
};

type Sections = Pick<TrafficPolicy, 'loadBalancer' | 'connectionPool'>;

/** Sections that hold for one port of one subset: a subset's section replaces the rule's, a port's settings replace both. */
export const policyFor = (rule: TrafficPolicy | undefined, subset: TrafficPolicy | undefined, port: number): Sections => {
  const ofPort = [subset, rule].flatMap((policy) => policy?.portLevelSettings ?? []).find((setting) => setting.port?.number === port);
  if (ofPort) return pickSections(ofPort);
  return { ...pickSections(rule ?? {}), ...pickSections(subset ?? {}) };
};

const pickSections = ({ loadBalancer, connectionPool }: Sections): Sections => ({
  ...(loadBalancer === undefined ? {} : { loadBalancer }),
  ...(connectionPool === undefined ? {} : { connectionPool }),
});
