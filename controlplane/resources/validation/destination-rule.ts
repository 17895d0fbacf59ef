/** What a DestinationRule must obey beyond its shape. Messages follow istioctl validate. */
import {
  checkDuration,
  checkExportTo,
  checkLimit,
  checkPercent,
  checkPort,
  durationMs,
  fail,
  hostFault,
  isDnsLabel,
  repeated,
} from '../checks.ts';
import type { DestinationRuleSpec, TrafficPolicy } from '../destination-rule.ts';
import type { Complaint } from '../problem.ts';
import { checkLoadBalancer } from './load-balancer.ts';
import { checkOutliers } from './outlier-detection.ts';

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
    complaints.push(...checkPolicy(trafficPolicy, `${path}.trafficPolicy`, spec.trafficPolicy));
  }
  for (const name of repeated(subsets.map((subset) => subset.name ?? '')))
    complaints.push(fail('spec.subsets', `duplicate subset names: ${name}`));
  return complaints;
};

type Sections = Pick<TrafficPolicy, 'loadBalancer' | 'connectionPool' | 'outlierDetection' | 'tls'>;

/** inherited: what the rule says where a subset says nothing. */
const checkPolicy = (policy: TrafficPolicy | undefined, path: string, inherited?: Sections): Complaint[] => {
  if (!policy) return [];
  if (Object.keys(policy).length === 0) return [fail(path, 'traffic policy must have at least one field')];
  const complaints = [
    ...checkSections(policy, path, inherited),
    ...checkPercent(policy.retryBudget?.percent, `${path}.retryBudget.percent`),
  ];
  if (policy.tunnel && policy.proxyProtocol) complaints.push(fail(path, 'tunnel and proxyProtocol must not be set together'));
  for (const [index, setting] of (policy.portLevelSettings ?? []).entries()) {
    const at = `${path}.portLevelSettings[${index}]`;
    complaints.push(...checkSections(setting, at), ...checkPort(setting.port?.number, `${at}.port.number`));
    if (setting.port?.number === undefined) complaints.push(fail(`${at}.port`, 'portTrafficPolicy must have valid port'));
    if (Object.keys(setting).every((name) => name === 'port'))
      complaints.push(fail(at, 'port traffic policy must have at least one field'));
  }
  return complaints;
};

const checkSections = (sections: Sections, path: string, inherited: Sections = {}): Complaint[] => [
  ...checkLoadBalancer(sections.loadBalancer, sections.outlierDetection ?? inherited.outlierDetection, `${path}.loadBalancer`),
  ...checkPool(sections, `${path}.connectionPool`),
  ...checkOutliers(sections.outlierDetection, `${path}.outlierDetection`),
  ...checkTls(sections, `${path}.tls`),
];

/** Fields as Istio's messages call them. */
const COUNTED = {
  http1MaxPendingRequests: 'http1 max pending requests',
  http2MaxRequests: 'http2 max requests',
  maxRequestsPerConnection: 'max requests per connection',
  maxRetries: 'max retries',
  maxConcurrentStreams: 'max concurrent streams',
} as const;

const checkPool = ({ connectionPool }: Sections, path: string): Complaint[] => {
  if (!connectionPool) return [];
  const { tcp, http } = connectionPool;
  if (!tcp && !http) return [fail(path, 'connection pool must have at least one field')];
  const complaints = [
    ...checkLimit(tcp?.maxConnections, `${path}.tcp.maxConnections`, 'max connections'),
    ...(['connectTimeout', 'maxConnectionDuration'] as const).flatMap((field) => checkDuration(tcp?.[field], `${path}.tcp.${field}`)),
    // 0 switches it off.
    ...(durationMs(tcp?.idleTimeout ?? '0s') === 0 ? [] : checkDuration(tcp?.idleTimeout, `${path}.tcp.idleTimeout`)),
    ...(['time', 'interval'] as const).flatMap((field) => checkDuration(tcp?.tcpKeepalive?.[field], `${path}.tcp.tcpKeepalive.${field}`)),
    ...Object.entries(COUNTED).flatMap(([field, name]) => checkLimit(http?.[field as keyof typeof COUNTED], `${path}.http.${field}`, name)),
    ...checkDuration(http?.idleTimeout, `${path}.http.idleTimeout`),
    ...(http?.http2KeepAlive ? checkHttp2KeepAlive(http.http2KeepAlive, `${path}.http.http2KeepAlive`) : []),
  ];
  if (http?.h2UpgradePolicy === 'UPGRADE' && http.useClientProtocol)
    complaints.push(fail(`${path}.http`, 'use client protocol must not be true when H2UpgradePolicy is UPGRADE'));
  return complaints;
};

const checkHttp2KeepAlive = (keepAlive: { readonly interval?: string; readonly timeout?: string }, path: string): Complaint[] =>
  (['interval', 'timeout'] as const).flatMap((field) =>
    keepAlive[field] === undefined
      ? [fail(path, `http2 keepalive ${field} is required`)]
      : checkDuration(keepAlive[field], `${path}.${field}`),
  );

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
