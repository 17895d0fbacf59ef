/** What a VirtualService's rule does with a request → RouteAction and its relatives. Pure. Source: oracle captures of istiod. */
import { outboundClusterName } from '#api/names.ts';
import type { Any, DirectResponseAction, RedirectAction, RetryPolicy, Route, RouteAction } from '#envoy';
import { resolveHost } from '../../mesh/hostnames.ts';
import type { MeshService } from '../../mesh/mesh.ts';
import { durationMs } from '../../resources/checks.ts';
import type { Destination, HeaderOperations, HttpRule } from '../../resources/virtual-service.ts';
import { pack, toDuration, toMillionths, toStringMatcher } from '../pack.ts';

/** Where a rule stands: its namespace decides what short names mean, the listener's port is the default port. */
export interface RuleContext {
  readonly namespace: string;
  readonly listenerPort: number;
  readonly findService: (hostname: string) => MeshService | undefined;
}

/** Istio's default: connection trouble is tried twice more, answers are not. */
export const DEFAULT_RETRY_ON = 'connect-failure,refused-stream,unavailable,cancelled,retriable-status-codes';

const PREVIOUS_HOSTS = 'envoy.retry_host_predicates.previous_hosts';

/** Retry policy of every route that says nothing else. */
export const defaultRetryPolicy = (): RetryPolicy => retryPolicyOf({ attempts: 2 }) as RetryPolicy;

/** Cluster that a destination means; written even when nobody has that subset: Envoy then answers 503 NC. */
export const clusterOf = (destination: Destination, { namespace, listenerPort, findService }: RuleContext): string => {
  const hostname = resolveHost(destination.host ?? '', namespace);
  const ports = findService(hostname)?.ports ?? [];
  const port = destination.port?.number ?? (ports.length === 1 ? ports[0]?.number : undefined) ?? listenerPort;
  return outboundClusterName(port, destination.subset ?? '', hostname);
};

/** The action of a rule. */
export const toAction = (rule: HttpRule, context: RuleContext): NonNullable<Route['action']> => {
  if (rule.redirect) return { $case: 'redirect', value: redirectOf(rule.redirect, context.listenerPort) };
  if (rule.directResponse) return { $case: 'directResponse', value: directResponseOf(rule.directResponse) };
  return { $case: 'route', value: routeActionOf(rule, context) };
};

const routeActionOf = (rule: HttpRule, context: RuleContext): RouteAction => {
  const timeout = toDuration(rule.timeout === undefined ? 0 : durationMs(rule.timeout));
  const retryPolicy = rule.retries ? retryPolicyOf(rule.retries) : defaultRetryPolicy();
  return {
    ...emptyRouteAction(),
    clusterSpecifier: clustersOf(rule, context),
    timeout,
    maxGrpcTimeout: timeout,
    ...(retryPolicy === undefined ? {} : { retryPolicy }),
    ...rewriteOf(rule),
    requestMirrorPolicies: mirrorsOf(rule, context),
  };
};

/** A route action with nothing set but what protobuf wants. */
export const emptyRouteAction = (): RouteAction => ({
  clusterNotFoundResponseCode: 0,
  prefixRewrite: '',
  appendXForwardedHost: false,
  requestMirrorPolicies: [],
  priority: 0,
  rateLimits: [],
  hashPolicy: [],
  upgradeConfigs: [],
  internalRedirectAction: 0,
});

const clustersOf = (rule: HttpRule, context: RuleContext): NonNullable<RouteAction['clusterSpecifier']> => {
  const routes = rule.route ?? [];
  const weighted = routes.length > 1 ? routes.filter(({ weight }) => (weight ?? 0) > 0) : routes;
  const [only] = weighted;
  if (weighted.length === 1 && only && !only.headers) return { $case: 'cluster', value: clusterOf(only.destination ?? {}, context) };
  const clusters = weighted.map(({ destination, weight, headers }) => {
    const edits = headerEdits(headers?.request, headers?.response);
    return {
      name: clusterOf(destination ?? {}, context),
      clusterHeader: '',
      weight: weight || 1,
      ...edits.fields,
      typedPerFilterConfig: {},
      ...edits.hostRewrite,
    };
  });
  return { $case: 'weightedClusters', value: { clusters, runtimeKeyPrefix: '' } };
};

const retryPolicyOf = (retries: NonNullable<HttpRule['retries']>): RetryPolicy | undefined => {
  if ((retries.attempts ?? 0) <= 0) return undefined;
  const words = retries.retryOn?.split(',') ?? [];
  const codes = words.filter((word) => /^\d+$/.test(word)).map(Number);
  const named = words.filter((word) => word !== '' && !/^\d+$/.test(word));
  const retryOn = words.length === 0 ? DEFAULT_RETRY_ON : [...named, ...(codes.length > 0 ? ['retriable-status-codes'] : [])].join(',');
  const previousHosts = {
    name: PREVIOUS_HOSTS,
    configType: { $case: 'typedConfig', value: pack('envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate', {}) },
  } as const;
  return {
    retryOn,
    numRetries: retries.attempts,
    ...(retries.perTryTimeout === undefined ? {} : { perTryTimeout: toDuration(durationMs(retries.perTryTimeout)) }),
    retryHostPredicate: retries.retryIgnorePreviousHosts === false ? [] : [previousHosts],
    retryOptionsPredicates: [],
    hostSelectionRetryMaxAttempts: 5,
    retriableStatusCodes: codes,
    ...(retries.backoff === undefined ? {} : { retryBackOff: { baseInterval: toDuration(durationMs(retries.backoff)) } }),
    retriableHeaders: [],
    retriableRequestHeaders: [],
  };
};

const rewriteOf = ({ rewrite }: HttpRule): Partial<RouteAction> => {
  if (!rewrite) return {};
  const { uri, authority, uriRegexRewrite } = rewrite;
  return {
    // After a regex match too: Envoy then replaces the whole path.
    ...(uri === undefined ? {} : { prefixRewrite: uri }),
    ...(uriRegexRewrite
      ? { regexRewrite: { pattern: { regex: uriRegexRewrite.match ?? '' }, substitution: uriRegexRewrite.rewrite ?? '' } }
      : {}),
    ...(authority === undefined ? {} : { hostRewriteSpecifier: { $case: 'hostRewriteLiteral', value: authority } as const }),
  };
};

const mirrorsOf = (rule: HttpRule, context: RuleContext): RouteAction['requestMirrorPolicies'] => {
  const mirrors = rule.mirror
    ? [{ destination: rule.mirror, percentage: rule.mirrorPercentage ?? { value: rule.mirrorPercent ?? 100 } }]
    : (rule.mirrors ?? []);
  return mirrors
    .map(({ destination, percentage }) => ({
      cluster: clusterOf(destination ?? {}, context),
      percent: percentage === undefined ? 100 : (percentage.value ?? 0),
    }))
    .filter(({ percent }) => percent > 0)
    .map(({ cluster, percent }) => ({
      cluster,
      clusterHeader: '',
      runtimeFraction: { defaultValue: toMillionths(percent), runtimeKey: '' },
      traceSampled: false,
      disableShadowHostSuffixAppend: true,
    }));
};

const REDIRECT_CODES: Readonly<Record<number, RedirectAction['responseCode']>> = { 301: 0, 302: 1, 303: 2, 307: 3, 308: 4 };

const redirectOf = (redirect: NonNullable<HttpRule['redirect']>, listenerPort: number): RedirectAction => ({
  hostRedirect: redirect.authority ?? '',
  portRedirect: redirect.port ?? (redirect.derivePort === 'FROM_REQUEST_PORT' ? listenerPort : 0),
  responseCode: REDIRECT_CODES[redirect.redirectCode ?? 301] ?? 0,
  stripQuery: false,
  pathRewriteSpecifier: { $case: 'pathRedirect', value: redirect.uri ?? '' },
  ...(redirect.scheme === undefined ? {} : { schemeRewriteSpecifier: { $case: 'schemeRedirect', value: redirect.scheme } as const }),
});

const directResponseOf = ({ status, body }: NonNullable<HttpRule['directResponse']>): DirectResponseAction => {
  if (body?.bytes !== undefined)
    return { status: status ?? 200, body: { specifier: { $case: 'inlineBytes', value: Buffer.from(body.bytes, 'base64') } } };
  return {
    status: status ?? 200,
    ...(body?.string === undefined ? {} : { body: { specifier: { $case: 'inlineString', value: body.string } } as const }),
  };
};

/** Header edits in Envoy's form, and the host rewrite that setting `host` means. */
export const headerEdits = (request: HeaderOperations | undefined, response: HeaderOperations | undefined) => {
  const host = Object.entries(request?.set ?? {}).find(([name]) => isHost(name))?.[1];
  return {
    fields: {
      requestHeadersToAdd: edits(request),
      requestHeadersToRemove: [...(request?.remove ?? [])],
      responseHeadersToAdd: edits(response),
      responseHeadersToRemove: [...(response?.remove ?? [])],
    },
    hostRewrite: host === undefined ? {} : { hostRewriteSpecifier: { $case: 'hostRewriteLiteral', value: host } as const },
  };
};

const isHost = (name: string): boolean => name.toLowerCase() === 'host' || name === ':authority';

const edits = (operations: HeaderOperations | undefined): Route['requestHeadersToAdd'] => {
  const header = (key: string, value: string, appendAction: 0 | 2) => ({
    header: { key, value, rawValue: new Uint8Array(0) },
    appendAction,
    keepEmptyValue: false,
  });
  return [
    ...Object.entries(operations?.set ?? {})
      .filter(([name]) => !isHost(name))
      .map(([name, value]) => header(name, value, 2)),
    ...Object.entries(operations?.add ?? {}).map(([name, value]) => header(name, value, 0)),
  ];
};

/** Per-route filter settings: fault and CORS of the rule. */
export const filterOverrides = (rule: HttpRule): { [name: string]: Any } => ({
  ...(rule.fault ? faultOverride(rule.fault) : {}),
  ...(rule.corsPolicy ? { 'envoy.filters.http.cors': corsOf(rule.corsPolicy) } : {}),
});

/** Absent percentages mean never, as in Istio. */
const faultOverride = ({ delay, abort }: NonNullable<HttpRule['fault']>): { [name: string]: Any } => {
  const config = {
    ...(delay?.fixedDelay === undefined
      ? {}
      : {
          delay: {
            faultDelaySecifier: { $case: 'fixedDelay', value: toDuration(durationMs(delay.fixedDelay)) },
            percentage: toMillionths(delay.percentage?.value ?? delay.percent ?? 0),
          },
        }),
    ...(abort === undefined || (abort.httpStatus === undefined && abort.grpcStatus === undefined)
      ? {}
      : { abort: { errorType: abortType(abort), percentage: toMillionths(abort.percentage?.value ?? 0) } }),
  };
  return { 'envoy.filters.http.fault': pack('envoy.extensions.filters.http.fault.v3.HTTPFault', config) };
};

const GRPC_CODES =
  'OK CANCELLED UNKNOWN INVALID_ARGUMENT DEADLINE_EXCEEDED NOT_FOUND ALREADY_EXISTS PERMISSION_DENIED RESOURCE_EXHAUSTED FAILED_PRECONDITION ABORTED OUT_OF_RANGE UNIMPLEMENTED INTERNAL UNAVAILABLE DATA_LOSS UNAUTHENTICATED'.split(
    ' ',
  );

const abortType = ({ httpStatus, grpcStatus }: NonNullable<NonNullable<HttpRule['fault']>['abort']>): object =>
  httpStatus === undefined
    ? { $case: 'grpcStatus', value: Math.max(0, GRPC_CODES.indexOf(grpcStatus ?? '')) }
    : { $case: 'httpStatus', value: httpStatus };

const corsOf = (cors: NonNullable<HttpRule['corsPolicy']>): Any => {
  const origins =
    cors.allowOrigins?.map(toStringMatcher) ??
    cors.allowOrigin?.map((origin) => toStringMatcher(origin === '*' ? { regex: '.*' } : { exact: origin })) ??
    [];
  return pack('envoy.extensions.filters.http.cors.v3.CorsPolicy', {
    allowOriginStringMatch: origins.filter((origin) => origin !== undefined),
    allowMethods: cors.allowMethods?.join(',') ?? '',
    allowHeaders: cors.allowHeaders?.join(',') ?? '',
    exposeHeaders: cors.exposeHeaders?.join(',') ?? '',
    maxAge: cors.maxAge === undefined ? '' : String(durationMs(cors.maxAge) / 1000),
    ...(cors.allowCredentials === undefined ? {} : { allowCredentials: cors.allowCredentials }),
    filterEnabled: { defaultValue: { numerator: 100, denominator: 0 }, runtimeKey: '' },
    forwardNotMatchingPreflights: cors.unmatchedPreflights !== 'IGNORE',
  });
};
