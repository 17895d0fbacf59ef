/** One line of a proxy's standard output → an exchange, when it is one. Pure. */
import type { AttemptLogEntry, ConnectionSecurity, Exchange, ExchangeLogLine } from '#api/exchange.ts';

/** Whose proxy wrote the line. */
export interface Reporter {
  readonly name: string;
  /** Address that its inbound listeners are bound to; outbound ones see virtual addresses. */
  readonly address: string;
  readonly isGateway: boolean;
}

/** Undefined for lines that are something else. */
export const readExchange = (line: string, reporter: Reporter): Exchange | undefined => {
  if (!line.startsWith('{') || !(line.includes('"exchange"') || line.includes('"connection"'))) return undefined;
  let parsed: ExchangeLogLine;
  try {
    parsed = JSON.parse(line) as ExchangeLogLine;
  } catch {
    return undefined;
  }
  if (parsed.kind === 'connection') return deniedConnection(parsed, reporter);
  return parsed.kind === 'exchange' ? toExchange(parsed, reporter) : undefined;
};

const text = (value: string | number | null | undefined): string => (value === null || value === undefined ? '' : String(value));
const number = (value: string | number | null | undefined): number => (Number.isFinite(Number(value)) ? Number(value) : 0);

const securityOf = (version: string, client: string): ConnectionSecurity => {
  if (version === '') return 'none';
  return client === '' ? 'tls' : 'mutual_tls';
};

type Secured = Pick<
  Exchange,
  'downstreamPeer' | 'downstreamTls' | 'upstreamPeer' | 'upstreamTls' | 'security' | 'transportFailure' | 'authz'
>;

/** A proxy that tells nothing of TLS had none. */
const secured = (line: ExchangeLogLine, side: Exchange['side']): Secured => {
  const downstreamPeer = text(line.downstream_peer);
  const downstreamTls = text(line.downstream_tls);
  const upstreamTls = text(line.upstream_tls);
  return {
    downstreamPeer,
    downstreamTls,
    upstreamPeer: text(line.upstream_peer),
    upstreamTls,
    security: side === 'inbound' ? securityOf(downstreamTls, downstreamPeer) : securityOf(upstreamTls, text(line.upstream_local_identity)),
    transportFailure: text(line.upstream_transport_failure_reason) || text(line.downstream_transport_failure_reason),
    ...(isRecord(line.authz) && { authz: line.authz }),
  };
};

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** An Envoy tells hosts only: `address:port,address:port`. */
const attemptLogOf = ({ attempt_log: told, hosts_attempted: hosts }: ExchangeLogLine): readonly AttemptLogEntry[] => {
  if (Array.isArray(told)) return told.filter(isRecord) as AttemptLogEntry[];
  return text(hosts) === ''
    ? []
    : text(hosts)
        .split(',')
        .map((host) => ({ host }));
};

const portOf = (address: string): string => /\d+$/.exec(address)?.[0] ?? '';
const hostOf = (address: string): string => address.replace(/:\d+$/, '');

/** The mode of the port says what was wrong with who came: STRICT takes TLS, PERMISSIVE plain text and the mesh's own TLS. */
const refusal = (line: ExchangeLogLine, reporter: string): Pick<Exchange, 'refused'> => {
  if (line.response_code_details !== 'filter_chain_not_found') return {};
  const from = hostOf(text(line.downstream_remote_address));
  const port = portOf(text(line.downstream_local_address));
  const mode = isRecord(line.modes) ? line.modes[port] : undefined;
  if (mode === 'STRICT') return { refused: `STRICT: plain text from ${from} refused by ${reporter}, port ${port}` };
  if (mode === 'PERMISSIVE')
    return { refused: `PERMISSIVE: TLS that is not of the mesh, from ${from}, refused by ${reporter}, port ${port}` };
  return { refused: `connection from ${from} refused by ${reporter}: nothing takes it on port ${port}` };
};

/** Of connections whose bytes nobody reads, only those that a policy refused: the others are no requests. */
const deniedConnection = (line: ExchangeLogLine, reporter: Reporter): Exchange | undefined => {
  const details = text(line.connection_termination_details);
  if (!details.startsWith('rbac_access_denied')) return undefined;
  const exchange = toExchange(line, reporter);
  const who = exchange.downstreamPeer === '' ? '' : ` (${exchange.downstreamPeer})`;
  const refused = `policy: connection from ${hostOf(exchange.downstreamRemote)}${who} refused by ${reporter.name}, port ${portOf(exchange.downstreamLocal)}`;
  return { ...exchange, details, refused };
};

const toExchange = (line: ExchangeLogLine, { name, address, isGateway }: Reporter): Exchange => {
  // istiod gives clusters a name for statistics that ends so, and Envoy logs that one.
  const cluster = text(line.upstream_cluster).replace(/;$/, '');
  const inbound = text(line.downstream_local_address).startsWith(`${address}:`);
  const side = isGateway ? 'gateway' : inbound ? 'inbound' : 'outbound';
  return {
    reporter: name,
    side,
    startedAt: text(line.start_time),
    requestId: text(line.request_id),
    method: text(line.method),
    path: text(line.path),
    authority: text(line.authority),
    status: number(line.response_code),
    flags: text(line.response_flags) || '-',
    details: text(line.response_code_details),
    durationMs: number(line.duration),
    cluster,
    upstreamHost: text(line.upstream_host),
    upstreamLocal: text(line.upstream_local_address),
    downstreamRemote: text(line.downstream_remote_address),
    downstreamLocal: text(line.downstream_local_address),
    route: text(line.route_name),
    ruleResource: text(line.rule_resource),
    ruleField: text(line.rule_field),
    attempts: number(line.attempt_count),
    attemptLog: attemptLogOf(line),
    bytesSent: number(line.bytes_sent),
    userAgent: text(line.user_agent),
    ...secured(line, side),
    ...refusal(line, name),
  };
};
