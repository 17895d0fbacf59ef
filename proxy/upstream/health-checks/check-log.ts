/** One event for each change that checks bring: structured, and where a file is named, as a line of Envoy's HealthCheckEvent. Source: data.core.v3. */
import type { SocketAddress } from '#system/network.ts';
import type { System } from '#system/system.ts';

/** How a check failed, in Envoy's words. */
export type FailureType = 'ACTIVE' | 'PASSIVE' | 'NETWORK' | 'NETWORK_TIMEOUT';

/** What is told. */
export type CheckEvent =
  | { readonly kind: 'ejected'; readonly failure: FailureType; readonly httpStatus: number }
  | { readonly kind: 'failed'; readonly failure: FailureType; readonly first: boolean; readonly httpStatus: number }
  | { readonly kind: 'added'; readonly first: boolean }
  | { readonly kind: 'passed' | 'degraded' | 'no-longer-degraded' };

/** Whom it concerns. */
export interface Checked extends SocketAddress {
  readonly key: string;
  /** `region/zone/sub_zone`; empty when none is said. */
  readonly locality: string;
}

/** Where it is told. */
export interface CheckLogRules {
  readonly cluster: string;
  readonly checker: 'HTTP' | 'TCP' | 'GRPC';
  /** Empty: no file. */
  readonly path: string;
}

const detailOf = (event: CheckEvent): object => {
  switch (event.kind) {
    case 'ejected':
      return { eject_unhealthy_event: { failure_type: event.failure, http_status_code: event.httpStatus } };
    case 'failed':
      return { health_check_failure_event: { failure_type: event.failure, first_check: event.first, http_status_code: event.httpStatus } };
    case 'added':
      return { add_healthy_event: { first_check: event.first } };
    case 'passed':
      return { successful_health_check_event: {} };
    case 'degraded':
      return { degraded_healthy_host: {} };
    case 'no-longer-degraded':
      return { no_longer_degraded_host: {} };
  }
};

const fieldsOf = (event: CheckEvent): object => {
  if (event.kind === 'ejected' || event.kind === 'failed') {
    const { failure, httpStatus } = event;
    return { failure_type: failure, ...(httpStatus > 0 && { status: httpStatus }), ...('first' in event && { first_check: event.first }) };
  }
  return event.kind === 'added' ? { first_check: event.first } : {};
};

const lineOf = ({ cluster, checker }: CheckLogRules, host: Checked, event: CheckEvent, nowMs: number): string => {
  const [region = '', zone = '', sub_zone = ''] = host.locality.split('/');
  const address = { protocol: 'TCP', address: host.address, port_value: host.port };
  return JSON.stringify({
    health_checker_type: checker,
    host: { socket_address: { ...address, resolver_name: '', ipv4_compat: false, network_namespace_filepath: '' } },
    cluster_name: cluster,
    timestamp: new Date(nowMs).toISOString(),
    ...detailOf(event),
    locality: { region, zone, sub_zone },
  });
};

/** Tells of one cluster's checks. */
export const checkLog = (rules: CheckLogRules, { log, clock, appendLine }: System): ((host: Checked, event: CheckEvent) => void) => {
  const { cluster, checker, path } = rules;
  return (host, event) => {
    log.info(`health-check.${event.kind}`, { cluster, host: host.key, checker, ...fieldsOf(event) });
    if (path !== '') appendLine(path, lineOf(rules, host, event, clock.wallTimeMs()));
  };
};
