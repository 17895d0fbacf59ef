/** ONE TABLE: why the proxy itself acted → words, HTTP status, log order. Source: Envoy `%RESPONSE_FLAGS%`, stream_info.h. */

interface FlagMeaning {
  readonly meaning: string;
  /** Status of the local reply when this flag alone caused it; 0 = no reply can be given. */
  readonly status: number;
}

/** In Envoy's bit order. */
export const RESPONSE_FLAGS = {
  LH: { meaning: 'local service failed its health check', status: 503 },
  UH: { meaning: 'no healthy upstream host', status: 503 },
  UT: { meaning: 'upstream request timeout', status: 504 },
  LR: { meaning: 'connection reset by this proxy', status: 503 },
  UR: { meaning: 'upstream reset the stream', status: 503 },
  UF: { meaning: 'could not connect to upstream', status: 503 },
  UC: { meaning: 'upstream closed the connection', status: 503 },
  UO: { meaning: 'upstream overflow (circuit breaker)', status: 503 },
  NR: { meaning: 'no route matched', status: 404 },
  DI: { meaning: 'delayed by fault injection', status: 0 },
  FI: { meaning: 'aborted by fault injection', status: 503 },
  RL: { meaning: 'rate limited by this proxy', status: 429 },
  UAEX: { meaning: 'denied by the external authorizer', status: 403 },
  RLSE: { meaning: 'rate limit service failed', status: 500 },
  DC: { meaning: 'downstream closed the connection', status: 0 },
  URX: { meaning: 'retries used up', status: 0 },
  SI: { meaning: 'stream idle for too long', status: 408 },
  IH: { meaning: 'invalid value for a strictly checked header', status: 400 },
  DPE: { meaning: 'downstream broke the protocol', status: 400 },
  UMSDR: { meaning: 'stream ran longer than allowed', status: 504 },
  UPE: { meaning: 'upstream broke the protocol', status: 502 },
  NC: { meaning: 'the route names a cluster that does not exist', status: 503 },
  OM: { meaning: 'overload manager closed the stream', status: 503 },
  DF: { meaning: 'name resolution failed', status: 503 },
} as const satisfies Record<string, FlagMeaning>;

/** A short word for why the proxy itself acted. */
export type ResponseFlag = keyof typeof RESPONSE_FLAGS;

/** Comma-joined in the order in which they were raised (Envoy 1.40 logs `URX,UF`), `-` when there is none. */
export const formatFlags = (flags: ReadonlySet<ResponseFlag>): string => (flags.size === 0 ? '-' : [...flags].join(','));
