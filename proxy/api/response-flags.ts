/** ONE TABLE: why the proxy itself acted → words, HTTP status, log order. Source: Envoy `%RESPONSE_FLAGS%`, stream_info.h. */

interface FlagMeaning {
  /** Envoy's `%RESPONSE_FLAGS_LONG%`. */
  readonly long: string;
  readonly meaning: string;
  /** Status of the local reply when this flag alone caused it; 0 = no reply can be given. */
  readonly status: number;
}

/** In Envoy's bit order. */
export const RESPONSE_FLAGS = {
  LH: { long: 'FailedLocalHealthCheck', meaning: 'local service failed its health check', status: 503 },
  UH: { long: 'NoHealthyUpstream', meaning: 'no healthy upstream host', status: 503 },
  UT: { long: 'UpstreamRequestTimeout', meaning: 'upstream request timeout', status: 504 },
  LR: { long: 'LocalReset', meaning: 'connection reset by this proxy', status: 503 },
  UR: { long: 'UpstreamRemoteReset', meaning: 'upstream reset the stream', status: 503 },
  UF: { long: 'UpstreamConnectionFailure', meaning: 'could not connect to upstream', status: 503 },
  UC: { long: 'UpstreamConnectionTermination', meaning: 'upstream closed the connection', status: 503 },
  UO: { long: 'UpstreamOverflow', meaning: 'upstream overflow (circuit breaker)', status: 503 },
  NR: { long: 'NoRouteFound', meaning: 'no route matched', status: 404 },
  DI: { long: 'DelayInjected', meaning: 'delayed by fault injection', status: 0 },
  FI: { long: 'FaultInjected', meaning: 'aborted by fault injection', status: 503 },
  RL: { long: 'RateLimited', meaning: 'rate limited by this proxy', status: 429 },
  UAEX: { long: 'UnauthorizedExternalService', meaning: 'denied by the external authorizer', status: 403 },
  RLSE: { long: 'RateLimitServiceError', meaning: 'rate limit service failed', status: 500 },
  DC: { long: 'DownstreamConnectionTermination', meaning: 'downstream closed the connection', status: 0 },
  URX: { long: 'UpstreamRetryLimitExceeded', meaning: 'retries used up', status: 0 },
  SI: { long: 'StreamIdleTimeout', meaning: 'stream idle for too long', status: 408 },
  IH: { long: 'InvalidEnvoyRequestHeaders', meaning: 'invalid value for a strictly checked header', status: 400 },
  DPE: { long: 'DownstreamProtocolError', meaning: 'downstream broke the protocol', status: 400 },
  UMSDR: { long: 'UpstreamMaxStreamDurationReached', meaning: 'stream ran longer than allowed', status: 504 },
  DT: { long: 'DurationTimeout', meaning: 'lasted longer than a connection may', status: 0 },
  UPE: { long: 'UpstreamProtocolError', meaning: 'upstream broke the protocol', status: 502 },
  NC: { long: 'NoClusterFound', meaning: 'the route names a cluster that does not exist', status: 503 },
  OM: { long: 'OverloadManagerTerminated', meaning: 'overload manager closed the stream', status: 503 },
  DF: { long: 'DnsResolutionFailed', meaning: 'name resolution failed', status: 503 },
} as const satisfies Record<string, FlagMeaning>;

/** A short word for why the proxy itself acted. */
export type ResponseFlag = keyof typeof RESPONSE_FLAGS;

/** Comma-joined in the order in which they were raised (Envoy 1.40 logs `URX,UF`), `-` when there is none. */
export const formatFlags = (flags: ReadonlySet<ResponseFlag>): string => (flags.size === 0 ? '-' : [...flags].join(','));
