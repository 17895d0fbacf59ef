/** VirtualService: which requests go where. Source: istio.io/api networking/v1 virtual_service.proto. Durations are text such as "1.5s". */
import { bool, durationText, int, listOf, mapOf, num, object, oneOf, str, uint } from './shape.ts';

const stringMatch = object({ exact: str, prefix: str, regex: str });
const percent = object({ value: num });
const portSelector = object({ number: uint });
const destination = object({ host: str, subset: str, port: portSelector });
const headerOperations = object({ set: mapOf(str), add: mapOf(str), remove: listOf(str) });
const headers = object({ request: headerOperations, response: headerOperations });

const httpMatch = object({
  name: str,
  uri: stringMatch,
  scheme: stringMatch,
  method: stringMatch,
  authority: stringMatch,
  headers: mapOf(stringMatch),
  withoutHeaders: mapOf(stringMatch),
  queryParams: mapOf(stringMatch),
  port: uint,
  sourceLabels: mapOf(str),
  sourceNamespace: str,
  gateways: listOf(str),
  ignoreUriCase: bool,
  statPrefix: str,
});

const retries = object({
  attempts: int,
  perTryTimeout: durationText,
  retryOn: str,
  retryRemoteLocalities: bool,
  retryIgnorePreviousHosts: bool,
  backoff: durationText,
});

const fault = object({
  delay: object({ fixedDelay: durationText, exponentialDelay: durationText, percentage: percent, percent: int }),
  abort: object({ httpStatus: int, grpcStatus: str, http2Error: str, percentage: percent }),
});

const corsPolicy = object({
  allowOrigin: listOf(str),
  allowOrigins: listOf(stringMatch),
  allowMethods: listOf(str),
  allowHeaders: listOf(str),
  exposeHeaders: listOf(str),
  maxAge: durationText,
  allowCredentials: bool,
  unmatchedPreflights: oneOf('UNSPECIFIED', 'FORWARD', 'IGNORE'),
});

const httpRoute = object({
  name: str,
  match: listOf(httpMatch),
  route: listOf(object({ destination, weight: int, headers })),
  redirect: object({
    uri: str,
    prefixRewrite: str,
    authority: str,
    port: uint,
    derivePort: oneOf('FROM_PROTOCOL_DEFAULT', 'FROM_REQUEST_PORT'),
    scheme: str,
    redirectCode: uint,
  }),
  directResponse: object({ status: uint, body: object({ string: str, bytes: str }) }),
  delegate: object({ name: str, namespace: str }),
  rewrite: object({ uri: str, authority: str, uriRegexRewrite: object({ match: str, rewrite: str }) }),
  timeout: durationText,
  retries,
  fault,
  mirror: destination,
  mirrorPercentage: percent,
  mirrorPercent: uint,
  mirrors: listOf(object({ destination, percentage: percent })),
  corsPolicy,
  headers,
});

/** What a connection can be told by before a byte of HTTP is read. */
const connectionMatch = {
  destinationSubnets: listOf(str),
  port: uint,
  sourceLabels: mapOf(str),
  gateways: listOf(str),
  sourceNamespace: str,
};
const connectionRoute = listOf(object({ destination, weight: int }));

/** The fields that a VirtualService's spec may have. */
export const virtualServiceShape = object({
  hosts: listOf(str),
  gateways: listOf(str),
  exportTo: listOf(str),
  http: listOf(httpRoute),
  tls: listOf(object({ match: listOf(object({ sniHosts: listOf(str), ...connectionMatch })), route: connectionRoute })),
  tcp: listOf(object({ match: listOf(object({ sourceSubnet: str, ...connectionMatch })), route: connectionRoute })),
});

/** A VirtualService as people write it; every field may be absent until validated. */
export type VirtualServiceSpec = ReturnType<typeof virtualServiceShape.typeOf>;
/** One rule of `http`. */
export type HttpRule = NonNullable<NonNullable<VirtualServiceSpec['http']>[number]>;
/** One entry of a rule's `match`. */
export type HttpMatch = NonNullable<HttpRule['match']>[number];
/** A string condition: at most one of its fields. */
export type StringMatch = NonNullable<HttpMatch['uri']>;
/** Where a share of the traffic goes. */
export type Destination = NonNullable<NonNullable<HttpRule['route']>[number]['destination']>;
/** Header edits of one direction. */
export type HeaderOperations = NonNullable<NonNullable<HttpRule['headers']>['request']>;
