/** What a VirtualService must obey beyond its shape. Messages follow istioctl validate, so that they can be searched for. */
import { checkDuration, checkPercent, checkPort, checkRegex, fail, isDnsLabel, isHost, notApplied, repeated, warn } from './checks.ts';
import type { Complaint } from './problem.ts';
import type { Destination, HeaderOperations, HttpMatch, HttpRule, StringMatch, VirtualServiceSpec } from './virtual-service.ts';

/** Paths in the complaints start at `spec`. */
export const validateVirtualService = (spec: VirtualServiceSpec): readonly Complaint[] => {
  const rules = spec.http ?? [];
  const complaints = [...checkHosts(spec), ...rules.flatMap((rule, index) => checkRule(rule, `spec.http[${index}]`))];
  if (rules.length === 0 && !spec.tcp?.length && !spec.tls?.length)
    complaints.push(fail('spec', 'http, tcp or tls must be provided in virtual service'));
  if (spec.tcp?.length) complaints.push(notApplied('spec.tcp'));
  if (spec.tls?.length) complaints.push(notApplied('spec.tls'));
  return complaints;
};

const checkHosts = (spec: VirtualServiceSpec): Complaint[] => {
  const hosts = spec.hosts ?? [];
  const onMesh = !spec.gateways?.length || spec.gateways.includes('mesh');
  const complaints = hosts.flatMap((host, index) =>
    isHost(host) ? [] : [fail(`spec.hosts[${index}]`, `"${host.slice(0, 100)}" is not a valid host`)],
  );
  if (hosts.length === 0) complaints.push(fail('spec.hosts', 'virtual service must have at least one host'));
  if (onMesh && hosts.includes('*'))
    complaints.push(fail('spec.hosts', 'wildcard host * is not allowed for virtual services bound to the mesh gateway'));
  for (const host of repeated(hosts)) complaints.push(fail('spec.hosts', `duplicate hosts in virtual service: ${host}`));
  return complaints;
};

const checkRule = (rule: HttpRule, path: string): Complaint[] => [
  ...checkAction(rule, path),
  ...(rule.match ?? []).flatMap((match, index) => checkMatch(match, `${path}.match[${index}]`)),
  ...checkRoutes(rule, path),
  ...checkRetries(rule, path),
  ...checkFault(rule, path),
  ...checkMirrors(rule, path),
  ...checkRewrites(rule, path),
  ...checkDuration(rule.timeout, `${path}.timeout`),
  ...checkHeaderEdits(rule.headers?.request, `${path}.headers.request`),
  ...checkHeaderEdits(rule.headers?.response, `${path}.headers.response`),
  ...checkCors(rule, path),
];

const checkAction = (rule: HttpRule, path: string): Complaint[] => {
  const { route, redirect, directResponse, delegate } = rule;
  const complaints: Complaint[] = [];
  if (delegate) complaints.push(notApplied(`${path}.delegate`));
  if (!route?.length && !redirect && !directResponse && !delegate)
    complaints.push(fail(path, 'HTTP route, redirect or direct_response is required'));
  for (const [name, single] of [
    ['redirect', redirect],
    ['direct_response', directResponse],
  ] as const) {
    if (!single) continue;
    if (route?.length) complaints.push(fail(path, `HTTP route cannot contain both route and ${name}`));
    if (rule.fault) complaints.push(fail(path, `HTTP route cannot contain both fault and ${name}`));
    if (rule.rewrite) complaints.push(fail(path, `HTTP route cannot contain both rewrite and ${name}`));
  }
  if (redirect && directResponse) complaints.push(fail(path, 'HTTP route cannot contain both redirect and direct_response'));
  if (directResponse && (directResponse.status === undefined || directResponse.status < 200 || directResponse.status > 599)) {
    complaints.push(fail(`${path}.directResponse.status`, `status ${directResponse.status ?? 'is missing; it'} must be in range 200..599`));
  }
  return redirect ? [...complaints, ...checkRedirect(redirect, `${path}.redirect`)] : complaints;
};

const checkRedirect = (redirect: NonNullable<HttpRule['redirect']>, path: string): Complaint[] => {
  const complaints = checkPort(redirect.port, `${path}.port`);
  const nothing = [redirect.uri, redirect.authority, redirect.port, redirect.scheme, redirect.redirectCode].every(
    (field) => field === undefined,
  );
  if (nothing) complaints.push(fail(path, 'redirect must specify URI, authority, scheme, or port'));
  if (redirect.scheme !== undefined && redirect.scheme !== 'http' && redirect.scheme !== 'https')
    complaints.push(fail(`${path}.scheme`, 'redirect scheme must be http or https'));
  if (redirect.redirectCode !== undefined && ![301, 302, 303, 307, 308].includes(redirect.redirectCode)) {
    complaints.push(fail(`${path}.redirectCode`, `${redirect.redirectCode} is not a supported redirect code: 301, 302, 303, 307 or 308`));
  }
  return complaints;
};

const checkMatch = (match: HttpMatch, path: string): Complaint[] => [
  ...checkString(match.uri, `${path}.uri`, 'empty prefix is fine'),
  ...checkString(match.scheme, `${path}.scheme`),
  ...checkString(match.method, `${path}.method`),
  ...checkString(match.authority, `${path}.authority`),
  ...checkStrings(match.headers, `${path}.headers`),
  ...checkStrings(match.withoutHeaders, `${path}.withoutHeaders`),
  ...Object.entries(match.queryParams ?? {}).flatMap(([name, value]) =>
    checkString(value, `${path}.queryParams.${name}`, 'empty prefix is fine'),
  ),
  ...checkPort(match.port, `${path}.port`),
  ...(match.statPrefix === undefined ? [] : [notApplied(`${path}.statPrefix`)]),
];

const checkStrings = (matches: Readonly<Record<string, StringMatch>> | undefined, path: string): Complaint[] =>
  Object.entries(matches ?? {}).flatMap(([name, match]) => [
    ...(/^[!#$%&'*+\-.^_`|~0-9A-Za-z@[\]]+$/.test(name)
      ? []
      : [fail(`${path}.${name}`, `header name "${name.slice(0, 80)}" is not valid`)]),
    ...(name.startsWith('@request.auth') ? [notApplied(`${path}.${name}`)] : []),
    ...checkString(match, `${path}.${name}`),
  ]);

const checkString = (match: StringMatch | undefined, path: string, emptyPrefix?: string): Complaint[] => {
  if (match === undefined) return [];
  const set = Object.keys(match);
  if (set.length > 1) return [fail(path, `only one of exact, prefix and regex may be set, but there are ${set.join(' and ')}`)];
  if (match.prefix === '' && emptyPrefix === undefined) return [fail(`${path}.prefix`, 'prefix must not be empty')];
  return checkRegex(match.regex, `${path}.regex`);
};

const checkRoutes = (rule: HttpRule, path: string): Complaint[] => {
  const routes = rule.route ?? [];
  const complaints = routes.flatMap((route, index) => {
    const at = `${path}.route[${index}]`;
    const own = route.destination ? checkDestination(route.destination, `${at}.destination`) : [fail(at, 'destination is required')];
    if (route.weight !== undefined && route.weight < 0) own.push(fail(`${at}.weight`, `weight ${route.weight} < 0`));
    return [
      ...own,
      ...checkHeaderEdits(route.headers?.request, `${at}.headers.request`),
      ...checkHeaderEdits(route.headers?.response, `${at}.headers.response`),
    ];
  });
  if (routes.length > 1 && routes.every((route) => (route.weight ?? 0) === 0))
    complaints.push(fail(`${path}.route`, 'total destination weight = 0'));
  return complaints;
};

const checkDestination = (destination: Destination, path: string): Complaint[] => {
  const complaints = checkPort(destination.port?.number, `${path}.port.number`);
  if (destination.host === undefined || destination.host === '') complaints.push(fail(path, 'destination.host is required'));
  else if (!isHost(destination.host)) complaints.push(fail(`${path}.host`, `"${destination.host.slice(0, 100)}" is not a valid host`));
  if (destination.subset !== undefined && !isDnsLabel(destination.subset))
    complaints.push(fail(`${path}.subset`, `subset name is invalid: "${destination.subset.slice(0, 80)}" is not a DNS label`));
  return complaints;
};

/** Words that `retryOn` may hold. Source: istio pkg/config/validation, supportedRetryOnPolicies. */
const RETRY_WORDS: ReadonlySet<string> = new Set(
  '5xx gateway-error reset reset-before-request connect-failure retriable-4xx refused-stream retriable-status-codes retriable-headers envoy-ratelimited http3-post-connect-failure cancelled deadline-exceeded internal resource-exhausted unavailable'.split(
    ' ',
  ),
);

const checkRetries = ({ retries }: HttpRule, rulePath: string): Complaint[] => {
  if (!retries) return [];
  const path = `${rulePath}.retries`;
  const complaints = [
    ...checkDuration(retries.perTryTimeout, `${path}.perTryTimeout`),
    ...checkDuration(retries.backoff, `${path}.backoff`),
  ];
  if ((retries.attempts ?? 0) < 0) complaints.push(fail(`${path}.attempts`, 'attempts cannot be negative'));
  if ((retries.attempts ?? 0) === 0 && (retries.perTryTimeout || retries.retryOn || retries.retryRemoteLocalities)) {
    complaints.push(fail(path, 'http retry policy configured when attempts are set to 0 (disabled)'));
  }
  for (const word of retries.retryOn?.split(',') ?? []) {
    const isCode = /^\d{3}$/.test(word) && Number(word) >= 100 && Number(word) <= 599;
    if (!isCode && !RETRY_WORDS.has(word)) complaints.push(fail(`${path}.retryOn`, `"${word}" is not a valid retryOn policy`));
  }
  return complaints;
};

const checkFault = ({ fault }: HttpRule, rulePath: string): Complaint[] => {
  if (!fault) return [];
  const path = `${rulePath}.fault`;
  if (!fault.delay && !fault.abort) return [fail(path, 'HTTP fault injection must have an abort and/or a delay')];
  return [...checkDelay(fault.delay, `${path}.delay`), ...checkAbort(fault.abort, `${path}.abort`)];
};

const checkDelay = (delay: NonNullable<HttpRule['fault']>['delay'], path: string): Complaint[] => {
  if (!delay) return [];
  const complaints = [
    ...checkDuration(delay.fixedDelay, `${path}.fixedDelay`),
    ...checkPercent(delay.percentage?.value, `${path}.percentage.value`),
  ];
  if (delay.exponentialDelay !== undefined) complaints.push(fail(`${path}.exponentialDelay`, 'exponentialDelay not supported yet'));
  else if (delay.fixedDelay === undefined) complaints.push(fail(path, 'delay must have a fixedDelay'));
  if (!delay.percentage && !delay.percent) complaints.push(warn(path, 'delay has no percentage: it will never happen'));
  return complaints;
};

const checkAbort = (abort: NonNullable<HttpRule['fault']>['abort'], path: string): Complaint[] => {
  if (!abort) return [];
  const complaints = checkPercent(abort.percentage?.value, `${path}.percentage.value`);
  if (abort.http2Error !== undefined) complaints.push(fail(`${path}.http2Error`, 'HTTP/2 abort fault injection not supported yet'));
  if (abort.httpStatus !== undefined && (abort.httpStatus < 200 || abort.httpStatus > 599))
    complaints.push(fail(`${path}.httpStatus`, `HTTP status ${abort.httpStatus} is not in range 200-599`));
  if (abort.httpStatus === undefined && abort.grpcStatus === undefined && abort.http2Error === undefined)
    complaints.push(warn(path, 'abort has no status: it has no effect'));
  if (!abort.percentage) complaints.push(warn(path, 'abort has no percentage: it will never happen'));
  return complaints;
};

const checkMirrors = (rule: HttpRule, path: string): Complaint[] => {
  const complaints = checkPercent(rule.mirrorPercentage?.value, `${path}.mirrorPercentage.value`);
  if (rule.mirror && rule.mirrors?.length) complaints.push(fail(path, 'HTTP route cannot contain both mirror and mirrors'));
  if (rule.mirror) complaints.push(...checkDestination(rule.mirror, `${path}.mirror`));
  for (const [index, { destination, percentage }] of (rule.mirrors ?? []).entries()) {
    const at = `${path}.mirrors[${index}]`;
    complaints.push(
      ...(destination ? checkDestination(destination, `${at}.destination`) : [fail(at, 'destination is required')]),
      ...checkPercent(percentage?.value, `${at}.percentage.value`),
    );
  }
  return complaints;
};

const checkRewrites = ({ rewrite }: HttpRule, rulePath: string): Complaint[] => {
  if (!rewrite) return [];
  const path = `${rulePath}.rewrite`;
  const complaints = checkRegex(rewrite.uriRegexRewrite?.match, `${path}.uriRegexRewrite.match`);
  if (rewrite.uri !== undefined && rewrite.uriRegexRewrite)
    complaints.push(fail(path, 'rewrite may only contain one of URI and UriRegexRewrite'));
  if (rewrite.uri === undefined && rewrite.authority === undefined && !rewrite.uriRegexRewrite)
    complaints.push(fail(path, 'rewrite must specify URI, UriRegexRewrite, or authority'));
  return complaints;
};

const checkHeaderEdits = (operations: HeaderOperations | undefined, path: string): Complaint[] => {
  const names = [...Object.keys(operations?.set ?? {}), ...Object.keys(operations?.add ?? {}), ...(operations?.remove ?? [])];
  return names.flatMap((name) => {
    if (name === ':authority') return [];
    return /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/.test(name) ? [] : [fail(path, `header name "${name.slice(0, 80)}" is not a valid header name`)];
  });
};

const checkCors = ({ corsPolicy }: HttpRule, rulePath: string): Complaint[] => {
  if (!corsPolicy) return [];
  const path = `${rulePath}.corsPolicy`;
  const complaints = (corsPolicy.allowOrigins ?? []).flatMap((origin, index) => checkString(origin, `${path}.allowOrigins[${index}]`));
  if (corsPolicy.allowOrigin) complaints.push(warn(`${path}.allowOrigin`, 'deprecated: use allowOrigins'));
  if (corsPolicy.maxAge !== undefined && !/^(?:\d+[smh])+$/.test(corsPolicy.maxAge))
    complaints.push(fail(`${path}.maxAge`, 'max_age duration is accurate only to seconds precision'));
  return complaints;
};
