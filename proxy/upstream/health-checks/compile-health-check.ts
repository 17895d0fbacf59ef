/** HealthCheck → when hosts are asked, and how often they must fail or pass. Generated messages end here. Source: config.core.v3.HealthCheck. */
import { ConfigError, inField, refuseUnsupported } from '#api/config-error.ts';
import { durationMs } from '#api/units.ts';
import type { Duration, HealthCheck } from '#envoy';
import type { SocketLabels } from '../transport-sockets.ts';
import { compileHttpProbe, type HttpProbeRules } from './compile-http-probe.ts';
import { compileGrpcProbe, type GrpcProbeRules } from './grpc-probe.ts';
import { compileTcpProbe, type TcpProbeRules } from './tcp-probe.ts';

/** How long from one check to the next, by how the host does; milliseconds. */
export interface CheckIntervals {
  readonly healthy: number;
  /** While it takes more of the same to change. */
  readonly healthyEdge: number;
  readonly unhealthy: number;
  readonly unhealthyEdge: number;
  /** As long as the cluster has never been used. */
  readonly noTraffic: number;
  readonly noTrafficHealthy: number;
  readonly initialJitter: number;
  readonly jitter: number;
  /** Of the interval. */
  readonly jitterPercent: number;
}

/** What asks. */
export type ProbeRules = HttpProbeRules | TcpProbeRules | GrpcProbeRules;

/** One cluster's checks. */
export interface HealthCheckRules {
  readonly probe: ProbeRules;
  readonly timeoutMs: number;
  readonly intervals: CheckIntervals;
  readonly unhealthyThreshold: number;
  readonly healthyThreshold: number;
  readonly reusesConnection: boolean;
  readonly tellsFailures: boolean;
  readonly tellsSuccesses: boolean;
  /** Empty: events go to the log only. */
  readonly eventLogPath: string;
  /** Which of the cluster's transport sockets checks use; absent: the host's own. */
  readonly socketLabels: SocketLabels | undefined;
}

const NO_TRAFFIC_MS = 60_000;

const READ = [
  'timeout',
  'interval',
  'initialJitter',
  'intervalJitter',
  'intervalJitterPercent',
  'unhealthyThreshold',
  'healthyThreshold',
  'reuseConnection',
  'healthChecker',
  'noTrafficInterval',
  'noTrafficHealthyInterval',
  'unhealthyInterval',
  'unhealthyEdgeInterval',
  'healthyEdgeInterval',
  'eventLogPath',
  'alwaysLogHealthCheckFailures',
  'alwaysLogHealthCheckSuccess',
  'transportSocketMatchCriteria',
] as const satisfies readonly (keyof HealthCheck)[];

/** Whole milliseconds, as Envoy's timers have them. */
const wholeMs = (duration: Duration | undefined, otherwise: number): number => Math.floor(durationMs(duration) ?? otherwise);

const compileIntervals = (config: HealthCheck, interval: number): CheckIntervals => {
  const noTraffic = wholeMs(config.noTrafficInterval, NO_TRAFFIC_MS);
  const unhealthy = wholeMs(config.unhealthyInterval, interval);
  return {
    healthy: interval,
    healthyEdge: wholeMs(config.healthyEdgeInterval, interval),
    unhealthy,
    unhealthyEdge: wholeMs(config.unhealthyEdgeInterval, unhealthy),
    noTraffic,
    noTrafficHealthy: wholeMs(config.noTrafficHealthyInterval, noTraffic),
    initialJitter: wholeMs(config.initialJitter, 0),
    jitter: wholeMs(config.intervalJitter, 0),
    jitterPercent: config.intervalJitterPercent,
  };
};

const compileProbe = ({ healthChecker: checker }: HealthCheck, wantsHttp2: boolean): ProbeRules => {
  switch (checker?.$case) {
    case 'httpHealthCheck':
      return inField('http_health_check', () => compileHttpProbe(checker.value));
    case 'tcpHealthCheck':
      return inField('tcp_health_check', () => compileTcpProbe(checker.value));
    case 'grpcHealthCheck':
      if (!wantsHttp2) throw new ConfigError('grpc_health_check', 'the cluster must speak HTTP/2');
      return inField('grpc_health_check', () => compileGrpcProbe(checker.value));
    case 'customHealthCheck':
      throw new ConfigError('custom_health_check', 'not supported by this proxy');
    default:
      throw new ConfigError('health_checker', 'is required');
  }
};

const needed = <T>(value: T | undefined, name: string): T => {
  if (value === undefined) throw new ConfigError(name, 'value is required');
  return value;
};

/** wantsHttp2: whether the cluster's hosts take HTTP/2. Throws ConfigError with a path relative to the message. */
export const compileHealthCheck = (config: HealthCheck, wantsHttp2: boolean): HealthCheckRules => {
  refuseUnsupported(config, { read: READ });
  return {
    probe: compileProbe(config, wantsHttp2),
    timeoutMs: wholeMs(needed(config.timeout, 'timeout'), 0),
    intervals: compileIntervals(config, wholeMs(needed(config.interval, 'interval'), 0)),
    unhealthyThreshold: needed(config.unhealthyThreshold, 'unhealthy_threshold'),
    healthyThreshold: needed(config.healthyThreshold, 'healthy_threshold'),
    reusesConnection: config.reuseConnection ?? true,
    tellsFailures: config.alwaysLogHealthCheckFailures,
    tellsSuccesses: config.alwaysLogHealthCheckSuccess,
    eventLogPath: config.eventLogPath,
    socketLabels: config.transportSocketMatchCriteria,
  };
};
