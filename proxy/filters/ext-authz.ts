/** Asks somebody else whether a request may pass. Source: extensions.filters.http.ext_authz.v3. */
import { ConfigError, inField, refuseUnsupported } from '#api/config-error.ts';
import { shareOf } from '#api/units.ts';
import { type Any, ExtAuthz, ExtAuthzPerRoute } from '#envoy';
import type { HttpFilter } from '../http/filter.ts';
import { compileMetadataMatcher } from '../http/match/metadata-match.ts';
import type { HttpRequest } from '../http/message.ts';
import { StreamError } from '../http/stream-error.ts';
import type { StreamInfo } from '../http/stream-info.ts';
import { decodeConfig, expectType } from './decode-config.ts';
import type { Ask } from './ext-authz/ask.ts';
import { compileGrpcService } from './ext-authz/grpc-service.ts';
import { compileHttpService, compileList } from './ext-authz/http-service.ts';
import { type BodyRules, type ReadAhead, readAhead } from './ext-authz/request-body.ts';
import { type AuthzVerdict, allowedRequest, areSafe, changeFields, fieldsOf } from './ext-authz/verdict.ts';
import type { FilterRoom, FilterType } from './filter-type.ts';

/** Under this name later filters find what an authorizer tells them. */
const METADATA = 'envoy.filters.http.ext_authz';
const FAILED_OPEN = 'x-envoy-auth-failure-mode-allowed';

type Tally = (name: 'ok' | 'denied' | 'error' | 'disabled' | 'failure_mode_allowed' | 'invalid', stream: StreamInfo) => void;

/** Under the connection manager's prefix, and under the cluster's that the request would go to. (Envoy 1.40) */
const tallyOf = ({ system: { metrics }, statPrefix }: FilterRoom, ownPrefix: string): Tally => {
  const scope = metrics.scope('http', statPrefix);
  const prefix = ownPrefix === '' ? 'ext_authz' : `ext_authz.${ownPrefix}`;
  for (const name of ['ok', 'denied', 'error', 'disabled', 'failure_mode_allowed', 'invalid']) scope.counter(`${prefix}.${name}`);
  return (name, stream) => {
    scope.counter(`${prefix}.${name}`).value++;
    if (stream.clusterName !== '' && name !== 'disabled') metrics.scope('cluster', stream.clusterName).counter(`ext_authz.${name}`).value++;
  };
};

const compileBody = (rules: ExtAuthz['withRequestBody']): BodyRules | undefined => {
  if (!rules) return undefined;
  refuseUnsupported(rules, { read: ['maxRequestBytes', 'allowPartialMessage', 'packAsBytes'] });
  if (rules.maxRequestBytes <= 0) throw new ConfigError('max_request_bytes', 'must be greater than 0');
  return { maxBytes: rules.maxRequestBytes, mayBePartial: rules.allowPartialMessage, asBytes: rules.packAsBytes };
};

/** What a route says on top. */
interface RouteRules {
  readonly extensions: Readonly<Record<string, string>>;
  readonly body: BodyRules | undefined;
}

const compileAsk = (config: ExtAuthz, { extensions, body }: RouteRules, room: FilterRoom): Ask => {
  const { services } = config;
  const allowed = inField('allowed_headers', () => compileList(config.allowedHeaders));
  const barred = inField('disallowed_headers', () => compileList(config.disallowedHeaders));
  if (services?.$case === 'httpService') {
    const told = barred && allowed ? (name: string) => allowed(name) && !barred(name) : allowed;
    return inField('http_service', () => compileHttpService(services.value, { allowed: told, rawHeaders: config.encodeRawHeaders }, room));
  }
  if (services?.$case !== 'grpcService') throw new ConfigError('services', 'is required');
  const told = (name: string) => (allowed?.(name) ?? true) && !barred?.(name);
  const rules = {
    told,
    extensions,
    asBytes: body?.asBytes ?? false,
    withCertificate: config.includePeerCertificate,
    metadataNames: config.metadataContextNamespaces,
    routeMetadataNames: config.routeMetadataContextNamespaces,
    rawHeaders: config.encodeRawHeaders,
  };
  return inField('grpc_service', () => compileGrpcService(services.value, rules, room));
};

const check = (config: ExtAuthz): void => {
  refuseUnsupported(config, {
    read: [
      ...([
        'services',
        'transportApiVersion',
        'failureModeAllow',
        'failureModeAllowHeaderAdd',
        'withRequestBody',
        'clearRouteCache',
      ] as const),
      ...(['statusOnError', 'validateMutations', 'metadataContextNamespaces', 'routeMetadataContextNamespaces', 'filterEnabled'] as const),
      ...([
        'filterEnabledMetadata',
        'includePeerCertificate',
        'statPrefix',
        'allowedHeaders',
        'disallowedHeaders',
        'encodeRawHeaders',
      ] as const),
    ],
  });
  if (config.transportApiVersion !== 2) throw new ConfigError('transport_api_version', 'only V3 is supported');
};

/** Whether a request is asked about at all. */
const compileEnabled = ({ filterEnabled, filterEnabledMetadata }: ExtAuthz, { system }: FilterRoom): ((stream: StreamInfo) => boolean) => {
  const share = filterEnabled ? shareOf(filterEnabled.defaultValue, 1) : 1;
  const test = filterEnabledMetadata && inField('filter_enabled_metadata', () => compileMetadataMatcher(filterEnabledMetadata));
  return (stream) => system.random.chance(share) && (test === undefined || test(stream.metadata));
};

const denial = ({ status, body, headers }: Extract<AuthzVerdict, { kind: 'denied' }>): StreamError =>
  new StreamError('UAEX', { status, text: body, codeDetails: 'ext_authz_denied', headers: fieldsOf(headers) });

const INVALID = new StreamError('UAEX', { status: 500, codeDetails: 'ext_authz_invalid' });

const isSafe = (verdict: AuthzVerdict): boolean => {
  if (verdict.kind === 'allowed') return areSafe([...verdict.request, ...verdict.response]);
  return verdict.kind === 'failed' || areSafe(verdict.headers);
};

const filterFor = (config: ExtAuthz, route: RouteRules, room: FilterRoom): HttpFilter => {
  check(config);
  const { system } = room;
  const ask = compileAsk(config, route, room);
  const isEnabled = compileEnabled(config, room);
  const count = tallyOf(room, config.statPrefix);
  const failure = new StreamError('UAEX', { status: config.statusOnError?.code || 403, codeDetails: 'ext_authz_error' });
  const verdictOn = async (request: HttpRequest, stream: StreamInfo, body: ReadAhead | undefined): Promise<AuthzVerdict> => {
    try {
      return await ask({ request, stream, body });
    } catch (error) {
      // Whatever it was: no answer is no permission.
      return { kind: 'failed', reason: error instanceof Error ? error.message : String(error) };
    }
  };
  return async (received, stream, next) => {
    if (!isEnabled(stream)) {
      count('disabled', stream);
      return next(received, stream);
    }
    const hasBody = received.upgrade === undefined && received.body.whole?.length !== 0;
    const body = route.body && hasBody ? await readAhead(received, route.body) : undefined;
    const request = body?.request ?? received;
    const startedAtMs = system.clock.nowMs();
    const verdict = await verdictOn(request, stream, body);
    if (verdict.metadata && Object.keys(verdict.metadata).length > 0) {
      const durationMs = Math.floor(system.clock.nowMs() - startedAtMs);
      const told = verdict.kind === 'allowed' ? { ...verdict.metadata, ext_authz_duration: durationMs } : verdict.metadata;
      stream.metadata = { ...stream.metadata, [METADATA]: told };
    }
    if (!isSafe(verdict)) {
      count('invalid', stream);
      throw INVALID;
    }
    if (verdict.kind === 'denied') {
      count('denied', stream);
      throw denial(verdict);
    }
    if (verdict.kind === 'failed') {
      count('error', stream);
      system.log.debug('ext-authz.failed', { reason: verdict.reason });
      if (!config.failureModeAllow) throw failure;
      count('failure_mode_allowed', stream);
      const marked = config.failureModeAllowHeaderAdd ? { ...request, headers: request.headers.set(FAILED_OPEN, 'true') } : request;
      return next(marked, stream);
    }
    count('ok', stream);
    const response = await next(allowedRequest(request, verdict), stream);
    return verdict.response.length > 0 ? { ...response, headers: changeFields(response.headers, verdict.response) } : response;
  };
};

const ROUTE_URL = 'type.googleapis.com/envoy.extensions.filters.http.ext_authz.v3.ExtAuthzPerRoute';

/** A route may turn the filter off, or tell the authorizer more. */
export const extAuthz: FilterType = {
  typeUrl: 'type.googleapis.com/envoy.extensions.filters.http.ext_authz.v3.ExtAuthz',
  overrideUrl: ROUTE_URL,
  clearsRoute: (any) => decodeConfig(any, ExtAuthz).clearRouteCache,
  compile: (any, room) => {
    const config = decodeConfig(any, ExtAuthz);
    const body = inField('with_request_body', () => compileBody(config.withRequestBody));
    return filterFor(config, { extensions: {}, body }, room);
  },
  compileRoute: (listener: Any, override: Any, room) => {
    expectType(override, ROUTE_URL);
    const { override: own } = decodeConfig(override, ExtAuthzPerRoute);
    if (!own || (own.$case === 'disabled' && !own.value)) throw new ConfigError('override', 'is required');
    if (own.$case === 'disabled') return undefined;
    const config = decodeConfig(listener, ExtAuthz);
    const settings = own.value;
    return inField('check_settings', () => {
      refuseUnsupported(settings, { read: ['contextExtensions', 'disableRequestBodyBuffering', 'withRequestBody'] });
      const body = compileBody(settings.withRequestBody ?? config.withRequestBody);
      return filterFor(
        config,
        { extensions: settings.contextExtensions, body: settings.disableRequestBodyBuffering ? undefined : body },
        room,
      );
    });
  },
};
