/** `%COMMAND%` operators of access logs, compiled once into a list of functions. Pure. Source: Envoy, "Access logging: command operators". */
import { ConfigError } from '#api/config-error.ts';
import { formatFlags } from '#api/response-flags.ts';
import type { SocketAddress } from '#system/network.ts';
import type { FinishedStream } from '../http/connection-manager.ts';

/** One value of a line: numbers stay numbers, structures are JSON; undefined = there is none. */
export type LogValue = string | number | boolean | object | undefined;
/** Reads one value out of a finished exchange. */
export type Operator = (finished: FinishedStream) => LogValue;

/** Envoy's default text format. */
export const DEFAULT_FORMAT =
  '[%START_TIME%] "%REQ(:METHOD)% %REQ(X-ENVOY-ORIGINAL-PATH?:PATH)% %PROTOCOL%" %RESPONSE_CODE% %RESPONSE_FLAGS% %BYTES_RECEIVED% %BYTES_SENT% %DURATION% %RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)% "%REQ(X-FORWARDED-FOR)%" "%REQ(USER-AGENT)%" "%REQ(X-REQUEST-ID)%" "%REQ(:AUTHORITY)%" "%UPSTREAM_HOST%"\n';

const filled = (text: string | undefined): string | undefined => (text === undefined || text === '' ? undefined : text);
const place = (at: SocketAddress | undefined): string | undefined =>
  at === undefined ? undefined : at.address.includes(':') ? `[${at.address}]:${at.port}` : `${at.address}:${at.port}`;
const lastAttempt = ({ stream }: FinishedStream) => stream.attempts[stream.attempts.length - 1];

const PLAIN: Readonly<Record<string, Operator>> = {
  PROTOCOL: ({ request }) => request && 'HTTP/1.1',
  RESPONSE_CODE: ({ end }) => end.status,
  RESPONSE_FLAGS: ({ stream }) => (stream.flags.size === 0 ? undefined : formatFlags(stream.flags)),
  RESPONSE_CODE_DETAILS: ({ stream }) => filled(stream.codeDetails),
  CONNECTION_TERMINATION_DETAILS: () => undefined,
  UPSTREAM_TRANSPORT_FAILURE_REASON: ({ stream }) => filled(stream.upstreamFailure),
  BYTES_RECEIVED: ({ end }) => end.bytesReceived,
  BYTES_SENT: ({ end }) => end.bytesSent,
  DURATION: ({ end }) => Math.floor(end.durationMs),
  UPSTREAM_HOST: (finished) => lastAttempt(finished)?.host,
  UPSTREAM_REMOTE_ADDRESS: (finished) => lastAttempt(finished)?.host,
  UPSTREAM_CLUSTER: ({ stream }) => filled(stream.clusterName),
  UPSTREAM_CLUSTER_RAW: ({ stream }) => filled(stream.clusterName),
  UPSTREAM_LOCAL_ADDRESS: (finished) => place(lastAttempt(finished)?.local),
  UPSTREAM_REQUEST_ATTEMPT_COUNT: ({ stream }) => stream.attempts.length,
  DOWNSTREAM_LOCAL_ADDRESS: ({ stream }) => place(stream.downstream.local),
  DOWNSTREAM_LOCAL_ADDRESS_WITHOUT_PORT: ({ stream }) => stream.downstream.local.address,
  DOWNSTREAM_LOCAL_PORT: ({ stream }) => stream.downstream.local.port,
  DOWNSTREAM_REMOTE_ADDRESS: ({ stream }) => place(stream.downstream.remote),
  DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT: ({ stream }) => stream.downstream.remote.address,
  DOWNSTREAM_REMOTE_PORT: ({ stream }) => stream.downstream.remote.port,
  DOWNSTREAM_DIRECT_REMOTE_ADDRESS: ({ stream }) => place(stream.downstream.remote),
  DOWNSTREAM_PEER_URI_SAN: ({ stream }) => stream.downstream.peerIdentity,
  REQUESTED_SERVER_NAME: ({ stream }) => stream.downstream.serverName,
  ROUTE_NAME: ({ stream }) => filled(stream.routeName),
  CONNECTION_ID: ({ stream }) => stream.downstream.id,
  STREAM_ID: ({ stream }) => filled(stream.requestId),
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

const two = (value: number): string => String(value).padStart(2, '0');

const startTime = (format: string): Operator => {
  if (format === '') return ({ stream }) => new Date(stream.startedAtWallMs).toISOString();
  if (format === '%s') return ({ stream }) => String(Math.floor(stream.startedAtWallMs / 1000));
  if (/%[^YmdHMSsTFf3Z]/.test(format.replace('%3f', '')))
    throw new ConfigError('', `%START_TIME(${format})% is not supported by this proxy`);
  return ({ stream }) => {
    const at = new Date(stream.startedAtWallMs);
    const day = `${at.getUTCFullYear()}-${two(at.getUTCMonth() + 1)}-${two(at.getUTCDate())}`;
    const time = `${two(at.getUTCHours())}:${two(at.getUTCMinutes())}:${two(at.getUTCSeconds())}`;
    const parts: Record<string, string> = {
      Y: day.slice(0, 4),
      m: day.slice(5, 7),
      d: day.slice(8),
      F: day,
      T: time,
      H: time.slice(0, 2),
      M: time.slice(3, 5),
      S: time.slice(6),
      Z: 'UTC',
      s: String(Math.floor(at.getTime() / 1000)),
    };
    const fraction = String(at.getUTCMilliseconds()).padStart(3, '0');
    return format.replace(/%3f/g, fraction).replace(/%([YmdFTHMSZsf])/g, (_, letter: string) => parts[letter] ?? fraction);
  };
};

/** `ROUTE:name.space:key:key` → what stands there. Only of routes: this proxy keeps no other metadata. */
const metadataOperator = (argument: string): Operator | undefined => {
  const [source, namespace, ...keys] = argument.split(':');
  if (source !== 'ROUTE' || namespace === undefined || namespace === '') return undefined;
  return ({ stream }) => {
    let value: unknown = stream.routeMetadata?.[namespace];
    for (const key of keys) value = typeof value === 'object' && value !== null ? Reflect.get(value, key) : undefined;
    return value === null ? undefined : (value as LogValue);
  };
};

const COMMAND = /%([A-Z0-9_]+)(?:\(([^)]*)\))?(?::(\d+))?%/g;

const operatorOf = (name: string, argument: string | undefined, cut: string | undefined): Operator => {
  const plain = argument === undefined ? PLAIN[name] : undefined;
  const operator =
    plain ??
    (name === 'START_TIME'
      ? startTime(argument ?? '')
      : (name === 'REQ' || name === 'RESP') && argument
        ? headerOperator(name, argument)
        : name === 'METADATA' && argument
          ? metadataOperator(argument)
          : undefined);
  if (!operator) throw new ConfigError('', `%${name}${argument === undefined ? '' : `(${argument})`}% is not supported by this proxy`);
  if (cut === undefined) return operator;
  return (finished) => {
    const value = operator(finished);
    return typeof value === 'string' ? value.slice(0, Number(cut)) : value;
  };
};

/** The parts of a format, in order: literal text and operators. Throws ConfigError for what this proxy does not know. */
export const compileFormat = (format: string): readonly (string | Operator)[] => {
  const parts: (string | Operator)[] = [];
  let at = 0;
  for (const match of format.matchAll(COMMAND)) {
    if (match.index > at) parts.push(format.slice(at, match.index).replaceAll('%%', '%'));
    parts.push(operatorOf(match[1] ?? '', match[2], match[3]));
    at = match.index + match[0].length;
  }
  const rest = format.slice(at);
  if (rest.replaceAll('%%', '').includes('%')) throw new ConfigError('', `'${rest}': a % without a command`);
  if (rest !== '') parts.push(rest.replaceAll('%%', '%'));
  return parts;
};

/** Control characters never reach a text log raw: one exchange is one line. */
const printable = (text: string): string => {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code < 32 || code === 127) return JSON.stringify(text).slice(1, -1).replaceAll('\u007f', '\\u007f');
  }
  return text;
};

const textOf = (value: LogValue): string | number | boolean => (typeof value === 'object' ? JSON.stringify(value) : (value ?? '-'));

/** Finished exchange → its line, without the newline. `-` stands for what is missing. */
export const textLine = (format: string): ((finished: FinishedStream) => string) => {
  const parts = compileFormat(format.endsWith('\n') ? format.slice(0, -1) : format);
  return (finished) => {
    let line = '';
    for (const part of parts) {
      const value = typeof part === 'string' ? part : part(finished);
      line += typeof part !== 'string' && typeof value === 'string' ? printable(value) : textOf(value);
    }
    return line;
  };
};

type JsonPart = (finished: FinishedStream) => unknown;

const jsonPart = (value: unknown): JsonPart => {
  if (typeof value === 'string') {
    const parts = compileFormat(value);
    const [only] = parts;
    if (parts.length === 1 && typeof only === 'function') return (finished) => only(finished) ?? null;
    return (finished) => parts.map((part) => (typeof part === 'string' ? part : textOf(part(finished)))).join('');
  }
  if (Array.isArray(value)) {
    const items = value.map(jsonPart);
    return (finished) => items.map((item) => item(finished));
  }
  if (typeof value === 'object' && value !== null) {
    const fields = jsonFields(value);
    return (finished) => Object.fromEntries(fields.map(([key, part]) => [key, part(finished)]));
  }
  return () => value;
};

const jsonFields = (format: object): (readonly [string, JsonPart])[] =>
  Object.entries(format)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => [key, jsonPart(value)] as const);

/** Finished exchange → one JSON object as text: keys sorted, numbers as numbers, null for what is missing (Envoy ≥ 1.33). */
export const jsonLine = (format: object): ((finished: FinishedStream) => string) => {
  const fields = jsonFields(format).map(([key, part]) => [`${JSON.stringify(key)}:`, part] as const);
  return (finished) => {
    let line = '';
    for (const [key, part] of fields) line += `${line === '' ? '{' : ','}${key}${JSON.stringify(part(finished))}`;
    return line === '' ? '{}' : `${line}}`;
  };
};
