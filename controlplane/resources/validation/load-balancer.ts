/** What `trafficPolicy.loadBalancer` must obey. Messages follow istioctl validate. */
import { checkDuration, fail, repeated, warn } from '../checks.ts';
import type { TrafficPolicy } from '../destination-rule.ts';
import type { Complaint } from '../problem.ts';
import { checkLocality } from './locality.ts';

type LoadBalancer = NonNullable<TrafficPolicy['loadBalancer']>;

/** path: of `loadBalancer`. outliers: what ejects endpoints here, be it the rule's. */
export const checkLoadBalancer = (
  loadBalancer: LoadBalancer | undefined,
  outliers: TrafficPolicy['outlierDetection'],
  path: string,
): Complaint[] => {
  if (!loadBalancer) return [];
  const { simple, consistentHash, localityLbSetting, zoneAwareLbSetting, warmup, warmupDurationSecs } = loadBalancer;
  return [
    ...(simple !== undefined && consistentHash ? [fail(path, 'only one of simple and consistentHash may be set, but there are both')] : []),
    ...checkHash(consistentHash, `${path}.consistentHash`),
    ...(localityLbSetting && zoneAwareLbSetting !== undefined
      ? [fail(path, 'only one of localityLbSetting and zoneAwareLbSetting can be set')]
      : []),
    ...checkLocality(localityLbSetting, outliers, `${path}.localityLbSetting`),
    ...checkWarmup(warmup, `${path}.warmup`),
    ...(warmupDurationSecs === undefined ? [] : [warn(`${path}.warmupDurationSecs`, 'deprecated: use warmup.duration')]),
    ...(simple === 'LEAST_CONN' ? [warn(`${path}.simple`, 'LEAST_CONN is deprecated: it is LEAST_REQUEST')] : []),
  ];
};

const checkHash = (hash: LoadBalancer['consistentHash'], path: string): Complaint[] => {
  if (!hash) return [];
  const { httpHeaderName, httpCookie, useSourceIp, httpQueryParameterName, maglev, ringHash, minimumRingSize } = hash;
  const keys = [httpHeaderName, httpCookie, useSourceIp, httpQueryParameterName].filter((key) => key !== undefined);
  const complaints: Complaint[] = [];
  if (keys.length !== 1)
    complaints.push(fail(path, 'exactly one of httpHeaderName, httpCookie, useSourceIp and httpQueryParameterName must be set'));
  if (ringHash && maglev) complaints.push(fail(path, 'only one of ringHash and maglev may be set, but there are both'));
  if (minimumRingSize) {
    const message = "consistent hash MinimumRingSize is deprecated, use ConsistentHashLB's RingHash configuration instead";
    complaints.push(warn(`${path}.minimumRingSize`, message));
    if (ringHash || maglev) complaints.push(fail(path, 'only one of MinimumRingSize or Maglev/Ringhash can be specified'));
  }
  return [...complaints, ...checkCookie(httpCookie, `${path}.httpCookie`), ...checkTable(maglev, `${path}.maglev`)];
};

const checkCookie = (cookie: NonNullable<LoadBalancer['consistentHash']>['httpCookie'], path: string): Complaint[] => {
  if (!cookie) return [];
  const names = (cookie.attributes ?? []).map(({ name = '' }) => name);
  return [
    ...(cookie.name ? [] : [fail(path, 'name required for HttpCookie')]),
    ...(names.includes('') ? [fail(`${path}.attributes`, 'cookie attribute name cannot be empty')] : []),
    ...repeated(names.filter((name) => name !== '')).map((name) => fail(`${path}.attributes`, `duplicate cookie attribute name: ${name}`)),
  ];
};

const checkTable = (maglev: NonNullable<LoadBalancer['consistentHash']>['maglev'], path: string): Complaint[] => {
  if (!maglev) return [];
  const { tableSize = 0 } = maglev;
  return [
    ...(tableSize === 0 ? [fail(path, 'tableSize must be set for maglev')] : []),
    ...(tableSize >= 5_000_011 ? [fail(`${path}.tableSize`, 'tableSize must be less than 5000011 for maglev')] : []),
    ...(isPrime(tableSize) ? [] : [fail(`${path}.tableSize`, 'tableSize must be a prime number for maglev')]),
  ];
};

const isPrime = (value: number): boolean => {
  if (value < 2) return false;
  for (let divisor = 2; divisor * divisor <= value; divisor++) if (value % divisor === 0) return false;
  return true;
};

const checkWarmup = (warmup: LoadBalancer['warmup'], path: string): Complaint[] => {
  if (!warmup) return [];
  const { duration, minimumPercent = 0, aggression = 1 } = warmup;
  return [
    ...(duration === undefined ? [fail(path, 'duration is required')] : checkDuration(duration, `${path}.duration`)),
    ...(minimumPercent > 100 ? [fail(`${path}.minimumPercent`, 'minimumPercent value should be less than or equal to 100')] : []),
    ...(aggression <= 0 ? [fail(`${path}.aggression`, 'aggression should be greater than 0')] : []),
  ];
};
