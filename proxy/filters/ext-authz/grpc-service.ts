/** An authorizer that is asked over gRPC: envoy.service.auth.v3.Authorization. Source: service.auth.v3. */
import { ConfigError, inField, refuseUnsupported } from '#api/config-error.ts';
import { durationMs } from '#api/units.ts';
import { Address, type AttributeContext, CheckRequest, CheckResponse, type ExtAuthz } from '#envoy';
import type { SocketAddress } from '#system/network.ts';
import type { CertificateFacts } from '#system/tls/tls-facts.ts';
import { type HttpRequest, schemeOf } from '../../http/message.ts';
import type { StreamInfo } from '../../http/stream-info.ts';
import type { FilterRoom } from '../filter-type.ts';
import { withinTime } from '../side-call.ts';
import type { Ask, Question } from './ask.ts';
import { unaryCalls } from './grpc-call.ts';
import type { AuthzVerdict, FieldChange } from './verdict.ts';

type GrpcService = Extract<NonNullable<ExtAuthz['services']>, { $case: 'grpcService' }>['value'];

/** What the authorizer is told of a request. */
export interface CheckRules {
  readonly told: (header: string) => boolean;
  readonly extensions: Readonly<Record<string, string>>;
  readonly asBytes: boolean;
  readonly withCertificate: boolean;
  readonly metadataNames: readonly string[];
  readonly routeMetadataNames: readonly string[];
  /** Whether fields are told one by one, with the bytes that they have. */
  readonly rawHeaders: boolean;
}

const METHOD = '/envoy.service.auth.v3.Authorization/Check';
const DEFAULT_TIMEOUT_MS = 200;
const FORBIDDEN = 403;

const addressOf = ({ address, port }: SocketAddress): Address =>
  Address.fromPartial({ address: { $case: 'socketAddress', value: { address, portSpecifier: { $case: 'portValue', value: port } } } });

const principalOf = (certificate: CertificateFacts | undefined): string =>
  certificate?.uris[0] ?? certificate?.dnsNames[0] ?? certificate?.subject ?? '';

const peersOf = ({ downstream }: StreamInfo, request: HttpRequest, rules: CheckRules): Pick<AttributeContext, 'source' | 'destination'> => {
  const { tls } = downstream;
  const peer = { service: '', labels: {}, principal: '', certificate: '' };
  return {
    source: {
      ...peer,
      address: addressOf(downstream.remote),
      service: request.headers.get('x-envoy-downstream-service-cluster') ?? '',
      principal: principalOf(tls?.peer) || (downstream.peerIdentity ?? ''),
      certificate: rules.withCertificate && tls?.peer ? encodeURIComponent(tls.peer.pem) : '',
    },
    destination: { ...peer, address: addressOf(downstream.local), principal: principalOf(tls?.local) },
  };
};

const pseudoFields = (request: HttpRequest): (readonly [string, string])[] => [
  [':authority', request.authority],
  [':path', request.path],
  [':method', request.method],
  [':scheme', schemeOf(request)],
];

/** Every value of a field that comes several times, in one text: a value that is not told could be the one that matters (CVE-2021-32777). */
const joinedFields = (fields: readonly (readonly [string, string])[]): Record<string, string> => {
  const joined = new Map<string, string>();
  for (const [name, value] of fields) joined.set(name, joined.has(name) ? `${joined.get(name)},${value}` : value);
  return Object.fromEntries([...joined].map(([name, value]) => [name, utf8(value)]));
};

/** Bytes that are no UTF-8 cannot stand in a string of protobuf. */
const utf8 = (value: string): string => Buffer.from(value, 'latin1').toString('utf8').replaceAll('\ufffd', '!');

const rawMap = (fields: readonly (readonly [string, string])[]) => ({
  headers: fields.map(([key, value]) => ({ key, value: '', rawValue: new Uint8Array(Buffer.from(value, 'latin1')) })),
});

const httpOf = ({ request, stream, body }: Question, rules: CheckRules) => {
  const fields = [...pseudoFields(request), ...request.headers].filter(([name]) => rules.told(name));
  const partial: (readonly [string, string])[] = body ? [['x-envoy-auth-partial-body', String(body.isPartial)]] : [];
  const told = [...fields.filter(([name]) => name !== 'x-envoy-auth-partial-body'), ...partial];
  const length = request.headers.get('content-length');
  return {
    id: String(stream.exchangeId),
    method: request.method,
    path: request.path,
    host: request.authority,
    scheme: schemeOf(request),
    protocol: 'HTTP/1.1',
    size: length !== undefined && /^\d{1,15}$/.test(length) ? Number(length) : -1,
    body: body && !rules.asBytes ? body.bytes.toString('utf8') : '',
    rawBody: body && rules.asBytes ? new Uint8Array(body.bytes) : new Uint8Array(0),
    ...(rules.rawHeaders ? { headerMap: rawMap(told) } : { headers: joinedFields(told) }),
  };
};

const namespaces = (all: Readonly<Record<string, unknown>> | undefined, names: readonly string[]) => ({
  filterMetadata: Object.fromEntries(
    names.flatMap((name): [string, Record<string, unknown>][] =>
      all && Object.hasOwn(all, name) ? [[name, structuredClone(all[name]) as Record<string, unknown>]] : [],
    ),
  ),
  typedFilterMetadata: {},
});

/** What is asked. */
export const checkRequest = (question: Question, rules: CheckRules): Uint8Array => {
  const { request, stream } = question;
  const attributes = {
    ...peersOf(stream, request, rules),
    request: { time: new Date(stream.startedAtWallMs), http: httpOf(question, rules) },
    contextExtensions: { ...rules.extensions },
    metadataContext: namespaces(stream.metadata, rules.metadataNames),
    routeMetadataContext: namespaces(stream.routeMetadata, rules.routeMetadataNames),
  };
  return CheckRequest.encode(CheckRequest.fromPartial({ attributes })).finish();
};

type Option = Extract<NonNullable<CheckResponse['httpResponse']>, { $case: 'deniedResponse' }>['value']['headers'][number];

/** By append_action. Its first value is also what nobody said, and then the value replaces what is there. (Envoy 1.40) */
const ACTIONS: readonly FieldChange['how'][] = ['set', 'add-if-absent', 'set', 'set-if-present'];

const changesOf = (options: readonly Option[]): FieldChange[] =>
  options.map(({ header, append, appendAction }) => ({
    how: append === undefined ? (ACTIONS[appendAction] ?? 'set') : append ? 'join' : 'set',
    name: (header?.key ?? '').toLowerCase(),
    value: Buffer.from(header?.value || header?.rawValue || '').toString('latin1'),
  }));

/** Anything that is not plainly "yes" is "no". */
export const verdictOf = (response: CheckResponse): AuthzVerdict => {
  const { status, httpResponse, dynamicMetadata: metadata } = response;
  if (status?.code === 0 || (!status && httpResponse?.$case === 'okResponse')) {
    const ok = httpResponse?.$case === 'okResponse' ? httpResponse.value : undefined;
    const query = ok && ok.queryParametersToSet.length + ok.queryParametersToRemove.length > 0;
    return {
      kind: 'allowed',
      request: changesOf(ok?.headers ?? []),
      remove: (ok?.headersToRemove ?? []).map((name) => name.toLowerCase()),
      response: changesOf(ok?.responseHeadersToAdd ?? []),
      query: query ? { set: ok.queryParametersToSet.map(({ key, value }) => [key, value]), remove: ok.queryParametersToRemove } : undefined,
      metadata: ok?.dynamicMetadata ?? metadata,
    };
  }
  const denied = httpResponse?.$case === 'deniedResponse' ? httpResponse.value : undefined;
  const code = denied?.status?.code ?? 0;
  return {
    kind: 'denied',
    status: code >= 200 && code < 600 ? code : FORBIDDEN,
    body: denied?.body ?? '',
    headers: changesOf(denied?.headers ?? []),
    metadata,
  };
};

/** Throws ConfigError with a path relative to the service. */
export const compileGrpcService = (service: GrpcService, rules: CheckRules, room: FilterRoom): Ask => {
  refuseUnsupported(service, { read: ['targetSpecifier', 'timeout', 'initialMetadata'] });
  const target = service.targetSpecifier;
  if (target?.$case !== 'envoyGrpc') throw new ConfigError('target_specifier', 'only envoy_grpc is supported');
  const { clusterName, authority } = target.value;
  inField('envoy_grpc', () => refuseUnsupported(target.value, { read: ['clusterName', 'authority'], ignored: ['skipEnvoyHeaders'] }));
  if (clusterName === '') throw new ConfigError('envoy_grpc.cluster_name', 'must not be empty');
  const headers = service.initialMetadata.map((header, index) =>
    inField(`initial_metadata[${index}]`, () => {
      refuseUnsupported(header, { read: ['key', 'value'] });
      return [header.key.toLowerCase(), header.value] as const;
    }),
  );
  const { clock, network } = room.system;
  if (network.isSimulated) throw new ConfigError('envoy_grpc', 'there is no gRPC in the simulated world; ask over HTTP there');
  const call = unaryCalls(
    { cluster: clusterName, authority: authority || clusterName.replaceAll('|', '_'), method: METHOD, headers },
    room,
  );
  const timeoutMs = durationMs(service.timeout) ?? DEFAULT_TIMEOUT_MS;
  return (question) =>
    withinTime(
      { clock, timeoutMs },
      async ({ signal }) => verdictOf(CheckResponse.decode(await call(checkRequest(question, rules), signal))),
      question.stream,
    );
};
