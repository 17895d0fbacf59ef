/** MeshConfig: settings of the whole mesh, as a file or as the ConfigMap `istio` in `istio-system`. Source: istio.io/api mesh/v1alpha1 config.proto. */
import { localityLbSetting } from '../destination-rule.ts';
import { anything, bool, durationText, listOf, mapOf, object, oneOf, str, uint } from '../shape.ts';

const authorizer = {
  service: str,
  port: uint,
  timeout: durationText,
  failOpen: bool,
  clearRouteCache: bool,
  statusOnError: str,
  includeRequestBodyInCheck: object({ maxRequestBytes: uint, allowPartialMessage: bool, packAsBytes: bool }),
};

const extensionProvider = object({
  name: str,
  envoyExtAuthzHttp: object({
    ...authorizer,
    pathPrefix: str,
    includeHeadersInCheck: listOf(str),
    includeRequestHeadersInCheck: listOf(str),
    includeAdditionalHeadersInCheck: mapOf(str),
    headersToUpstreamOnAllow: listOf(str),
    headersToDownstreamOnDeny: listOf(str),
    headersToDownstreamOnAllow: listOf(str),
  }),
  envoyExtAuthzGrpc: object(authorizer),
});

/** Fields that the mesh acts on. */
const USED = {
  rootNamespace: str,
  accessLogFile: str,
  outboundTrafficPolicy: object({ mode: oneOf('ALLOW_ANY', 'REGISTRY_ONLY') }),
  trustDomain: str,
  trustDomainAliases: listOf(str),
  enableAutoMtls: bool,
  meshMTLS: object({ minProtocolVersion: oneOf('TLS_AUTO', 'TLSV1_2', 'TLSV1_3') }),
  pathNormalization: object({ normalization: oneOf('DEFAULT', 'NONE', 'BASE', 'MERGE_SLASHES', 'DECODE_AND_MERGE_SLASHES') }),
  localityLbSetting,
  extensionProviders: listOf(extensionProvider),
};

/** Fields that Istio's installation writes or people often set, and that change nothing here. */
export const UNUSED_SETTINGS = [
  'accessLogEncoding',
  'accessLogFormat',
  'connectTimeout',
  'defaultConfig',
  'defaultProviders',
  'enablePrometheusMerge',
  'enableTracing',
  'ingressClass',
  'ingressControllerMode',
  'protocolDetectionTimeout',
] as const;

/** The fields that MeshConfig may have. */
export const meshSettingsShape = object({
  ...USED,
  ...(Object.fromEntries(UNUSED_SETTINGS.map((field) => [field, anything])) as Record<(typeof UNUSED_SETTINGS)[number], typeof anything>),
});

/** MeshConfig as people write it. */
export type MeshSettings = ReturnType<typeof meshSettingsShape.typeOf>;
