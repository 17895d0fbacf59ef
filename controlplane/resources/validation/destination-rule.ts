/** What a DestinationRule must obey beyond its shape. Messages follow istioctl validate. */
import {
  checkDuration,
  checkExportTo,
  checkLimit,
  checkPercent,
  checkPort,
  fail,
  hostFault,
  isDnsLabel,
  repeated,
  warn,
} from '../checks.ts';
import type { DestinationRuleSpec, TrafficPolicy } from '../destination-rule.ts';
import type { Complaint } from '../problem.ts';
import { checkLoadBalancer } from './load-balancer.ts';

/** Paths in the complaints start at `spec`. */
export const validateDestinationRule = (spec: DestinationRuleSpec): readonly Complaint[] => {
  const { host = '', subsets = [] } = spec;
  const fault = hostFault(host);
  const complaints = [...checkPolicy(spec.trafficPolicy, 'spec.trafficPolicy'), ...checkExportTo(spec.exportTo)];
  if (fault !== undefined) complaints.push(fail('spec.host', fault));
  for (const [index, { name = '', trafficPolicy }] of subsets.entries()) {
    const path = `spec.subsets[${index}]`;
    if (name === '') complaints.push(fail(path, 'subset name cannot be empty'));
    else if (!isDnsLabel(name)) complaints.push(fail(`${path}.name`, `subset name is invalid: "${name.slice(0, 80)}" is not a DNS label`));
    complaints.push(...checkPolicy(trafficPolicy, `${path}.trafficPolicy`));
  }
  for (const name of repeated(subsets.map((subset) => subset.name ?? '')))
    complaints.push(fail('spec.subsets', `duplicate subset names: ${name}`));
  return complaints;
};

type Sections = Pick<TrafficPolicy, 'loadBalancer' | 'connectionPool' | 'outlierDetection' | 'tls'>;

const checkPolicy = (policy: TrafficPolicy | undefined, path: string): Complaint[] => {
  if (!policy) return [];
  if (Object.keys(policy).length === 0) return [fail(path, 'traffic policy must have at least one field')];
  const complaints = [...checkSections(policy, path), ...checkPercent(policy.retryBudget?.percent, `${path}.retryBudget.percent`)];
  for (const [index, setting] of (policy.portLevelSettings ?? []).entries()) {
    const at = `${path}.portLevelSettings[${index}]`;
    complaints.push(...checkSections(setting, at), ...checkPort(setting.port?.number, `${at}.port.number`));
    if (setting.port?.number === undefined) complaints.push(fail(`${at}.port`, 'portTrafficPolicy must have valid port'));
  }
  return complaints;
};

const checkSections = (sections: Sections, path: string): Complaint[] => [
  ...checkLoadBalancer(sections, `${path}.loadBalancer`),
  ...checkPool(sections, `${path}.connectionPool`),
  ...checkOutliers(sections, `${path}.outlierDetection`),
  ...checkTls(sections, `${path}.tls`),
];

const checkPool = ({ connectionPool }: Sections, path: string): Complaint[] => {
  if (!connectionPool) return [];
  const { tcp, http } = connectionPool;
  if (!tcp && !http) return [fail(path, 'connection pool must have at least one field')];
  const complaints = [
    ...checkLimit(tcp?.maxConnections, `${path}.tcp.maxConnections`),
    ...(['connectTimeout', 'maxConnectionDuration', 'idleTimeout'] as const).flatMap((field) =>
      checkDuration(tcp?.[field], `${path}.tcp.${field}`),
    ),
    ...(['http1MaxPendingRequests', 'http2MaxRequests', 'maxRequestsPerConnection', 'maxRetries', 'maxConcurrentStreams'] as const).flatMap(
      (field) => checkLimit(http?.[field], `${path}.http.${field}`),
    ),
    ...checkDuration(http?.idleTimeout, `${path}.http.idleTimeout`),
  ];
  if (http?.h2UpgradePolicy === 'UPGRADE' && http.useClientProtocol)
    complaints.push(fail(`${path}.http`, 'use client protocol must not be true when H2UpgradePolicy is UPGRADE'));
  return complaints;
};

const checkOutliers = ({ outlierDetection }: Sections, path: string): Complaint[] => {
  if (!outlierDetection) return [];
  const complaints = (['interval', 'baseEjectionTime'] as const).flatMap((field) =>
    checkDuration(outlierDetection[field], `${path}.${field}`),
  );
  for (const field of ['maxEjectionPercent', 'minHealthPercent'] as const) {
    const value = outlierDetection[field] ?? 0;
    if (value < 0 || value > 100) complaints.push(fail(`${path}.${field}`, `percentage ${value} is not in range 0..100`));
  }
  if (outlierDetection.consecutiveLocalOriginFailures !== undefined && !outlierDetection.splitExternalLocalOriginErrors) {
    const message =
      'outlier detection consecutive local origin failures is specified, but split external local origin errors is set to false';
    complaints.push(fail(`${path}.consecutiveLocalOriginFailures`, message));
  }
  if (outlierDetection.consecutiveErrors !== undefined) {
    const message =
      'outlier detection consecutive errors is deprecated and ignored: use consecutiveGatewayErrors or consecutive5xxErrors instead';
    complaints.push(warn(`${path}.consecutiveErrors`, message));
  }
  return complaints;
};

const checkTls = ({ tls }: Sections, path: string): Complaint[] => {
  if (!tls) return [];
  const { mode, clientCertificate, privateKey, caCertificates, caCrl, credentialName } = tls;
  const ownFiles = [clientCertificate, privateKey, caCertificates, caCrl].some((file) => file !== undefined);
  if (mode === 'ISTIO_MUTUAL' && (ownFiles || credentialName))
    return [fail(path, 'ISTIO_MUTUAL brings its own certificates: none may be given')];
  if (credentialName && ownFiles)
    return [fail(path, 'cannot specify client certificates or CA certificate or CA CRL If credentialName is set')];
  // What would make the connection safer is refused where it cannot be had: half of it would be no warning to anybody.
  if (credentialName)
    return [
      fail(
        `${path}.credentialName`,
        'credentialName is not supported by this mesh: name files with caCertificates, clientCertificate and privateKey',
      ),
    ];
  if (caCrl) return [fail(`${path}.caCrl`, 'lists of revoked certificates are not supported by this mesh')];
  if (mode !== 'MUTUAL') return [];
  return [
    ...(clientCertificate ? [] : [fail(path, 'client certificate required for mutual tls')]),
    ...(privateKey ? [] : [fail(path, 'private key required for mutual tls')]),
  ];
};
