/** What a DestinationRule must obey beyond its shape. Messages follow istioctl validate. */
import { checkDuration, checkLimit, checkPort, fail, isDnsLabel, isHost, notApplied, repeated, warn } from './checks.ts';
import type { DestinationRuleSpec, TrafficPolicy } from './destination-rule.ts';
import type { Complaint } from './problem.ts';

/** Paths in the complaints start at `spec`. */
export const validateDestinationRule = (spec: DestinationRuleSpec): readonly Complaint[] => {
  const subsets = spec.subsets ?? [];
  const complaints = checkPolicy(spec.trafficPolicy, 'spec.trafficPolicy');
  if (spec.host === undefined || spec.host === '') complaints.push(fail('spec.host', 'host is required'));
  else if (!isHost(spec.host)) complaints.push(fail('spec.host', `"${spec.host.slice(0, 100)}" is not a valid host`));
  for (const [index, subset] of subsets.entries()) {
    const path = `spec.subsets[${index}]`;
    if (subset.name === undefined || subset.name === '') complaints.push(fail(path, 'subset name is required'));
    else if (!isDnsLabel(subset.name))
      complaints.push(fail(`${path}.name`, `subset name is invalid: "${subset.name.slice(0, 80)}" is not a DNS label`));
    complaints.push(...checkPolicy(subset.trafficPolicy, `${path}.trafficPolicy`));
  }
  for (const name of repeated(subsets.map((subset) => subset.name ?? '')))
    complaints.push(fail('spec.subsets', `duplicate subset names: ${name}`));
  if (spec.workloadSelector) complaints.push(notApplied('spec.workloadSelector'));
  return complaints;
};

type Sections = Pick<TrafficPolicy, 'loadBalancer' | 'connectionPool' | 'outlierDetection' | 'tls'>;

const checkPolicy = (policy: TrafficPolicy | undefined, path: string): Complaint[] => {
  if (!policy) return [];
  if (Object.keys(policy).length === 0) return [fail(path, 'traffic policy must have at least one field')];
  const complaints = checkSections(policy, path);
  for (const [index, setting] of (policy.portLevelSettings ?? []).entries()) {
    const at = `${path}.portLevelSettings[${index}]`;
    complaints.push(...checkSections(setting, at), ...checkPort(setting.port?.number, `${at}.port.number`));
    if (setting.port?.number === undefined) complaints.push(fail(`${at}.port`, 'portLevelSettings must have a port'));
  }
  if (policy.tunnel) complaints.push(notApplied(`${path}.tunnel`));
  if (policy.proxyProtocol) complaints.push(notApplied(`${path}.proxyProtocol`));
  return complaints;
};

const checkSections = (sections: Sections, path: string): Complaint[] => [
  ...checkLoadBalancer(sections, `${path}.loadBalancer`),
  ...checkPool(sections, `${path}.connectionPool`),
  ...checkOutliers(sections, `${path}.outlierDetection`),
  ...(sections.tls === undefined ? [] : [notApplied(`${path}.tls`)]),
];

const checkLoadBalancer = ({ loadBalancer }: Sections, path: string): Complaint[] => {
  if (!loadBalancer) return [];
  const later = (['consistentHash', 'localityLbSetting', 'warmupDurationSecs', 'warmup'] as const).filter(
    (field) => loadBalancer[field] !== undefined,
  );
  return later.map((field) => notApplied(`${path}.${field}`));
};

const checkPool = ({ connectionPool }: Sections, path: string): Complaint[] => {
  if (!connectionPool) return [];
  const { tcp, http } = connectionPool;
  if (!tcp && !http) return [fail(path, 'connection pool must have at least one field')];
  const later = [
    ...(['tcpKeepalive', 'maxConnectionDuration', 'idleTimeout'] as const)
      .filter((field) => tcp?.[field] !== undefined)
      .map((field) => `tcp.${field}`),
  ];
  if (http?.h2UpgradePolicy === 'UPGRADE') later.push('http.h2UpgradePolicy');
  if (http?.useClientProtocol) later.push('http.useClientProtocol');
  if (http?.maxConcurrentStreams !== undefined) later.push('http.maxConcurrentStreams');
  return [
    ...checkLimit(tcp?.maxConnections, `${path}.tcp.maxConnections`),
    ...checkDuration(tcp?.connectTimeout, `${path}.tcp.connectTimeout`),
    ...checkLimit(http?.http1MaxPendingRequests, `${path}.http.http1MaxPendingRequests`),
    ...checkLimit(http?.http2MaxRequests, `${path}.http.http2MaxRequests`),
    ...checkLimit(http?.maxRequestsPerConnection, `${path}.http.maxRequestsPerConnection`),
    ...checkLimit(http?.maxRetries, `${path}.http.maxRetries`),
    ...checkDuration(http?.idleTimeout, `${path}.http.idleTimeout`),
    ...later.map((field) => notApplied(`${path}.${field}`)),
  ];
};

const checkOutliers = ({ outlierDetection }: Sections, path: string): Complaint[] => {
  if (!outlierDetection) return [];
  const { maxEjectionPercent, minHealthPercent } = outlierDetection;
  const complaints = [
    ...checkDuration(outlierDetection.interval, `${path}.interval`),
    ...checkDuration(outlierDetection.baseEjectionTime, `${path}.baseEjectionTime`),
  ];
  for (const [name, value] of [
    ['maxEjectionPercent', maxEjectionPercent],
    ['minHealthPercent', minHealthPercent],
  ] as const) {
    if (value !== undefined && (value < 0 || value > 100))
      complaints.push(fail(`${path}.${name}`, `percentage ${value} is not in range 0..100`));
  }
  if (outlierDetection.consecutiveErrors !== undefined) {
    complaints.push(
      warn(
        `${path}.consecutiveErrors`,
        'outlier detection consecutive errors is deprecated and ignored: use consecutiveGatewayErrors or consecutive5xxErrors',
      ),
    );
  }
  return [...complaints, notApplied(path)];
};
