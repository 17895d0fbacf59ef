/** What one rule of `http` must obey beyond its shape. Messages follow istioctl validate. */
import { checkDuration, checkPercent, checkPort, checkRegex, fail, warn } from '../checks.ts';
import type { Complaint } from '../problem.ts';
import type { HttpRule } from '../virtual-service.ts';
import { checkDestination, checkWeights } from './destinations.ts';
import { checkFault } from './http-fault.ts';
import { checkEdits, headerNameFault } from './http-headers.ts';
import { checkMatch, checkString } from './http-match.ts';

/** path: of the rule. onMesh: the VirtualService holds for sidecars, not for gateways only. */
export const checkHttpRule = (rule: HttpRule, path: string, onMesh: boolean): Complaint[] => [
  ...checkAction(rule, path),
  ...(rule.match ?? []).flatMap((match, index) => checkMatch(match, `${path}.match[${index}]`, onMesh)),
  ...checkRoutes(rule, path),
  ...checkRedirect(rule, `${path}.redirect`),
  ...checkDirectResponse(rule, `${path}.directResponse`),
  ...checkRetries(rule, `${path}.retries`),
  ...checkFault(rule, `${path}.fault`),
  ...checkMirrors(rule, path),
  ...checkRewrite(rule, `${path}.rewrite`),
  ...checkAuthority(rule, path),
  ...checkDuration(rule.timeout, `${path}.timeout`),
  ...checkEdits(rule.headers, `${path}.headers`),
  ...checkCors(rule, `${path}.corsPolicy`),
];

const checkAction = ({ route, redirect, directResponse, delegate, fault, rewrite }: HttpRule, path: string): Complaint[] => {
  const complaints: Complaint[] = [];
  if (!route?.length && !redirect && !directResponse && !delegate)
    complaints.push(fail(path, 'HTTP route, redirect or direct_response is required'));
  if (delegate && (route?.length || redirect || directResponse))
    complaints.push(fail(path, 'HTTP route with a delegate cannot contain route, redirect or direct_response'));
  for (const [name, answer] of [
    ['redirect', redirect],
    ['direct_response', directResponse],
  ] as const) {
    if (!answer) continue;
    if (route?.length) complaints.push(fail(path, `HTTP route cannot contain both route and ${name}`));
    if (fault) complaints.push(fail(path, `HTTP route cannot contain both fault and ${name}`));
    if (rewrite) complaints.push(fail(path, `HTTP route rule cannot contain both rewrite and ${name}`));
  }
  if (redirect && directResponse) complaints.push(fail(path, 'HTTP route cannot contain both redirect and direct_response'));
  return complaints;
};

const checkRoutes = ({ route = [] }: HttpRule, path: string): Complaint[] => [
  ...checkWeights(route, path),
  ...route.flatMap(({ headers }, index) => checkEdits(headers, `${path}.route[${index}].headers`)),
];

const REDIRECT_CODES = [301, 302, 303, 307, 308];

const checkRedirect = ({ redirect, match = [] }: HttpRule, path: string): Complaint[] => {
  if (!redirect) return [];
  const { uri, prefixRewrite, authority, port, derivePort, scheme, redirectCode: code } = redirect;
  const complaints = checkPort(port, `${path}.port`);
  if ([uri, prefixRewrite, authority, port, derivePort, scheme].every((field) => field === undefined))
    complaints.push(fail(path, 'redirect must specify URI, authority, scheme, or port'));
  if (uri !== undefined && prefixRewrite !== undefined)
    complaints.push(fail(path, 'redirect may only specify one of uri or prefix_rewrite'));
  if (prefixRewrite && match.some((condition) => condition.uri && condition.uri.prefix === undefined))
    complaints.push(fail(`${path}.prefixRewrite`, 'redirect prefix_rewrite requires all URI matches to use prefix match type'));
  if (scheme !== undefined && scheme !== 'http' && scheme !== 'https')
    complaints.push(fail(`${path}.scheme`, 'invalid redirect scheme, must be "http" or "https"'));
  if (code === undefined || REDIRECT_CODES.includes(code)) return complaints;
  const message =
    code >= 300 && code <= 399
      ? `${code} is not a redirect code that can be sent: ${REDIRECT_CODES.join(', ')}`
      : `${code} is not a valid redirect code, must be 3xx`;
  return [...complaints, fail(`${path}.redirectCode`, message)];
};

const checkDirectResponse = ({ directResponse }: HttpRule, path: string): Complaint[] => {
  if (!directResponse) return [];
  const { status = 0, body } = directResponse;
  const complaints = status < 200 || status > 599 ? [fail(`${path}.status`, `HTTP status ${status} is not in range 200-599`)] : [];
  if (body?.string !== undefined && body.bytes !== undefined)
    complaints.push(fail(`${path}.body`, 'body may only contain one of string or bytes'));
  if (body?.bytes !== undefined && !/^[A-Za-z0-9+/_-]*={0,2}$/.test(body.bytes))
    complaints.push(fail(`${path}.body.bytes`, 'bytes must be base64'));
  const size = Math.max(body?.string?.length ?? 0, ((body?.bytes?.length ?? 0) * 3) / 4);
  const large = 'large direct_responses may impact control plane performance';
  if (size >= 1_048_576) complaints.push(fail(`${path}.body`, `${large}, must be less than 1MB`));
  else if (size > 102_400) complaints.push(warn(`${path}.body`, large));
  return complaints;
};

/** Words that `retryOn` may hold. Source: istio pkg/config/validation, supportedRetryOnPolicies. */
const RETRY_WORDS: ReadonlySet<string> = new Set(
  '5xx gateway-error reset reset-before-request connect-failure retriable-4xx refused-stream retriable-status-codes retriable-headers envoy-ratelimited http3-post-connect-failure cancelled deadline-exceeded internal resource-exhausted unavailable'.split(
    ' ',
  ),
);

const checkRetries = ({ retries }: HttpRule, path: string): Complaint[] => {
  if (!retries) return [];
  const { attempts = 0, perTryTimeout, backoff, retryOn, retryRemoteLocalities } = retries;
  const complaints = [...checkDuration(perTryTimeout, `${path}.perTryTimeout`), ...checkDuration(backoff, `${path}.backoff`)];
  if (attempts < 0) complaints.push(fail(`${path}.attempts`, 'attempts cannot be negative'));
  if (attempts === 0 && (perTryTimeout || retryOn || retryRemoteLocalities))
    complaints.push(fail(path, 'http retry policy configured when attempts are set to 0 (disabled)'));
  for (const word of retryOn ? retryOn.split(',') : []) {
    const isCode = /^\d{3}$/.test(word) && Number(word) >= 100 && Number(word) <= 599;
    if (!isCode && !RETRY_WORDS.has(word)) complaints.push(fail(`${path}.retryOn`, `"${word.slice(0, 80)}" is not a valid retryOn policy`));
  }
  return complaints;
};

const checkMirrors = ({ mirror, mirrors = [], mirrorPercent, mirrorPercentage }: HttpRule, path: string): Complaint[] => {
  const complaints = [
    ...checkMirrorShare(mirrorPercentage?.value, `${path}.mirrorPercentage.value`, 'mirror_percentage'),
    ...checkMirrorShare(mirrorPercent, `${path}.mirrorPercent`, 'mirror_percent'),
  ];
  if (mirrorPercent !== undefined)
    complaints.push(warn(`${path}.mirrorPercent`, 'using deprecated setting "mirrorPercent", use "mirrorPercentage" instead'));
  if (mirror && mirrors.length > 0) complaints.push(fail(path, 'HTTP route cannot contain both mirror and mirrors'));
  if (mirror) complaints.push(...checkDestination(mirror, `${path}.mirror`));
  for (const [index, { destination, percentage }] of mirrors.entries()) {
    const at = `${path}.mirrors[${index}]`;
    complaints.push(
      ...(destination ? checkDestination(destination, `${at}.destination`) : [fail(at, 'destination is required')]),
      ...checkMirrorShare(percentage?.value, `${at}.percentage.value`, 'mirror percentage'),
    );
  }
  return complaints;
};

const checkMirrorShare = (value: number | undefined, path: string, name: string): Complaint[] =>
  value !== undefined && value > 100
    ? [fail(path, `${name} must have a max value of 100 (it has ${value.toFixed(6)})`)]
    : checkPercent(value, path);

const checkRewrite = ({ rewrite }: HttpRule, path: string): Complaint[] => {
  if (!rewrite) return [];
  const { uri, authority, uriRegexRewrite } = rewrite;
  const complaints = checkRegex(uriRegexRewrite?.match, `${path}.uriRegexRewrite.match`, 'uriRegexRewrite');
  if (uri !== undefined && uriRegexRewrite) complaints.push(fail(path, 'rewrite may only contain one of URI or UriRegexRewrite'));
  if (uri === undefined && authority === undefined && !uriRegexRewrite)
    complaints.push(fail(path, 'rewrite must specify URI, UriRegexRewrite, or authority'));
  if (uriRegexRewrite && (!uriRegexRewrite.match || uriRegexRewrite.rewrite === undefined))
    complaints.push(fail(`${path}.uriRegexRewrite`, 'uriRegexRewrite wants both match and rewrite'));
  return complaints;
};

/** A request has one authority, and one place that rewrites it. */
const checkAuthority = ({ rewrite, headers }: HttpRule, path: string): Complaint[] => {
  const set = Object.entries(headers?.request?.set ?? {}).filter(([name]) => name.toLowerCase() === 'host' || name === ':authority');
  const [first, second] = [...(rewrite?.authority ? [rewrite.authority] : []), ...set.map(([, value]) => value)];
  if (first === undefined || second === undefined) return [];
  const message = `authority header cannot be set multiple times: have "${first.slice(0, 100)}", attempting to set "${second.slice(0, 100)}"`;
  return [fail(`${path}.headers.request.set`, message)];
};

const METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'CONNECT', 'OPTIONS', 'TRACE', '*']);

const checkCors = ({ corsPolicy }: HttpRule, path: string): Complaint[] => {
  if (!corsPolicy) return [];
  const { allowOrigins = [], allowOrigin, allowMethods = [], maxAge } = corsPolicy;
  const complaints = [
    ...allowOrigins.flatMap((origin, index) => checkString(origin, `${path}.allowOrigins[${index}]`, { where: 'corsAllowOrigins' })),
    ...allowMethods.flatMap((method, index) =>
      METHODS.has(method) ? [] : [fail(`${path}.allowMethods[${index}]`, `"${method.slice(0, 80)}" is not a supported HTTP method`)],
    ),
  ];
  for (const field of ['allowHeaders', 'exposeHeaders'] as const)
    for (const [index, name] of (corsPolicy[field] ?? []).entries()) {
      const fault = name === '*' ? undefined : headerNameFault(name);
      if (fault !== undefined) complaints.push(fail(`${path}.${field}[${index}]`, fault));
    }
  if (allowOrigin) complaints.push(warn(`${path}.allowOrigin`, 'deprecated: use allowOrigins'));
  if (maxAge !== undefined && !/^(?:\d+[smh])+$/.test(maxAge))
    complaints.push(fail(`${path}.maxAge`, 'max_age duration is accurate only to seconds precision'));
  return complaints;
};
