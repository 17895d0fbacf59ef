/** `%COMMAND%` in the values of added fields: what is known while a message passes. What is not known is empty. Seen of Envoy 1.40. */
import { ConfigError } from '#api/config-error.ts';
import { formatFlags } from '#api/response-flags.ts';
import type { SocketAddress } from '#system/network.ts';
import { type HttpRequest, schemeOf } from '../http/message.ts';
import type { Attempt, StreamInfo } from '../http/stream-info.ts';

/** Value for one message. draft: its fields as they are by now. */
export type Format = (request: HttpRequest, stream: StreamInfo, draft: readonly string[]) => string;

const place = ({ address, port }: SocketAddress): string => (address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`);
const lastOf = ({ attempts }: StreamInfo): Attempt | undefined => attempts[attempts.length - 1];
const connectedOf = (stream: StreamInfo): Attempt | undefined => {
  const last = lastOf(stream);
  return last?.status === undefined ? undefined : last;
};
const addressOf = (host: string | undefined): string => (host ?? '').replace(/:\d+$/, '').replace(/^\[|\]$/g, '');

const downstream = (name: string, of: (stream: StreamInfo) => SocketAddress): Record<string, Format> => ({
  [`DOWNSTREAM_${name}_ADDRESS`]: (_, stream) => place(of(stream)),
  [`DOWNSTREAM_${name}_ADDRESS_WITHOUT_PORT`]: (_, stream) => of(stream).address,
  [`DOWNSTREAM_${name}_PORT`]: (_, stream) => String(of(stream).port),
});

const COMMANDS: Readonly<Record<string, Format>> = {
  ...downstream('REMOTE', (stream) => stream.downstream.remote),
  ...downstream('DIRECT_REMOTE', ({ downstream: { direct, remote } }) => direct ?? remote),
  ...downstream('LOCAL', (stream) => stream.downstream.local),
  DOWNSTREAM_PEER_URI_SAN: (_, stream) => stream.downstream.peerIdentity ?? '',
  DOWNSTREAM_TLS_VERSION: (_, stream) => stream.downstream.tls?.version ?? '',
  REQUESTED_SERVER_NAME: (_, stream) => stream.downstream.serverName ?? '',
  CONNECTION_ID: (_, stream) => String(stream.downstream.id),
  STREAM_ID: (_, stream) => stream.requestId,
  PROTOCOL: (_, stream) => stream.downstream.protocol ?? 'HTTP/1.1',
  ROUTE_NAME: (_, stream) => stream.routeName,
  UPSTREAM_CLUSTER: (_, stream) => stream.clusterName,
  UPSTREAM_CLUSTER_RAW: (_, stream) => stream.clusterName,
  UPSTREAM_HOST: (_, stream) => lastOf(stream)?.host ?? '',
  UPSTREAM_REMOTE_ADDRESS: (_, stream) => connectedOf(stream)?.host ?? '',
  UPSTREAM_REMOTE_ADDRESS_WITHOUT_PORT: (_, stream) => addressOf(connectedOf(stream)?.host),
  UPSTREAM_TRANSPORT_FAILURE_REASON: (_, stream) => stream.upstreamFailure,
  RESPONSE_CODE: (_, stream) => String(connectedOf(stream)?.status ?? 0),
  RESPONSE_CODE_DETAILS: (_, stream) => stream.codeDetails || (connectedOf(stream) ? 'via_upstream' : ''),
  RESPONSE_FLAGS: (_, stream) => formatFlags(stream.flags),
};

/** A request is edited before its first try. */
const OF_REQUEST: Readonly<Record<string, Format>> = { ...COMMANDS, UPSTREAM_REQUEST_ATTEMPT_COUNT: () => '1' };
const OF_RESPONSE: Readonly<Record<string, Format>> = {
  ...COMMANDS,
  UPSTREAM_REQUEST_ATTEMPT_COUNT: (_, stream) => String(stream.attempts.length),
};

const requestField = (argument: string): Format => {
  const [first = '', second = ''] = argument.toLowerCase().split('?');
  const read = (request: HttpRequest, name: string): string | undefined => {
    if (name === ':path') return request.path;
    if (name === ':method') return request.method;
    if (name === ':authority' || name === 'host') return request.authority;
    if (name === ':scheme') return schemeOf(request);
    return name === '' ? undefined : request.headers.get(name);
  };
  return (request) => read(request, first) ?? read(request, second) ?? '';
};

const draftField = (argument: string): Format => {
  const name = argument.toLowerCase();
  if (name === ':status') return (_, stream) => String(connectedOf(stream)?.status ?? '');
  return (_request, _stream, draft) => {
    for (let i = 0; i < draft.length; i += 2) if (draft[i] === name) return draft[i + 1] ?? '';
    return '';
  };
};

const queryValue =
  (name: string): Format =>
  ({ path }) => {
    const query = path.includes('?') ? path.slice(path.indexOf('?') + 1) : '';
    const found = query.split('&').find((pair) => pair === name || pair.startsWith(`${name}=`));
    return found?.slice(name.length + 1) ?? '';
  };

const commandOf = (name: string, argument: string | undefined, of: 'request' | 'response'): Format | undefined => {
  if (argument === undefined) {
    const table = of === 'request' ? OF_REQUEST : OF_RESPONSE;
    return Object.hasOwn(table, name) ? table[name] : undefined;
  }
  if (name === 'REQ' || name === 'REQUEST_HEADER') return requestField(argument);
  if (name === 'RESP' || name === 'RESPONSE_HEADER') return of === 'response' ? draftField(argument) : () => '';
  return name === 'QUERY_PARAM' ? queryValue(argument) : undefined;
};

// %% | %COMMAND% | %COMMAND(argument)% | %COMMAND(argument):limit%
const PATTERN = /%%|%([A-Z_]+)(?:\(([^)%]*)\))?(?::(\d+))?%|%/g;

/** Throws ConfigError for what this proxy does not know. */
export const compileFormat = (format: string, of: 'request' | 'response'): Format => {
  const parts: Format[] = [];
  let last = 0;
  for (const match of format.matchAll(PATTERN)) {
    const before = format.slice(last, match.index);
    last = match.index + match[0].length;
    if (before !== '') parts.push(() => before);
    const [whole, name, argument, limit] = match;
    if (whole === '%%') {
      parts.push(() => '%');
      continue;
    }
    const command = name === undefined ? undefined : commandOf(name, argument, of);
    if (!command) throw new ConfigError('', `${JSON.stringify(whole)} is not supported by this proxy`);
    parts.push(limit === undefined ? command : (...told) => command(...told).slice(0, Number(limit)));
  }
  const rest = format.slice(last);
  if (parts.length === 0) return () => rest;
  if (rest !== '') parts.push(() => rest);
  return (request, stream, draft) => parts.map((part) => part(request, stream, draft)).join('');
};
