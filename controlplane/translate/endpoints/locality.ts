/**
 * Where endpoints are, seen from where the caller is → priorities and shares of the groups of an assignment. Pure.
 * Source: istio pilot/pkg/networking/core/loadbalancer; Envoy's priorities go from 0 without a gap.
 */
import type { Locality } from '#envoy';
import type { MeshConfig } from '../../mesh/mesh.ts';
import type { TrafficPolicy } from '../../resources/destination-rule.ts';
import type { Sections } from '../subsets.ts';
import type { ServiceEndpoint } from './endpoints.ts';

type Setting = NonNullable<NonNullable<TrafficPolicy['loadBalancer']>['localityLbSetting']>;

/** Endpoints of one locality. weight: its share, where shares count. */
export interface LocalityGroup {
  readonly locality: Place;
  readonly endpoints: readonly ServiceEndpoint[];
  readonly weight: number;
  readonly priority: number;
}

type Place = Pick<Locality, 'region' | 'zone' | 'subZone'>;
type LocalityPolicy = Pick<Sections, 'loadBalancer' | 'outlierDetection'>;

/** Who calls: where it runs, and the labels that `failoverPriority` compares. */
export interface LocalCaller {
  readonly locality?: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** `region/zone/subzone`, the later parts may be absent. */
const placeOf = (text: string): Place => {
  const [region = '', zone = '', subZone = ''] = text.split('/');
  return { region, zone, subZone };
};

/** Localities in the order of their names, addresses in their order inside, so that the same endpoints make the same message. */
export const byLocality = (endpoints: readonly ServiceEndpoint[]): LocalityGroup[] => {
  const sorted = [...endpoints].sort((a, b) => (a.address === b.address ? a.port - b.port : a.address < b.address ? -1 : 1));
  const names = [...new Set(sorted.map(({ locality = '' }) => locality))].sort();
  return names.map((name) =>
    group(
      placeOf(name),
      sorted.filter(({ locality = '' }) => locality === name),
      0,
    ),
  );
};

const group = (locality: Place, endpoints: readonly ServiceEndpoint[], priority: number): LocalityGroup => ({
  locality,
  endpoints,
  weight: endpoints.reduce((sum, { weight }) => sum + weight, 0),
  priority,
});

/** The setting that holds: the rule's whole, else the mesh's; undefined where it is switched off. */
const settingOf = ({ loadBalancer }: Pick<Sections, 'loadBalancer'>, mesh: MeshConfig['localityLbSetting']): Setting | undefined => {
  const setting = loadBalancer?.localityLbSetting ?? mesh;
  return setting.enabled === false ? undefined : setting;
};

/** Whether somebody asked for shares or an order of localities. Failover needs outlier detection: without it nobody learns that an endpoint failed. */
export const isDistributed = (policy: LocalityPolicy, mesh: MeshConfig['localityLbSetting']): boolean => {
  const { distribute, failover, failoverPriority } = settingOf(policy, mesh) ?? {};
  return isGiven(distribute) || (policy.outlierDetection !== undefined && (isGiven(failover) || isGiven(failoverPriority)));
};

const isGiven = (list: readonly unknown[] | undefined): boolean => (list?.length ?? 0) > 0;

/** Groups as that caller gets them. With outlier detection those nearer to it come first, also where no rule says so. */
export const arrange = (
  groups: readonly LocalityGroup[],
  caller: LocalCaller,
  policy: LocalityPolicy,
  mesh: MeshConfig['localityLbSetting'],
): LocalityGroup[] => {
  const setting = settingOf(policy, mesh);
  if (!setting) return [...groups];
  const here = placeOf(caller.locality ?? '');
  if (setting.distribute?.length) return distributed(groups, here, setting.distribute);
  if (!policy.outlierDetection) return [...groups];
  if (!setting.failoverPriority?.length) return failedOver(groups, here, setting.failover ?? []);
  const ordered = byLabels(groups, withTopology(caller.labels, caller.locality), setting.failoverPriority);
  return setting.failover?.length ? failedOver(ordered, here, setting.failover) : ordered;
};

/** `*` and what is not said match everything. */
const matches = ({ region, zone, subZone }: Place, pattern: string): boolean => {
  const wanted = placeOf(pattern);
  const fits = (part: string, want: string): boolean => want === '*' || want === '' || part === want;
  return (wanted.region === '*' || region === wanted.region) && fits(zone, wanted.zone) && fits(subZone, wanted.subZone);
};

/** The first entry whose `from` is the caller's place decides. Localities that it does not name get nothing; several that one pattern names divide its share. */
const distributed = (groups: readonly LocalityGroup[], here: Place, distribute: NonNullable<Setting['distribute']>): LocalityGroup[] => {
  const entry = distribute.find(({ from = '' }) => matches(here, from));
  if (!entry) return [...groups];
  const left = new Set(groups);
  const shares = new Map<LocalityGroup, number>();
  for (const [pattern, share] of Object.entries(entry.to ?? {})) {
    const named = [...left].filter(({ locality }) => matches(locality, pattern));
    const total = named.reduce((sum, { weight }) => sum + weight, 0);
    for (const one of named) {
      left.delete(one);
      shares.set(one, Math.ceil((one.weight * share) / total) || one.weight);
    }
  }
  return groups.map((one) => (left.has(one) ? { ...one, endpoints: [] } : { ...one, weight: shares.get(one) ?? one.weight }));
};

/** Same subzone, zone, region, then the region that a rule names, then the rest. */
const failedOver = (groups: readonly LocalityGroup[], here: Place, failover: NonNullable<Setting['failover']>): LocalityGroup[] => {
  const next = failover.find(({ from }) => from === here.region);
  const distance = ({ region, zone, subZone }: Place): number => {
    if (region !== here.region) return next && region !== next.to ? 4 : 3;
    if (zone !== here.zone) return 2;
    return subZone === here.subZone ? 0 : 1;
  };
  return withoutGaps(groups.map((one) => ({ ...one, priority: one.priority * 5 + distance(one.locality) })));
};

/** Where somebody runs is told by labels, too. Source: istio AugmentLabels. */
const withTopology = (labels: Readonly<Record<string, string>>, locality = ''): Readonly<Record<string, string>> => {
  const { region, zone, subZone } = placeOf(locality);
  return {
    ...labels,
    ...(region && { 'topology.kubernetes.io/region': region }),
    ...(zone && { 'topology.kubernetes.io/zone': zone }),
    ...(subZone && { 'topology.istio.io/subzone': subZone }),
  };
};

/** The more labels of the list an endpoint has in common with the caller, from the first on, the sooner its turn. `label=value` stands for the caller's own value. */
const byLabels = (
  groups: readonly LocalityGroup[],
  own: Readonly<Record<string, string>>,
  failoverPriority: readonly string[],
): LocalityGroup[] => {
  if (Object.keys(own).length === 0) return [...groups];
  const wanted = failoverPriority.map((entry) => {
    const [label = '', value] = entry.split('=');
    return [label, value ?? own[label] ?? ''] as const;
  });
  const priorityOf = ({ labels = {}, locality }: ServiceEndpoint): number => {
    const known = withTopology(labels, locality);
    const agreeing = wanted.findIndex(([label, value]) => (known[label] ?? '') !== value);
    return agreeing === -1 ? 0 : wanted.length - agreeing;
  };
  const split = groups.flatMap(({ locality, endpoints }) => {
    const priorities = [...new Set(endpoints.map(priorityOf))].sort((a, b) => a - b);
    return priorities.map((priority) =>
      group(
        locality,
        endpoints.filter((endpoint) => priorityOf(endpoint) === priority),
        priority,
      ),
    );
  });
  return withoutGaps(split);
};

const withoutGaps = (groups: readonly LocalityGroup[]): LocalityGroup[] => {
  const used = [...new Set(groups.map(({ priority }) => priority))].sort((a, b) => a - b);
  return groups.map((one) => ({ ...one, priority: used.indexOf(one.priority) }));
};
