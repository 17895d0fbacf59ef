/** What `trafficPolicy.loadBalancer` must obey. Messages follow istioctl validate. */
import { checkDuration, fail, warn } from '../checks.ts';
import type { TrafficPolicy } from '../destination-rule.ts';
import type { Complaint } from '../problem.ts';

type LoadBalancer = NonNullable<TrafficPolicy['loadBalancer']>;

/** path: of `loadBalancer`. Failover needs outlier detection to know what has failed. */
export const checkLoadBalancer = (
  { loadBalancer, outlierDetection }: Pick<TrafficPolicy, 'loadBalancer' | 'outlierDetection'>,
  path: string,
): Complaint[] => {
  if (!loadBalancer) return [];
  const { localityLbSetting: locality } = loadBalancer;
  const failsOver = (locality?.failover ?? locality?.failoverPriority ?? []).length > 0;
  return [
    ...(loadBalancer.simple !== undefined && loadBalancer.consistentHash
      ? [fail(path, 'only one of simple and consistentHash may be set, but there are both')]
      : []),
    ...checkHash(loadBalancer, `${path}.consistentHash`),
    ...checkLocality(loadBalancer, `${path}.localityLbSetting`),
    ...checkDuration(loadBalancer.warmup?.duration, `${path}.warmup.duration`),
    ...(failsOver && !outlierDetection
      ? [warn(`${path}.localityLbSetting`, 'outlier detection policy must be provided for failover')]
      : []),
  ];
};

const checkHash = ({ consistentHash }: LoadBalancer, path: string): Complaint[] => {
  if (!consistentHash) return [];
  const { httpHeaderName, httpCookie, useSourceIp, httpQueryParameterName, maglev } = consistentHash;
  const keys = [httpHeaderName, httpCookie, useSourceIp, httpQueryParameterName].filter((key) => key !== undefined);
  const complaints: Complaint[] = [];
  if (keys.length !== 1)
    complaints.push(fail(path, 'exactly one of httpHeaderName, httpCookie, useSourceIp and httpQueryParameterName must be set'));
  if (httpCookie && !httpCookie.name) complaints.push(fail(`${path}.httpCookie`, 'name required for HttpCookie'));
  const size = maglev?.tableSize;
  if (size !== undefined && (size >= 5_000_011 || !isPrime(size)))
    complaints.push(fail(`${path}.maglev.tableSize`, `${size} is not a prime number below 5000011`));
  return complaints;
};

const isPrime = (value: number): boolean => {
  if (value < 2) return false;
  for (let divisor = 2; divisor * divisor <= value; divisor++) if (value % divisor === 0) return false;
  return true;
};

const checkLocality = ({ localityLbSetting }: LoadBalancer, path: string): Complaint[] => {
  if (!localityLbSetting) return [];
  const { distribute = [], failover = [], failoverPriority = [] } = localityLbSetting;
  const complaints = distribute.flatMap(({ to = {} }, index) => {
    const total = Object.values(to).reduce((sum, weight) => sum + weight, 0);
    return total === 100 ? [] : [fail(`${path}.distribute[${index}].to`, `total locality weight ${total} != 100`)];
  });
  const given = [distribute, failover, failoverPriority].filter((list) => list.length > 0).length;
  return given > 1
    ? [...complaints, fail(path, "can not simultaneously specify 'distribute', 'failover' and 'failoverPriority'")]
    : complaints;
};
