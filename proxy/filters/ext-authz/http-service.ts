/** An authorizer that is asked over HTTP: 200 allows, anything below 500 denies. Source: extensions.filters.http.ext_authz.v3.HttpService. */
import { ConfigError, inField, refuseUnsupported } from '#api/config-error.ts';
import type { ExtAuthz, StringMatcher } from '#envoy';
import { EMPTY_BODY, wholeBody } from '../../http/body.ts';
import { HeaderMap } from '../../http/header-map.ts';
import { NO_TRAILERS } from '../../http/message.ts';
import { compileString, type TextTest } from '../../http/string-match.ts';
import type { FilterRoom } from '../filter-type.ts';
import { compileHttpUri } from '../http-uri.ts';
import { sideCall } from '../side-call.ts';
import type { Ask } from './ask.ts';
import type { AuthzVerdict, FieldChange } from './verdict.ts';

type HttpService = Extract<NonNullable<ExtAuthz['services']>, { $case: 'httpService' }>['value'];
type List = { readonly patterns: StringMatcher[] } | undefined;

const MAX_BYTES = 1024 * 1024;

/** Undefined when nothing is listed. */
export const compileList = (list: List): TextTest | undefined => {
  const tests = list?.patterns.map((pattern, index) => inField(`patterns[${index}]`, () => compileString(pattern)));
  return tests && tests.length > 0 ? (name) => tests.some((test) => test(name)) : undefined;
};

/** Always told to clients that are denied. */
const ALWAYS_DOWN: ReadonlySet<string> = new Set(['location', 'www-authenticate']);
/** About the authorizer's own message. */
const OWN: ReadonlySet<string> = new Set([
  'content-length',
  'transfer-encoding',
  'connection',
  'keep-alive',
  'date',
  'server',
  'x-envoy-upstream-service-time',
]);

const picked = (headers: HeaderMap, test: TextTest | undefined, how: FieldChange['how']): FieldChange[] => {
  if (!test) return [];
  return [...headers].filter(([name]) => !OWN.has(name) && test(name)).map(([name, value]) => ({ how, name, value }));
};

interface Lists {
  readonly up: TextTest | undefined;
  readonly upAppend: TextTest | undefined;
  readonly down: TextTest | undefined;
  readonly downAllowed: TextTest | undefined;
  readonly metadata: TextTest | undefined;
}

const listsOf = (response: HttpService['authorizationResponse']): Lists => {
  if (!response) return { up: undefined, upAppend: undefined, down: undefined, downAllowed: undefined, metadata: undefined };
  refuseUnsupported(response, {
    read: [
      ...(['allowedUpstreamHeaders', 'allowedUpstreamHeadersToAppend', 'allowedClientHeaders'] as const),
      ...(['allowedClientHeadersOnSuccess', 'dynamicMetadataFromHeaders'] as const),
    ],
  });
  return {
    up: inField('allowed_upstream_headers', () => compileList(response.allowedUpstreamHeaders)),
    upAppend: inField('allowed_upstream_headers_to_append', () => compileList(response.allowedUpstreamHeadersToAppend)),
    down: inField('allowed_client_headers', () => compileList(response.allowedClientHeaders)),
    downAllowed: inField('allowed_client_headers_on_success', () => compileList(response.allowedClientHeadersOnSuccess)),
    metadata: inField('dynamic_metadata_from_headers', () => compileList(response.dynamicMetadataFromHeaders)),
  };
};

/** Several values of one name are set as several fields: the first replaces what the client sent. */
const settingAll = (changes: readonly FieldChange[]): FieldChange[] => {
  const seen = new Set<string>();
  return changes.map((change) => {
    const again = seen.has(change.name);
    seen.add(change.name);
    return again ? { ...change, how: 'append' } : change;
  });
};

const verdictOf = (status: number, headers: HeaderMap, body: Buffer, lists: Lists): AuthzVerdict => {
  if (status >= 500) return { kind: 'failed', reason: `status ${status}` };
  const { metadata: test, down } = lists;
  const found = picked(headers, test, 'set').map(({ name, value }) => [name, value] as const);
  const metadata = found.length > 0 ? Object.fromEntries(found) : undefined;
  if (status === 200)
    return {
      kind: 'allowed',
      request: [...settingAll(picked(headers, lists.up, 'set')), ...picked(headers, lists.upAppend, 'append')],
      remove: [],
      response: picked(headers, lists.downAllowed, 'append'),
      metadata,
    };
  const told = picked(headers, down ? (name) => ALWAYS_DOWN.has(name) || down(name) : () => true, 'append');
  return { kind: 'denied', status, body: body.toString('utf8'), headers: told, metadata };
};

const addedHeaders = (added: NonNullable<HttpService['authorizationRequest']>['headersToAdd']): (readonly [string, string])[] =>
  added.map((header, index) =>
    inField(`headers_to_add[${index}]`, () => {
      refuseUnsupported(header, { read: ['key', 'value'] });
      if (header.key === '') throw new ConfigError('key', 'must not be empty');
      return [header.key.toLowerCase(), header.value];
    }),
  );

/** One line a name with every value of it, as long as nobody wants them raw. (CVE-2021-32777: never the last value alone.) */
const joined = (fields: readonly (readonly [string, string])[]): (readonly [string, string])[] => {
  const lines = new Map<string, string>();
  for (const [name, value] of fields) lines.set(name, lines.has(name) ? `${lines.get(name)},${value}` : value);
  return [...lines];
};

/** allowed: request headers that the authorizer is told beside those that it is always told. */
export interface HttpRules {
  readonly allowed: TextTest | undefined;
  readonly rawHeaders: boolean;
}

/** Throws ConfigError. */
export const compileHttpService = (service: HttpService, { allowed, rawHeaders }: HttpRules, { system, upstream }: FilterRoom): Ask => {
  refuseUnsupported(service, { read: ['serverUri', 'pathPrefix', 'authorizationRequest', 'authorizationResponse'] });
  const { authorizationRequest: asked, authorizationResponse: response, pathPrefix } = service;
  if (asked) inField('authorization_request', () => refuseUnsupported(asked, { read: ['allowedHeaders', 'headersToAdd'] }));
  const target = inField('server_uri', () => compileHttpUri(service.serverUri));
  const own = inField('authorization_request.allowed_headers', () => compileList(asked?.allowedHeaders));
  const isTold: TextTest = (name) => name === 'authorization' || Boolean(allowed?.(name) || own?.(name));
  const added = inField('authorization_request', () => addedHeaders(asked?.headersToAdd ?? []));
  const lists = inField('authorization_response', () => listsOf(response));
  const room = { clock: system.clock, handle: upstream(target.cluster), timeoutMs: target.timeoutMs, maxBytes: MAX_BYTES };
  return async ({ request, stream, body }) => {
    const told = [...request.headers].filter(([name]) => !OWN.has(name) && name !== 'upgrade' && isTold(name));
    const flat = [...(rawHeaders ? told : joined(told)).flat(), 'content-length', String(body?.bytes.length ?? 0)];
    if (body) flat.push('x-envoy-auth-partial-body', String(body.isPartial));
    const draft = new HeaderMap(flat).without(...added.map(([name]) => name)).flat;
    const {
      status,
      headers,
      body: answer,
    } = await sideCall(
      room,
      {
        ...{ method: request.method, scheme: 'http', authority: request.authority, path: pathPrefix + request.path, trailers: NO_TRAILERS },
        headers: new HeaderMap([...draft, ...added.flat()]),
        body: body && body.bytes.length > 0 ? wholeBody(body.bytes) : EMPTY_BODY,
      },
      stream,
    );
    return verdictOf(status, headers, answer, lists);
  };
};
