/** What a VirtualService's rule does with a request → RouteAction and its relatives. Pure. Source: oracle captures of istiod. */
import type { DirectResponseAction, FractionalPercent, RedirectAction, Route, RouteAction } from '#envoy';
import { durationMs } from '../../resources/checks.ts';
import type { HttpRule } from '../../resources/virtual-service.ts';
import { toDuration, toMillionths } from '../pack.ts';
import { clusterOf, joinedEdits, type RuleContext, type RuleTargets, targetsOf } from './destinations.ts';
import { headerEdits } from './header-edits.ts';
import { retryPolicyOf } from './retry-policy.ts';

/** The action of a rule, and the edits of headers that go with it. */
export const toAction = (rule: HttpRule, context: RuleContext): Pick<Route, 'action' | keyof RuleTargets['edits']['fields']> => {
  const own = headerEdits(rule.headers?.request, rule.headers?.response);
  if (rule.redirect) return { action: { $case: 'redirect', value: redirectOf(rule.redirect, context.listenerPort) }, ...own.fields };
  if (rule.directResponse) return { action: { $case: 'directResponse', value: directResponseOf(rule.directResponse) }, ...own.fields };
  const targets = targetsOf(rule, context);
  const value = { ...routeActionOf(rule, context, targets), ...authorityOf(rule, [own, targets.edits]) };
  return { action: { $case: 'route', value }, ...joinedEdits(own.fields, targets.edits.fields) };
};

const routeActionOf = (rule: HttpRule, context: RuleContext, { clusterSpecifier, hashPolicy, choice }: RuleTargets): RouteAction => {
  const timeout = toDuration(rule.timeout === undefined ? 0 : durationMs(rule.timeout));
  const retryPolicy = retryPolicyOf(rule.retries, choice);
  return {
    ...emptyRouteAction(),
    clusterSpecifier,
    timeout,
    maxGrpcTimeout: timeout,
    ...(retryPolicy === undefined ? {} : { retryPolicy }),
    ...rewriteOf(rule),
    hashPolicy,
    requestMirrorPolicies: mirrorsOf(rule, context),
  };
};

/** A rewrite comes first, then a `host` that the rule sets, then one that its destination sets. */
const authorityOf = ({ rewrite }: HttpRule, edits: readonly RuleTargets['edits'][]): Partial<RouteAction> => {
  if (rewrite?.authority) return { hostRewriteSpecifier: { $case: 'hostRewriteLiteral', value: rewrite.authority } };
  return edits.find(({ hostRewrite }) => hostRewrite.hostRewriteSpecifier)?.hostRewrite ?? {};
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

const rewriteOf = ({ rewrite }: HttpRule): Partial<RouteAction> => {
  if (!rewrite) return {};
  const { uri, uriRegexRewrite } = rewrite;
  return {
    // After a regex match too: Envoy then replaces the whole path.
    ...(uri === undefined ? {} : { prefixRewrite: uri }),
    ...(uriRegexRewrite
      ? { regexRewrite: { pattern: { regex: uriRegexRewrite.match ?? '' }, substitution: uriRegexRewrite.rewrite ?? '' } }
      : {}),
  };
};

const mirrorsOf = (
  { mirror, mirrorPercentage, mirrorPercent, mirrors = [] }: HttpRule,
  context: RuleContext,
): RouteAction['requestMirrorPolicies'] => {
  const single = mirror && {
    destination: mirror,
    percentage: mirrorPercentage ?? (mirrorPercent === undefined ? undefined : { value: mirrorPercent }),
  };
  return [...(single ? [single] : []), ...mirrors]
    .filter(({ percentage }) => percentage === undefined || (percentage.value ?? 0) > 0)
    .map(({ destination, percentage }) => ({
      cluster: clusterOf(destination ?? {}, context),
      clusterHeader: '',
      runtimeFraction: { defaultValue: percentage === undefined ? ALL : toMillionths(percentage.value ?? 0), runtimeKey: '' },
      traceSampled: false,
      disableShadowHostSuffixAppend: true,
    }));
};

/** FractionalPercent.DenominatorType HUNDRED. */
const ALL: FractionalPercent = { numerator: 100, denominator: 0 };

const REDIRECT_CODES: Readonly<Record<number, RedirectAction['responseCode']>> = { 301: 0, 302: 1, 303: 2, 307: 3, 308: 4 };

const redirectOf = (redirect: NonNullable<HttpRule['redirect']>, listenerPort: number): RedirectAction => ({
  hostRedirect: redirect.authority ?? '',
  portRedirect: portOf(redirect, listenerPort),
  responseCode: REDIRECT_CODES[redirect.redirectCode || 301] ?? 0,
  stripQuery: false,
  pathRewriteSpecifier: redirect.prefixRewrite
    ? { $case: 'prefixRewrite', value: redirect.prefixRewrite }
    : { $case: 'pathRedirect', value: redirect.uri ?? '' },
  ...(redirect.scheme && { schemeRewriteSpecifier: { $case: 'schemeRedirect', value: redirect.scheme } as const }),
});

/** A scheme's own port is not written. Gateways here serve plain HTTP only, so that is the scheme unless the rule names another. */
const portOf = ({ port, derivePort, scheme = 'http' }: NonNullable<HttpRule['redirect']>, listenerPort: number): number => {
  const wanted = port ?? (derivePort === 'FROM_REQUEST_PORT' ? listenerPort : 0);
  return wanted === (scheme === 'https' ? 443 : 80) ? 0 : wanted;
};

const directResponseOf = ({ status, body }: NonNullable<HttpRule['directResponse']>): DirectResponseAction => {
  if (body?.bytes !== undefined)
    return { status: status ?? 200, body: { specifier: { $case: 'inlineBytes', value: Buffer.from(body.bytes, 'base64') } } };
  return {
    status: status ?? 200,
    ...(body?.string === undefined ? {} : { body: { specifier: { $case: 'inlineString', value: body.string } } as const }),
  };
};
