/** `%COMMAND%` operators of access logs, each compiled once into a function. Source: Envoy, "Access logging: command operators". */
import { ConfigError } from '#api/config-error.ts';
import { formatFlags, RESPONSE_FLAGS, type ResponseFlag } from '#api/response-flags.ts';
import type { SocketAddress } from '#system/network.ts';
import type { FinishedStream } from '../http/connection-manager.ts';
import { certificateTimeOperator, TLS_OPERATORS } from './access-log-tls.ts';
import { attemptLog, hostsAttempted } from './attempt-log.ts';
import { timeFormat } from './log-time.ts';

/** One value of a line: numbers stay numbers, structures are JSON; undefined = there is none. */
export type LogValue = string | number | boolean | object | undefined;
/** Reads one value out of a finished exchange. */
export type Operator = (finished: FinishedStream) => LogValue;

const filled = (text: string | undefined): string | undefined => (text === undefined || text === '' ? undefined : text);
const place = (at: SocketAddress | undefined): string | undefined =>
  at === undefined ? undefined : at.address.includes(':') ? `[${at.address}]:${at.port}` : `${at.address}:${at.port}`;
const lastAttempt = ({ stream }: FinishedStream) => stream.attempts[stream.attempts.length - 1];

/** The host of the last try, once there was a connection to it. */
const connectedHost = (finished: FinishedStream): string | undefined => {
  const last = lastAttempt(finished);
  return last && (last.status !== undefined || last.local !== undefined) ? last.host : undefined;
};

const upstreamOf = (finished: FinishedStream): SocketAddress | undefined => {
  const host = connectedHost(finished);
  if (host === undefined) return undefined;
  const colon = host.lastIndexOf(':');
  return { address: host.slice(0, colon).replace(/^\[|\]$/g, ''), port: Number(host.slice(colon + 1)) };
};

/** An address in Envoy's three forms: `X_ADDRESS`, `X_ADDRESS_WITHOUT_PORT`, `X_PORT`. */
const addressOperators = (name: string, read: (finished: FinishedStream) => SocketAddress | undefined): Record<string, Operator> => ({
  [`${name}_ADDRESS`]: (finished) => place(read(finished)),
  [`${name}_ADDRESS_WITHOUT_PORT`]: (finished) => read(finished)?.address,
  [`${name}_PORT`]: (finished) => read(finished)?.port,
});

const longFlags = (flags: ReadonlySet<ResponseFlag>): string => [...flags].map((flag) => RESPONSE_FLAGS[flag].long).join(',');

const PLAIN: Readonly<Record<string, Operator>> = {
  ...addressOperators('DOWNSTREAM_LOCAL', ({ stream }) => stream.downstream.local),
  ...addressOperators('DOWNSTREAM_REMOTE', ({ stream }) => stream.downstream.remote),
  ...addressOperators('DOWNSTREAM_DIRECT_REMOTE', ({ stream }) => stream.downstream.direct ?? stream.downstream.remote),
  ...addressOperators('UPSTREAM_LOCAL', (finished) => lastAttempt(finished)?.local),
  ...addressOperators('UPSTREAM_REMOTE', upstreamOf),
  PROTOCOL: ({ opaque, stream }) => (opaque ? undefined : (stream.downstream.protocol ?? 'HTTP/1.1')),
  UPSTREAM_PROTOCOL: (finished) =>
    !finished.opaque && connectedHost(finished) !== undefined ? (lastAttempt(finished)?.protocol ?? 'HTTP/1.1') : undefined,
  RESPONSE_CODE: ({ end }) => end.status,
  // `-` in JSON, too: none is a value, not the lack of one (Envoy 1.40).
  RESPONSE_FLAGS: ({ stream }) => formatFlags(stream.flags),
  RESPONSE_FLAGS_LONG: ({ stream }) => (stream.flags.size === 0 ? '-' : longFlags(stream.flags)),
  RESPONSE_CODE_DETAILS: ({ stream }) => filled(stream.codeDetails),
  CONNECTION_TERMINATION_DETAILS: ({ stream }) => stream.terminationDetails,
  UPSTREAM_TRANSPORT_FAILURE_REASON: ({ stream }) => filled(stream.upstreamFailure),
  BYTES_RECEIVED: ({ end }) => end.bytesReceived,
  BYTES_SENT: ({ end }) => end.bytesSent,
  DURATION: ({ end }) => Math.floor(end.durationMs),
  UPSTREAM_HOST: (finished) => lastAttempt(finished)?.host,
  UPSTREAM_CLUSTER: ({ stream }) => filled(stream.clusterName),
  UPSTREAM_CLUSTER_RAW: ({ stream }) => filled(stream.clusterName),
  UPSTREAM_REQUEST_ATTEMPT_COUNT: ({ stream }) => stream.attempts.length,
  UPSTREAM_HOSTS_ATTEMPTED: ({ stream }) => filled(hostsAttempted(stream).join()),
  ...TLS_OPERATORS,
  ROUTE_NAME: ({ stream }) => filled(stream.routeName),
  CONNECTION_ID: ({ stream }) => stream.downstream.id,
  STREAM_ID: ({ stream }) => filled(stream.requestId),
  ACCESS_LOG_TYPE: ({ opaque }) => (opaque ? 'TcpConnectionEnd' : 'DownstreamEnd'),
  GRPC_STATUS_NUMBER: ({ response }) => (response?.headers.has('grpc-status') ? Number(response.headers.get('grpc-status')) : undefined),
};

const PSEUDO: Readonly<Record<string, Operator>> = {
  ':method': ({ request }) => request?.method,
  ':path': ({ request }) => filled(request?.path),
  ':authority': ({ request }) => filled(request?.authority),
  ':scheme': ({ request }) => request?.scheme,
};

const headerOperator = (kind: string, argument: string): Operator => {
  const names = argument.toLowerCase().split('?');
  const reads = names.map((name): Operator => {
    if (kind === 'REQ') return PSEUDO[name] ?? (({ request }) => request?.headers.joined(name));
    if (name === ':status') return ({ end }) => end.status;
    return ({ response }) => response?.headers.joined(name);
  });
  const [first = () => undefined, second] = reads;
  return second ? (finished) => first(finished) ?? second(finished) : first;
};

type Metadata = Readonly<Record<string, unknown>> | undefined;

/** `name.space:key:key` → what stands there. */
const insideOf = (argument: string, read: (finished: FinishedStream) => Metadata): Operator | undefined => {
  const [namespace = '', ...keys] = argument.split(':');
  if (namespace === '') return undefined;
  return (finished) => {
    let value: unknown = read(finished)?.[namespace];
    for (const key of keys) value = typeof value === 'object' && value !== null ? Reflect.get(value, key) : undefined;
    return value === null ? undefined : (value as LogValue);
  };
};

/** What filters found out, and the attempt log under a name that an Envoy knows nothing under: one format serves both. */
const dynamicMetadataOperator = (argument: string): Operator | undefined =>
  argument === 'dinghy.attempts' ? ({ stream }) => attemptLog(stream) : insideOf(argument, ({ stream }) => stream.metadata);

const METADATA: Readonly<Record<string, (finished: FinishedStream) => Metadata>> = {
  ROUTE: ({ stream }) => stream.routeMetadata,
  DYNAMIC: ({ stream }) => stream.metadata,
};

/** Of routes and of filters: this proxy keeps no other metadata for logs. */
const metadataOperator = (argument: string): Operator | undefined => {
  const colon = argument.indexOf(':');
  const source = argument.slice(0, Math.max(0, colon));
  return Object.hasOwn(METADATA, source) && METADATA[source] ? insideOf(argument.slice(colon + 1), METADATA[source]) : undefined;
};

/** What a query says of a name, percent triples as they stand. */
const queryOperator =
  (name: string): Operator =>
  ({ request }) => {
    const query = request?.path.slice(request.path.indexOf('?') + 1 || request.path.length + 1) ?? '';
    const found = query.split('&').find((pair) => pair === name || pair.startsWith(`${name}=`));
    return filled(found?.slice(name.length + 1));
  };

/** Operators that need an argument. */
const WITH_ARGUMENT: Readonly<Record<string, (argument: string) => Operator | undefined>> = {
  REQ: (argument) => headerOperator('REQ', argument),
  RESP: (argument) => headerOperator('RESP', argument),
  QUERY_PARAM: queryOperator,
  METADATA: metadataOperator,
  DYNAMIC_METADATA: dynamicMetadataOperator,
};

/** Operators that may have one. */
const TIMES: Readonly<Record<string, (finished: FinishedStream) => number>> = {
  START_TIME: ({ stream }) => stream.startedAtWallMs,
  EMIT_TIME: ({ stream, end }) => stream.startedAtWallMs + end.durationMs,
};

const timeOperator = (name: string, argument: string): Operator | undefined => {
  const read = TIMES[name];
  const format = read && timeFormat(argument);
  return read && format && ((finished) => format(read(finished)));
};

const found = (name: string, argument: string | undefined): Operator | undefined => {
  if (argument === undefined && Object.hasOwn(PLAIN, name)) return PLAIN[name];
  const certificateTime = certificateTimeOperator(name, argument ?? '');
  if (certificateTime) return certificateTime;
  if (Object.hasOwn(TIMES, name)) return timeOperator(name, argument ?? '');
  return argument && Object.hasOwn(WITH_ARGUMENT, name) ? WITH_ARGUMENT[name]?.(argument) : undefined;
};

/** cut: how many characters are kept. Throws ConfigError for what this proxy does not know. */
export const operatorOf = (name: string, argument: string | undefined, cut: string | undefined): Operator => {
  const operator = found(name, argument);
  if (!operator) throw new ConfigError('', `%${name}${argument === undefined ? '' : `(${argument})`}% is not supported by this proxy`);
  if (cut === undefined) return operator;
  return (finished) => {
    const value = operator(finished);
    return typeof value === 'string' ? value.slice(0, Number(cut)) : value;
  };
};
