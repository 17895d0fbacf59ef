/** `connectionPool` and `retryBudget` → limits and options of a cluster's connections. Pure. In Istio a limit of 0 means "not set", not "none". */
import type { Cluster } from '#envoy';
import { durationMs } from '../../resources/checks.ts';
import type { TrafficPolicy } from '../../resources/destination-rule.ts';
import { pack, toDuration } from '../pack.ts';
import type { Sections } from '../subsets.ts';

const UNLIMITED = 4_294_967_295;
const HTTP_OPTIONS = 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions';

/** Of retryBudget, where it says less. */
const BUDGET_PERCENT = 20;
const BUDGET_LEAST = 3;

type Pool = NonNullable<TrafficPolicy['connectionPool']>;

/** upgrades: the cluster may be made to speak HTTP/2, `always` whatever a rule says. Programs behind a sidecar are spoken to as they are. */
export const connectionSettings = (
  { connectionPool: pool, retryBudget }: Pick<Sections, 'connectionPool' | 'retryBudget'>,
  upgrades: 'never' | 'when asked' | 'always',
): Partial<Cluster> => {
  const keepalive = pool?.tcp?.tcpKeepalive;
  return {
    connectTimeout: toDuration(pool?.tcp?.connectTimeout === undefined ? 10_000 : durationMs(pool.tcp.connectTimeout)),
    circuitBreakers: {
      thresholds: [
        {
          priority: 0,
          maxConnections: pool?.tcp?.maxConnections || UNLIMITED,
          maxPendingRequests: pool?.http?.http1MaxPendingRequests || UNLIMITED,
          maxRequests: pool?.http?.http2MaxRequests || UNLIMITED,
          maxRetries: pool?.http?.maxRetries || UNLIMITED,
          ...(retryBudget && { retryBudget: budgetOf(retryBudget) }),
          trackRemaining: false,
        },
      ],
      perHostThresholds: [],
    },
    ...(keepalive && {
      upstreamConnectionOptions: { tcpKeepalive: keepaliveOf(keepalive), setLocalInterfaceNameOnUpstreamConnections: false },
    }),
    ...protocolOptions(pool, upgrades),
  };
};

const budgetOf = ({ percent, minRetryConcurrency }: NonNullable<Sections['retryBudget']>) => ({
  budgetPercent: { value: percent ?? BUDGET_PERCENT },
  minRetryConcurrency: minRetryConcurrency || BUDGET_LEAST,
});

/** Whole seconds; what is not said is left to the system. */
const keepaliveOf = ({ probes, time, interval }: NonNullable<NonNullable<Pool['tcp']>['tcpKeepalive']>) => ({
  ...(probes ? { keepaliveProbes: probes } : {}),
  ...(time !== undefined && { keepaliveTime: Math.floor(durationMs(time) / 1000) }),
  ...(interval !== undefined && { keepaliveInterval: Math.floor(durationMs(interval) / 1000) }),
});

/** Whether a rule makes callers speak HTTP/2, whatever the programs speak. */
export const isUpgraded = (pool: Pool | undefined): boolean => pool?.http?.h2UpgradePolicy === 'UPGRADE' && !pool.http.useClientProtocol;

/** Nothing where nobody asks for anything. Idle connections of HTTP go by their own limit, and by TCP's where there is none. */
const protocolOptions = (pool: Pool | undefined, upgrades: 'never' | 'when asked' | 'always'): Partial<Cluster> => {
  const { http, tcp } = pool ?? {};
  const idleTimeout = http?.idleTimeout ?? tcp?.idleTimeout;
  const common = {
    ...(idleTimeout !== undefined && { idleTimeout: toDuration(durationMs(idleTimeout)) }),
    ...(http?.maxRequestsPerConnection ? { maxRequestsPerConnection: http.maxRequestsPerConnection } : {}),
    ...(tcp?.maxConnectionDuration !== undefined && { maxConnectionDuration: toDuration(durationMs(tcp.maxConnectionDuration)) }),
  };
  const isHttp2 = upgrades === 'always' || (upgrades === 'when asked' && isUpgraded(pool));
  const asksCommon = Object.keys(common).length > 0 || (http?.maxConcurrentStreams ?? 0) > 0 || http?.http2KeepAlive !== undefined;
  if (!asksCommon && !isHttp2 && !http?.useClientProtocol) return {};
  const options = {
    ...(asksCommon && { commonHttpProtocolOptions: common }),
    upstreamProtocolOptions: http?.useClientProtocol
      ? { $case: 'useDownstreamProtocolConfig', value: { httpProtocolOptions: {}, http2ProtocolOptions: {} } }
      : { $case: 'explicitHttpConfig', value: { protocolConfig: isHttp2 ? http2(http) : { $case: 'httpProtocolOptions', value: {} } } },
  };
  return { typedExtensionProtocolOptions: { [HTTP_OPTIONS]: pack(HTTP_OPTIONS, options) } };
};

const http2 = (http: Pool['http']) => {
  const { interval, timeout } = http?.http2KeepAlive ?? {};
  return {
    $case: 'http2ProtocolOptions',
    value: {
      ...(http?.maxConcurrentStreams && { maxConcurrentStreams: http.maxConcurrentStreams }),
      ...(http?.http2KeepAlive && {
        connectionKeepalive: {
          ...(interval !== undefined && { interval: toDuration(durationMs(interval)) }),
          ...(timeout !== undefined && { timeout: toDuration(durationMs(timeout)) }),
        },
      }),
    },
  };
};
