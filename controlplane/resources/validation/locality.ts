/** What `localityLbSetting` must obey. Messages follow istioctl validate. */
import { fail, warn } from '../checks.ts';
import type { TrafficPolicy } from '../destination-rule.ts';
import type { Complaint } from '../problem.ts';

type Setting = NonNullable<NonNullable<TrafficPolicy['loadBalancer']>['localityLbSetting']>;

const TOPOLOGY = ['topology.kubernetes.io/region', 'topology.kubernetes.io/zone', 'topology.istio.io/subzone'];

/** The first fault only, as in Istio. outliers: what ejects endpoints here; failover needs it to know what has failed. */
export const checkLocality = (setting: Setting | undefined, outliers: TrafficPolicy['outlierDetection'], path: string): Complaint[] => {
  if (!setting) return [];
  const { distribute = [], failover = [], failoverPriority = [] } = setting;
  if (distribute.length > 0 && failover.length > 0) return [fail(path, "can not simultaneously specify 'distribute' and 'failover'")];
  const topology = failover.length > 0 ? failoverPriority.find((label) => TOPOLOGY.includes(label)) : undefined;
  if (topology !== undefined)
    return [fail(path, `can not simultaneously set 'failover' and topology label '${topology}' in 'failover_priority'`)];
  return [
    ...checkDistribute(distribute, `${path}.distribute`),
    ...(failover.length + failoverPriority.length > 0 && !outliers
      ? [warn(path, 'outlier detection policy must be provided for failover')]
      : []),
    ...failover.flatMap(({ from = '', to = '' }, index) => checkFailover(from, to, `${path}.failover[${index}]`)),
  ];
};

const checkDistribute = (distribute: NonNullable<Setting['distribute']>, path: string): Complaint[] => {
  for (const [index, { to = {} }] of distribute.entries()) {
    const at = `${path}[${index}].to`;
    const weights = Object.values(to);
    if (weights.some((weight) => weight <= 0 || weight > 100)) return [fail(at, 'locality weight must be in range [1, 100]')];
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    if (total !== 100) return [fail(at, `total locality weight ${total} != 100`)];
    const fault = localitiesFault(Object.keys(to));
    if (fault !== undefined) return [fail(at, fault)];
  }
  const fault = localitiesFault(distribute.map(({ from = '' }) => from));
  return fault === undefined ? [] : [fail(path, fault)];
};

/** Places in a list must not lie in each other, and a wildcard only ends one. */
const localitiesFault = (localities: readonly string[]): string | undefined => {
  const earlier: string[][] = [];
  for (const locality of localities) {
    const shown = locality.slice(0, 100);
    const stars = locality.split('*').length - 1;
    if (stars > 1 || (stars === 1 && !locality.endsWith('*')))
      return `locality ${shown} wildcard '*' number can not exceed 1 and must be in the end`;
    const parts = locality.split('/');
    if (parts.length > 3 || parts.some((part) => part === '')) return `locality ${shown} must not contain empty region/zone/subzone info`;
    const named = parts.at(-1) === '*' ? parts.slice(0, -1) : parts;
    if (earlier.some((other) => other.every((part, index) => part === named[index])))
      return `locality ${shown} overlap with previous specified ones`;
    earlier.push(named);
  }
  return undefined;
};

const checkFailover = (from: string, to: string, path: string): Complaint[] => [
  ...(from === to ? [fail(path, 'locality lb failover settings must specify different regions')] : []),
  ...(`${from}${to}`.includes('/') ? [fail(path, 'locality lb failover only specify region')] : []),
  ...(`${from}${to}`.includes('*') ? [fail(path, "locality lb failover region should not contain '*' wildcard")] : []),
];
