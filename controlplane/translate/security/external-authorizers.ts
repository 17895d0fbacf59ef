/** Extension providers of the mesh that decide in the mesh's place → Envoy's ext_authz. Pure. Source: istio pilot/pkg/security/authz/builder/extauthz.go. */
import { outboundClusterName } from '#api/names.ts';
import type { StringMatcher } from '#envoy';
import type { ExtensionProvider, MeshService } from '../../mesh/mesh.ts';
import { durationMs } from '../../resources/checks.ts';
import { toDuration } from '../pack.ts';
import { textMatcher } from './wildcards.ts';

type HttpSettings = NonNullable<ExtensionProvider['envoyExtAuthzHttp']>;
type Settings = HttpSettings | NonNullable<ExtensionProvider['envoyExtAuthzGrpc']>;

/** The fields of an ext_authz filter that asks this provider, but for when to ask. */
export interface ExternalAuthorizer {
  readonly kind: 'http' | 'grpc';
  readonly fields: object;
}

/** Undefined: there is no such provider, or nobody stands behind it. The calls that it should decide are refused then. */
export const externalAuthorizer = (
  name: string,
  providers: readonly ExtensionProvider[],
  services: readonly MeshService[],
): ExternalAuthorizer | undefined => {
  const provider = providers.find((candidate) => candidate.name === name);
  const settings = provider?.envoyExtAuthzHttp ?? provider?.envoyExtAuthzGrpc;
  const hostname = settings && hostOf(settings.service ?? '', services);
  if (settings === undefined || hostname === undefined) return undefined;
  const cluster = outboundClusterName(settings.port ?? 0, '', hostname);
  const timeout = toDuration(settings.timeout === undefined ? ANSWERS_WITHIN_MS : durationMs(settings.timeout));
  if (provider?.envoyExtAuthzHttp) return { kind: 'http', fields: httpFields(provider.envoyExtAuthzHttp, { hostname, cluster, timeout }) };
  const target = { $case: 'envoyGrpc', value: { clusterName: cluster, authority: hostname } };
  const service = { $case: 'grpcService', value: { targetSpecifier: target, timeout } };
  return { kind: 'grpc', fields: { ...commonFields(settings), services: service } };
};

/** Istio's default, ten minutes. */
const ANSWERS_WITHIN_MS = 600_000;

/** ApiVersion.V3. */
const V3 = 2;

const hostOf = (written: string, services: readonly MeshService[]): string | undefined => {
  const [namespace, host] = written.includes('/') ? written.split('/', 2) : [undefined, written];
  const known = services.filter((service) => service.hostname === host && (namespace === undefined || service.namespace === namespace));
  return known.length === 1 ? known[0]?.hostname : undefined;
};

const commonFields = ({ failOpen, statusOnError, clearRouteCache, includeRequestBodyInCheck: body }: Settings) => ({
  transportApiVersion: V3,
  failureModeAllow: failOpen === true,
  clearRouteCache: clearRouteCache === true,
  ...(statusOnError && { statusOnError: { code: Number(statusOnError) } }),
  ...(body && { withRequestBody: body }),
});

const httpFields = (settings: HttpSettings, where: { hostname: string; cluster: string; timeout: object }) => {
  const added = Object.entries(settings.includeAdditionalHeadersInCheck ?? {}).sort(([a], [b]) => (a < b ? -1 : 1));
  const answer = {
    ...listed('allowedUpstreamHeaders', settings.headersToUpstreamOnAllow),
    ...listed('allowedClientHeaders', settings.headersToDownstreamOnDeny),
    ...listed('allowedClientHeadersOnSuccess', settings.headersToDownstreamOnAllow),
  };
  const sent = settings.includeRequestHeadersInCheck?.length ? settings.includeRequestHeadersInCheck : settings.includeHeadersInCheck;
  const service = {
    pathPrefix: settings.pathPrefix ?? '',
    serverUri: { uri: `http://${where.hostname}`, timeout: where.timeout, httpUpstreamType: { $case: 'cluster', value: where.cluster } },
    ...(added.length > 0 && { authorizationRequest: { headersToAdd: added.map(([key, value]) => ({ key, value })) } }),
    ...(Object.keys(answer).length > 0 && { authorizationResponse: answer }),
  };
  return { ...commonFields(settings), ...listed('allowedHeaders', sent), services: { $case: 'httpService', value: service } };
};

/** A list of header names, whose letters' case does not count; nothing when there are none. */
const listed = (field: string, names: readonly string[] = []): object =>
  names.length === 0 ? {} : { [field]: { patterns: names.map((name): StringMatcher => textMatcher(name, true)) } };
