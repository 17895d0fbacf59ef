/** Lets requests through with good tokens only, and tells later filters what the tokens say. Source: extensions.filters.http.jwt_authn.v3. */
import { ConfigError, inField, refuseUnsupported } from '#api/config-error.ts';
import { type Any, JwtAuthentication, JwtPerRoute, type JwtRequirement } from '#envoy';
import type { HttpFilter } from '../http/filter.ts';
import { HeaderMap } from '../http/header-map.ts';
import type { RequestTest } from '../http/header-match.ts';
import { type HttpRequest, schemeOf } from '../http/message.ts';
import { StreamError } from '../http/stream-error.ts';
import { decodeConfig, expectType } from './decode-config.ts';
import type { FilterRoom, FilterType } from './filter-type.ts';
import { JWT_FAILURES, type JwtFailure } from './jwt/failures.ts';
import { draftOf, pathWithoutTokens } from './jwt/locations.ts';
import { type Context, compileProvider, type JwtRoom, type Provider } from './jwt/provider.ts';
import { compileRequirement, type Verify } from './jwt/requirement.ts';

/** Under this name later filters find the claims. */
const METADATA = 'envoy.filters.http.jwt_authn';
const MAX_REALM_PATH = 256;

interface Rule {
  readonly meant: RequestTest;
  /** Absent: such requests need nothing. */
  readonly verify: Verify | undefined;
}

const isPreflight = ({ method, headers }: HttpRequest): boolean =>
  method === 'OPTIONS' && Boolean(headers.get('origin')) && Boolean(headers.get('access-control-request-method'));

/** Envoy puts the whole query there, the token in it included; here the token stays out. */
const realmOf = (request: HttpRequest, providers: readonly Provider[]): string => {
  const path = request.headers.get('x-envoy-original-path') ?? request.path;
  const shown = pathWithoutTokens(
    path,
    providers.map(({ message }) => message),
  );
  return `${schemeOf(request)}://${request.authority}${shown.slice(0, MAX_REALM_PATH)}`;
};

/** No flag: an intended answer, not a failure of the data path. */
const refusal = (failure: JwtFailure, request: HttpRequest, { providers, isBare }: Compiled): StreamError => {
  const text = JWT_FAILURES[failure];
  const challenge = `Bearer realm="${realmOf(request, providers)}"${failure === 'missing' ? '' : ', error="invalid_token"'}`;
  return new StreamError('UAEX', {
    status: failure === 'audience' ? 403 : 401,
    text: isBare ? '' : text,
    codeDetails: `jwt_authn_access_denied{${text.replaceAll(' ', '_')}}`,
    headers: isBare ? [] : [['www-authenticate', challenge]],
    flagged: false,
  });
};

const tallyOf = ({ system, statPrefix }: FilterRoom): JwtRoom['tally'] => {
  const scope = system.metrics.scope('http', statPrefix);
  const counter = (name: string) => scope.counter(`jwt_authn.${name}`);
  return {
    allowed: counter('allowed'),
    denied: counter('denied'),
    bypassed: counter('cors_preflight_bypassed'),
    fetched: counter('jwks_fetch_success'),
    fetchFailed: counter('jwks_fetch_failed'),
    hit: counter('jwt_cache_hit'),
    miss: counter('jwt_cache_miss'),
  };
};

interface Compiled {
  readonly providers: readonly Provider[];
  readonly rules: readonly Rule[];
  readonly named: ReadonlyMap<string, Verify>;
  readonly bypassPreflight: boolean;
  readonly isBare: boolean;
  readonly tally: JwtRoom['tally'];
}

type RequirementRule = JwtAuthentication['rules'][number];

const compileRule = (
  rule: RequirementRule,
  { named, requirement, room }: { named: Compiled['named']; requirement: (each: JwtRequirement) => Verify; room: FilterRoom },
): Rule => {
  refuseUnsupported(rule, { read: ['match', 'requirementType'] });
  const { match, requirementType: type } = rule;
  if (!match) throw new ConfigError('match', 'is required');
  const meant = inField('match', () => room.requestTest(match));
  if (!type) return { meant, verify: undefined };
  if (type.$case === 'requires') return { meant, verify: inField('requires', () => requirement(type.value)) };
  const verify = named.get(type.value);
  if (!verify) throw new ConfigError('requirement_name', `wrong requirement_name: ${type.value}`);
  return { meant, verify };
};

const compile = (config: JwtAuthentication, filterRoom: FilterRoom): Compiled => {
  refuseUnsupported(config, { read: ['providers', 'rules', 'bypassCorsPreflight', 'requirementMap', 'stripFailureResponse'] });
  const room: JwtRoom = { ...filterRoom, tally: tallyOf(filterRoom) };
  const providers = new Map<string, Provider>(
    Object.entries(config.providers)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, provider]) => [name, inField(`providers[${name}]`, () => compileProvider(name, provider, room))]),
  );
  const requirement = (each: JwtRequirement) => compileRequirement(each, providers);
  const named = new Map(
    Object.entries(config.requirementMap).map(([name, each]) => [name, inField(`requirement_map[${name}]`, () => requirement(each))]),
  );
  return {
    providers: [...providers.values()],
    rules: config.rules.map((rule, index) => inField(`rules[${index}]`, () => compileRule(rule, { named, requirement, room }))),
    named,
    bypassPreflight: config.bypassCorsPreflight,
    isBare: config.stripFailureResponse,
    tally: room.tally,
  };
};

const changed = (request: HttpRequest, { draft }: Context): HttpRequest => {
  const { flat } = request.headers;
  const isSame =
    draft.path === request.path && flat.length === draft.flat.length && flat.every((text, index) => text === draft.flat[index]);
  return isSame ? request : { ...request, path: draft.path, headers: new HeaderMap(draft.flat) };
};

/** choose: what is asked of a request; undefined = nothing. */
const filterOf =
  (compiled: Compiled, choose: (request: HttpRequest) => Verify | undefined): HttpFilter =>
  async (request, stream, next) => {
    const { providers, bypassPreflight, tally } = compiled;
    if (bypassPreflight && isPreflight(request)) {
      tally.bypassed.value++;
      tally.allowed.value++;
      return next(request, stream);
    }
    const verify = choose(request);
    if (!verify) {
      tally.allowed.value++;
      return next(request, stream);
    }
    const context: Context = { draft: draftOf(request), extracted: Object.create(null) };
    // Whatever becomes of the tokens, nobody but this filter may say what is in them.
    for (const provider of providers) provider.sanitize(context.draft);
    const failure = await verify(context);
    if (failure) {
      tally.denied.value++;
      throw refusal(failure, request, compiled);
    }
    tally.allowed.value++;
    if (Object.keys(context.extracted).length > 0) stream.metadata = { ...stream.metadata, [METADATA]: context.extracted };
    return next(changed(request, context), stream);
  };

const byRules = (compiled: Compiled): HttpFilter | undefined => {
  const { rules } = compiled;
  if (rules.length === 0) return undefined;
  return filterOf(compiled, (request) => rules.find(({ meant }) => meant(request))?.verify);
};

const ROUTE_URL = 'type.googleapis.com/envoy.extensions.filters.http.jwt_authn.v3.PerRouteConfig';

/** A route may turn the filter off, or name a requirement of its map. */
export const jwtAuthn: FilterType = {
  typeUrl: 'type.googleapis.com/envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication',
  overrideUrl: ROUTE_URL,
  compile: (any, room) => byRules(compile(decodeConfig(any, JwtAuthentication), room)),
  clearsRoute: (any) => Object.values(decodeConfig(any, JwtAuthentication).providers).some(({ clearRouteCache }) => clearRouteCache),
  compileRoute: (listener: Any, override: Any, room) => {
    expectType(override, ROUTE_URL);
    const config = decodeConfig(override, JwtPerRoute);
    refuseUnsupported(config, { read: ['requirementSpecifier'] });
    const specifier = config.requirementSpecifier;
    if (!specifier || (specifier.$case === 'disabled' && !specifier.value)) throw new ConfigError('requirement_specifier', 'is required');
    if (specifier.$case === 'disabled') return undefined;
    const compiled = compile(decodeConfig(listener, JwtAuthentication), room);
    const verify = compiled.named.get(specifier.value);
    if (!verify) throw new ConfigError('requirement_name', `wrong requirement_name: ${specifier.value}`);
    return filterOf(compiled, () => verify);
  },
};
