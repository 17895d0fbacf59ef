/** Answers preflights, and tells browsers which other origins may read an answer. It never blocks a request. Source: extensions.filters.http.cors.v3. */
import { inField, refuseUnsupported } from '#api/config-error.ts';
import { shareOf } from '#api/units.ts';
import { type Any, Cors, CorsPolicy, type StringMatcher } from '#envoy';
import { EMPTY_BODY } from '../http/body.ts';
import type { HttpFilter } from '../http/filter.ts';
import { HeaderMap, setIn } from '../http/header-map.ts';
import { type HttpRequest, type HttpResponse, NO_TRAILERS } from '../http/message.ts';
import { StreamError } from '../http/stream-error.ts';
import { compileString, type TextTest } from '../http/string-match.ts';
import { decodeConfig, expectType } from './decode-config.ts';
import type { FilterRoom, FilterType } from './filter-type.ts';

const POLICY_URL = 'type.googleapis.com/envoy.extensions.filters.http.cors.v3.CorsPolicy';

type Field = readonly [string, string];

interface Policy {
  readonly share: number;
  /** Of the requests beyond that share: only counted. */
  readonly shadowShare: number;
  readonly origins: readonly TextTest[];
  /** Fields of an answer to a preflight, after the origin. */
  readonly preflight: readonly Field[];
  /** Fields that close an answer to an allowed preflight. */
  readonly exposed: readonly Field[];
  /** Fields of any other answer, after the origin. */
  readonly actual: readonly Field[];
  readonly privateNetwork: boolean;
  readonly forwardsOthers: boolean;
}

/** A lone star is any origin, as in the Fetch standard. */
const compileOrigin = (matcher: StringMatcher): TextTest =>
  matcher.matchPattern?.$case === 'exact' && matcher.matchPattern.value === '*' ? () => true : compileString(matcher);

const compilePolicy = (any: Any): Policy => {
  expectType(any, POLICY_URL);
  const config = decodeConfig(any, CorsPolicy);
  refuseUnsupported(config, {
    read: [
      'allowOriginStringMatch',
      'allowMethods',
      'allowHeaders',
      'exposeHeaders',
      'maxAge',
      'allowCredentials',
      'filterEnabled',
      'shadowEnabled',
      'allowPrivateNetworkAccess',
      'forwardNotMatchingPreflights',
    ],
  });
  const field = (name: string, value: string): Field[] => (value === '' ? [] : [[name, value]]);
  const credentials = field('access-control-allow-credentials', config.allowCredentials ? 'true' : '');
  const exposed = field('access-control-expose-headers', config.exposeHeaders);
  return {
    shadowShare: shareOf(config.shadowEnabled?.defaultValue, 0),
    share: config.filterEnabled ? shareOf(config.filterEnabled.defaultValue, 0) : 1,
    origins: config.allowOriginStringMatch.map((matcher, index) =>
      inField(`allow_origin_string_match[${index}]`, () => compileOrigin(matcher)),
    ),
    preflight: [
      ...credentials,
      ...field('access-control-allow-methods', config.allowMethods),
      ...field('access-control-allow-headers', config.allowHeaders),
      ...field('access-control-max-age', config.maxAge),
    ],
    exposed,
    actual: [...credentials, ...exposed],
    privateNetwork: config.allowPrivateNetworkAccess ?? false,
    forwardsOthers: config.forwardNotMatchingPreflights ?? true,
  };
};

const isPreflight = (request: HttpRequest): boolean => {
  const method = request.headers.get('access-control-request-method');
  return request.method === 'OPTIONS' && method !== undefined && method !== '';
};

const preflightAnswer = (policy: Policy, origin: string | undefined, request: HttpRequest): HttpResponse => {
  const fields: Field[] = origin === undefined ? [] : [['access-control-allow-origin', origin]];
  fields.push(...policy.preflight);
  if (policy.privateNetwork && request.headers.get('access-control-request-private-network') === 'true')
    fields.push(['access-control-allow-private-network', 'true']);
  if (origin !== undefined) fields.push(...policy.exposed);
  return { status: 200, headers: HeaderMap.of(...fields), body: EMPTY_BODY, trailers: NO_TRAILERS };
};

const filterFor = (policy: Policy, { system, random, statPrefix }: FilterRoom): HttpFilter | undefined => {
  if (policy.share === 0 && policy.shadowShare === 0) return undefined;
  const scope = system.metrics.scope('http', statPrefix);
  const [valid, invalid] = [scope.counter('cors.origin_valid'), scope.counter('cors.origin_invalid')];
  return async (request, stream, next) => {
    const origin = request.headers.get('origin');
    if (origin === undefined || origin === '') return next(request, stream);
    const isEnabled = random.chance(policy.share);
    if (!isEnabled && !random.chance(policy.shadowShare)) return next(request, stream);
    const allowed = policy.origins.some((matches) => matches(origin));
    (allowed ? valid : invalid).value++;
    if (!isEnabled) return next(request, stream);
    if (isPreflight(request) && (allowed || !policy.forwardsOthers)) {
      stream.codeDetails = 'cors_response';
      return preflightAnswer(policy, allowed ? origin : undefined, request);
    }
    if (!allowed) return next(request, stream);
    const permit = (headers: HeaderMap): HeaderMap =>
      headers.edit((draft) => {
        setIn(draft, 'access-control-allow-origin', origin);
        for (const [name, value] of policy.actual) setIn(draft, name, value);
      });
    try {
      const response = await next(request, stream);
      return { ...response, headers: permit(response.headers) };
    } catch (error) {
      // Browsers may read this proxy's own answers, too.
      throw error instanceof StreamError ? error.with({ headers: [...permit(HeaderMap.of(...error.headers))] }) : error;
    }
  };
};

/** Does nothing without a route's policy, nor for routes that answer themselves. */
export const cors: FilterType = {
  typeUrl: 'type.googleapis.com/envoy.extensions.filters.http.cors.v3.Cors',
  forwardedOnly: true,
  overrideUrl: POLICY_URL,
  compile: (config) => {
    refuseUnsupported(decodeConfig(config, Cors), { read: [] });
    return undefined;
  },
  compileRoute: (_config, override, room) => filterFor(compilePolicy(override), room),
};
