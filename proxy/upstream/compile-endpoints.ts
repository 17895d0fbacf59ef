/** ClusterLoadAssignment → the endpoints it names, by priority and locality. Generated messages end here. */

import { ConfigError, inField, refuseUnsupported } from '#api/config-error.ts';
import type { Address, ClusterLoadAssignment, LbEndpoint, LocalityLbEndpoints } from '#envoy';
import { type SocketLabels, socketLabels } from './transport-sockets.ts';

/** What the configuration says about an endpoint's health. Degraded ones serve only when no healthy one is left; draining ones do not count at all. */
export type ConfiguredHealth = 'healthy' | 'degraded' | 'unhealthy' | 'draining' | 'timeout';

/** One endpoint as configured. `key` is `address:port`: the identity that its living host keeps across configurations. */
export interface EndpointConfig {
  readonly key: string;
  /** IP literal, or a name in a STRICT_DNS cluster. */
  readonly address: string;
  readonly port: number;
  readonly hostname: string;
  readonly weight: number;
  readonly health: ConfiguredHealth;
  /** Which of the cluster's transport sockets it gets. */
  readonly socketLabels?: SocketLabels;
  /** What its metadata say for balancing: `envoy.lb`. */
  readonly labels?: Readonly<Record<string, unknown>>;
  /** Absent: health checks ask it where it serves. */
  readonly checkAt?: CheckAt;
}

/** Where and as whom an endpoint is checked. */
export interface CheckAt {
  readonly address?: string;
  readonly port?: number;
  /** Whom requests name; empty: as the check says. */
  readonly hostname: string;
  readonly isDisabled: boolean;
}

/** Endpoints of one locality within one priority. */
export interface LocalityConfig {
  /** `region/zone/sub_zone`; empty when none is said. */
  readonly locality: string;
  /** Counts only when the cluster balances by locality weight; 0 = no traffic then. */
  readonly weight: number;
  readonly endpoints: readonly EndpointConfig[];
}

/** All endpoints of a cluster; index = priority, 0 first. */
export interface Endpoints {
  readonly priorities: readonly (readonly LocalityConfig[])[];
  /** How far healthy hosts may be loaded beyond their share before the next priority helps; 1.4 unless told. */
  readonly overprovisioning: number;
  /** The health of a priority is counted by what its hosts weigh, not by their number. */
  readonly weightedHealth: boolean;
}

/** No endpoints at all. */
export const NO_ENDPOINTS: Endpoints = { priorities: [], overprovisioning: 1.4, weightedHealth: false };

const LB_NAME_SPACE = 'envoy.lb';

const HEALTH: Readonly<Record<number, ConfiguredHealth>> = {
  0: 'healthy',
  1: 'healthy',
  2: 'unhealthy',
  3: 'draining',
  4: 'timeout',
  5: 'degraded',
};

/** An endpoint's identity, as it is told and hashed: `address:port`, an IPv6 address in brackets. */
export const hostKey = (address: string, port: number): string => (address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`);

/** Address and port of a socket address; refuses pipes, UDP and named ports. */
export const compileAddress = (address: Address | undefined): { address: string; port: number } => {
  if (address?.address?.$case !== 'socketAddress') throw new ConfigError('address', 'only socket_address is supported');
  const socket = address.address.value;
  return inField('address.socket_address', () => {
    refuseUnsupported(socket, { read: ['address', 'portSpecifier'], ignored: ['ipv4Compat'] });
    if (socket.address === '') throw new ConfigError('address', 'must not be empty');
    if (socket.portSpecifier?.$case === 'namedPort') throw new ConfigError('named_port', 'not supported by this proxy');
    const port = socket.portSpecifier?.value ?? 0;
    if (port > 65535) throw new ConfigError('port_value', 'must be at most 65535');
    return { address: socket.address, port };
  });
};

type CheckConfig = NonNullable<Extract<NonNullable<LbEndpoint['hostIdentifier']>, { $case: 'endpoint' }>['value']['healthCheckConfig']>;

const compileCheckAt = (config: CheckConfig): CheckAt => {
  refuseUnsupported(config, { read: ['portValue', 'hostname', 'address', 'disableActiveHealthCheck'] });
  const at = config.address && inField('address', () => compileAddress(config.address));
  if (config.portValue > 65535) throw new ConfigError('port_value', 'must be at most 65535');
  const port = config.portValue || at?.port;
  return {
    ...(at && { address: at.address }),
    ...(port && { port }),
    hostname: config.hostname,
    isDisabled: config.disableActiveHealthCheck,
  };
};

const compileEndpoint = (lbEndpoint: LbEndpoint): EndpointConfig => {
  // Of the metadata what chooses the transport socket and what balancing asks for is read; the rest is for tools.
  refuseUnsupported(lbEndpoint, { read: ['hostIdentifier', 'healthStatus', 'loadBalancingWeight', 'metadata'] });
  if (lbEndpoint.hostIdentifier?.$case === 'endpointName') throw new ConfigError('endpoint_name', 'not supported by this proxy');
  if (!lbEndpoint.hostIdentifier) throw new ConfigError('endpoint', 'is required');
  const endpoint = lbEndpoint.hostIdentifier.value;
  const { address, port } = inField('endpoint', () => {
    refuseUnsupported(endpoint, { read: ['address', 'hostname', 'healthCheckConfig'] });
    return compileAddress(endpoint.address);
  });
  if (lbEndpoint.loadBalancingWeight === 0) throw new ConfigError('load_balancing_weight', 'must be at least 1');
  const health = HEALTH[lbEndpoint.healthStatus];
  if (health === undefined) throw new ConfigError('health_status', `unknown value ${lbEndpoint.healthStatus}`);
  const weight = lbEndpoint.loadBalancingWeight ?? 1;
  const labels = socketLabels(lbEndpoint.metadata);
  const forBalancing = lbEndpoint.metadata?.filterMetadata[LB_NAME_SPACE];
  const check = endpoint.healthCheckConfig;
  const checkAt = check && inField('endpoint.health_check_config', () => compileCheckAt(check));
  return {
    key: hostKey(address, port),
    address,
    port,
    hostname: endpoint.hostname,
    weight,
    health,
    ...(labels && { socketLabels: labels }),
    ...(forBalancing && { labels: forBalancing }),
    ...(checkAt && { checkAt }),
  };
};

const compileLocality = (group: LocalityLbEndpoints): LocalityConfig => {
  refuseUnsupported(group, {
    read: ['locality', 'lbEndpoints', 'loadBalancingWeight', 'priority', 'lbConfig'],
    ignored: ['metadata', 'proximity'],
  });
  if (group.lbConfig?.$case === 'ledsClusterLocalityConfig')
    throw new ConfigError('leds_cluster_locality_config', 'not supported by this proxy');
  if (group.priority > 128) throw new ConfigError('priority', 'must be at most 128');
  const listed = group.lbConfig?.value.lbEndpoints ?? group.lbEndpoints;
  const where = group.lbConfig ? 'load_balancer_endpoints.lb_endpoints' : 'lb_endpoints';
  if (socketLabels(group.metadata))
    throw new ConfigError('metadata', 'choosing transport sockets by locality is not supported by this proxy');
  const { region = '', zone = '', subZone = '' } = group.locality ?? {};
  return {
    locality: region === '' && zone === '' && subZone === '' ? '' : `${region}/${zone}/${subZone}`,
    weight: group.loadBalancingWeight ?? 0,
    endpoints: listed.map((endpoint, index) => inField(`${where}[${index}]`, () => compileEndpoint(endpoint))),
  };
};

/** Throws ConfigError with a path relative to the assignment. A priority that nobody uses below one in use is an empty list. */
export const compileEndpoints = (assignment: ClusterLoadAssignment): Endpoints => {
  refuseUnsupported(assignment, { read: ['clusterName', 'endpoints', 'policy'] });
  const { policy } = assignment;
  if (policy) inField('policy', () => refuseUnsupported(policy, { read: ['overprovisioningFactor', 'weightedPriorityHealth'] }));
  const priorities: LocalityConfig[][] = [];
  for (const [index, group] of assignment.endpoints.entries()) {
    const locality = inField(`endpoints[${index}]`, () => compileLocality(group));
    while (priorities.length <= group.priority) priorities.push([]);
    priorities[group.priority]?.push(locality);
  }
  return {
    priorities,
    overprovisioning: (policy?.overprovisioningFactor ?? 140) / 100,
    weightedHealth: policy?.weightedPriorityHealth ?? false,
  };
};
