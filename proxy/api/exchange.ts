/**
 * The exchange record: what every data plane tells of one finished request, ours and Envoy alike, as one JSON access-log line on its standard output.
 * Graph, tape and conformance read it. Keys are the names of EXCHANGE_LOG_FORMAT; `kind` tells the line from other output.
 */

/** Access-log json_format that makes any Envoy write exchange records. Values are Envoy's command operators. */
export const EXCHANGE_LOG_FORMAT = {
  kind: 'exchange',
  start_time: '%START_TIME%',
  method: '%REQ(:METHOD)%',
  path: '%REQ(X-ENVOY-ORIGINAL-PATH?:PATH)%',
  protocol: '%PROTOCOL%',
  response_code: '%RESPONSE_CODE%',
  response_flags: '%RESPONSE_FLAGS%',
  response_code_details: '%RESPONSE_CODE_DETAILS%',
  connection_termination_details: '%CONNECTION_TERMINATION_DETAILS%',
  upstream_transport_failure_reason: '%UPSTREAM_TRANSPORT_FAILURE_REASON%',
  bytes_received: '%BYTES_RECEIVED%',
  bytes_sent: '%BYTES_SENT%',
  duration: '%DURATION%',
  upstream_service_time: '%RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)%',
  x_forwarded_for: '%REQ(X-FORWARDED-FOR)%',
  user_agent: '%REQ(USER-AGENT)%',
  request_id: '%REQ(X-REQUEST-ID)%',
  authority: '%REQ(:AUTHORITY)%',
  upstream_host: '%UPSTREAM_HOST%',
  upstream_cluster: '%UPSTREAM_CLUSTER%',
  upstream_local_address: '%UPSTREAM_LOCAL_ADDRESS%',
  downstream_local_address: '%DOWNSTREAM_LOCAL_ADDRESS%',
  downstream_remote_address: '%DOWNSTREAM_REMOTE_ADDRESS%',
  requested_server_name: '%REQUESTED_SERVER_NAME%',
  downstream_peer: '%DOWNSTREAM_PEER_URI_SAN%',
  downstream_tls: '%DOWNSTREAM_TLS_VERSION%',
  downstream_transport_failure_reason: '%DOWNSTREAM_TRANSPORT_FAILURE_REASON%',
  upstream_peer: '%UPSTREAM_PEER_URI_SAN%',
  upstream_local_identity: '%UPSTREAM_LOCAL_URI_SAN%',
  upstream_tls: '%UPSTREAM_TLS_VERSION%',
  authz: '%DYNAMIC_METADATA(dinghy.authz)%',
  route_name: '%ROUTE_NAME%',
  rule_resource: '%METADATA(ROUTE:dinghy.source:resource)%',
  rule_field: '%METADATA(ROUTE:dinghy.source:fieldPath)%',
  attempt_count: '%UPSTREAM_REQUEST_ATTEMPT_COUNT%',
  hosts_attempted: '%UPSTREAM_HOSTS_ATTEMPTED%',
  attempt_log: '%DYNAMIC_METADATA(dinghy.attempts)%',
} as const;

/** One line, parsed. Numbers stay numbers; what is missing is null (Envoy's JSON form of `-`). */
export type ExchangeLogLine = {
  readonly [key in Exclude<keyof typeof EXCHANGE_LOG_FORMAT, 'authz' | 'attempt_log'>]?: string | number | null;
} & {
  readonly authz?: unknown;
  /** AttemptLogEntry[] of this project's proxy; an Envoy has none. */
  readonly attempt_log?: unknown;
  /** Only of a connection that was refused: what each port of the workload asks of its clients. */
  readonly modes?: unknown;
};

/** One try of an exchange as its proxy's log line has it. Times in milliseconds with two decimals; what is not known is absent. */
export interface AttemptLogEntry {
  /** `address:port`; absent when none could be picked, or nothing was sent. */
  readonly host?: string;
  /** From the exchange's beginning to this try's. */
  readonly start?: number;
  /** Back-off before it; absent of the first try. */
  readonly waited?: number;
  /** From this try's beginning to its response head; absent when none came. */
  readonly head?: number;
  /** From this try's beginning to its failure; absent when a head came. */
  readonly failed?: number;
  readonly status?: number;
  /** `%RESPONSE_FLAGS%` of this try alone: why it failed. */
  readonly flag?: string;
  /** `%RESPONSE_CODE_DETAILS%` of this try alone, of one that failed. */
  readonly details?: string;
  /** How long it was allowed to take; absent when there was no such limit. */
  readonly limit?: number;
}

/** Whether both ends of a connection proved who they are, only the server did, or nobody. */
export type ConnectionSecurity = 'mutual_tls' | 'tls' | 'none';

/** One finished request as one proxy saw it. */
export interface Exchange {
  /** Workload whose proxy tells it, e.g. `reviews-v1`. */
  readonly reporter: string;
  /** outbound: the caller's proxy; inbound: the callee's; gateway: an ingress gateway. */
  readonly side: 'outbound' | 'inbound' | 'gateway';
  readonly startedAt: string;
  readonly requestId: string;
  readonly method: string;
  readonly path: string;
  readonly authority: string;
  /** 0 when no response could be given. */
  readonly status: number;
  readonly flags: string;
  readonly details: string;
  readonly durationMs: number;
  readonly cluster: string;
  readonly upstreamHost: string;
  readonly upstreamLocal: string;
  readonly downstreamRemote: string;
  readonly downstreamLocal: string;
  readonly route: string;
  /** Resource that the route was made from, `VirtualService default/reviews`; empty for the mesh's own routes. */
  readonly ruleResource: string;
  /** Field of that resource: `spec.http[0].match[0]`. */
  readonly ruleField: string;
  readonly attempts: number;
  /** The tries in order, as the proxy wrote them down: retries are read, not inferred. An Envoy tells their hosts only. */
  readonly attemptLog: readonly AttemptLogEntry[];
  readonly bytesSent: number;
  readonly userAgent: string;
  /** `spiffe://…` that the client proved to be; empty = none. */
  readonly downstreamPeer: string;
  /** `TLSv1.3`; empty on plain text. */
  readonly downstreamTls: string;
  /** `spiffe://…` that the host proved to be; empty = none, also where no connection came about. */
  readonly upstreamPeer: string;
  readonly upstreamTls: string;
  /** Of the connection to the other proxy: the client's on the inbound side, else the one to the host. */
  readonly security: ConnectionSecurity;
  /** Why the connection to the host failed, or the client's handshake did; spaces as `_`. Empty = neither. */
  readonly transportFailure: string;
  /** The facts on which a policy decided, as the proxy's metadata `dinghy.authz` has them; absent where none did. */
  readonly authz?: Readonly<Record<string, unknown>>;
  /** Of a connection that was refused before anything was asked on it: why, as a sentence. It is no request: method, path and status are empty. */
  readonly refused?: string;
}
