/** One issuer of tokens: its keys, what its tokens must say, and what of them goes on with the request. Source: extensions.filters.http.jwt_authn.v3. */
import { ConfigError, inField, refuseUnsupported } from '#api/config-error.ts';
import { durationMs } from '#api/units.ts';
import type { DataSource, JwtProvider } from '#envoy';
import type { Counter } from '#system/metrics.ts';
import { removeIn, setIn } from '../../http/header-map.ts';
import { compileString } from '../../http/string-match.ts';
import type { FilterRoom } from '../filter-type.ts';
import { compileHttpUri } from '../http-uri.ts';
import type { Json, JsonObject } from './claims-json.ts';
import type { JwtFailure } from './failures.ts';
import { type KeySet, parseKeySet, signatureFailure } from './key-set.ts';
import type { Draft, FoundToken } from './locations.ts';
import { type KeysNow, remoteKeysFor } from './remote-keys.ts';
import { parseToken, type Token } from './token.ts';
import { VerifiedTokens } from './verified-tokens.ts';

/** Counters of one filter, under Envoy's names. */
export type JwtTally = Readonly<Record<'allowed' | 'denied' | 'bypassed' | 'fetched' | 'fetchFailed' | 'hit' | 'miss', Counter>>;

/** What a filter of this kind shares among its providers. */
export interface JwtRoom extends FilterRoom {
  readonly tally: JwtTally;
}

/** Whether some audiences of a token are among those wanted; no audience wanted is any. */
export type AudienceTest = (audiences: readonly string[]) => boolean;

/** What goes into the metadata for later filters. */
export type Extracted = Record<string, Json>;

/** A provider, compiled. */
export interface Provider {
  readonly name: string;
  readonly message: JwtProvider;
  /** Drops headers that only this filter may write. */
  sanitize(draft: Draft): void;
  /** The failure, or nothing. audience: in place of the provider's own. */
  judge(found: FoundToken, token: Token, audience?: AudienceTest): Promise<JwtFailure | undefined>;
  /** Puts into the draft and the metadata what goes on of a good token. A failure leaves both as they were. */
  passOn(found: FoundToken, token: Token, context: Context): JwtFailure | undefined;
}

/** One request under verification. */
export interface Context {
  readonly draft: Draft;
  readonly extracted: Extracted;
}

const DEFAULT_SKEW_SECONDS = 60;
const DEFAULT_CACHE_MS = 600_000;
const DEFAULT_RETRY_MS = 1000;
const CACHED_TOKENS = 1000;

/** Scheme and last slash do not tell audiences apart. (Envoy 1.40) */
const plain = (audience: string): string => audience.replace(/^https?:\/\//, '').replace(/\/$/, '');

/** Compiles a list of audiences. */
export const compileAudiences = (wanted: readonly string[]): AudienceTest => {
  const known = new Set(wanted.map(plain));
  return (audiences) => known.size === 0 || audiences.some((audience) => known.has(plain(audience)));
};

type Keys = (tally: JwtTally) => KeysNow | Promise<KeysNow>;

const localKeys = (source: DataSource): Keys => {
  refuseUnsupported(source, { read: ['specifier'] });
  const specifier = source.specifier;
  let text: string;
  if (specifier?.$case === 'inlineString') text = specifier.value;
  else if (specifier?.$case === 'inlineBytes') text = new TextDecoder().decode(specifier.value);
  else if (specifier?.$case === 'filename') text = readKeys(specifier.value);
  else
    throw new ConfigError(specifier ? 'environment_variable' : 'specifier', 'only inline_string, inline_bytes and filename are supported');
  // As Envoy: a set that cannot be used is no error of the configuration, but every token is refused then.
  const set: KeySet = parseKeySet(text) ?? { keys: [] };
  return () => ({ set, isStale: false });
};

const readKeys = (path: string): string => {
  try {
    return process.getBuiltinModule('node:fs').readFileSync(path, 'utf8');
  } catch (cause) {
    throw new ConfigError('filename', cause instanceof Error ? cause.message : String(cause), { cause });
  }
};

type RemoteJwks = Extract<NonNullable<JwtProvider['jwksSourceSpecifier']>, { $case: 'remoteJwks' }>['value'];

const remoteKeys = (remote: RemoteJwks, { system, upstream }: FilterRoom): Keys => {
  refuseUnsupported(remote, { read: ['httpUri', 'cacheDuration', 'asyncFetch', 'retryPolicy'] });
  const { asyncFetch, retryPolicy } = remote;
  if (asyncFetch)
    inField('async_fetch', () => refuseUnsupported(asyncFetch, { read: [], ignored: ['fastListener', 'failedRefetchDuration'] }));
  if (retryPolicy) inField('retry_policy', () => refuseUnsupported(retryPolicy, { read: ['numRetries', 'retryBackOff'] }));
  const first = durationMs(retryPolicy?.retryBackOff?.baseInterval) ?? DEFAULT_RETRY_MS;
  const rules = {
    ...inField('http_uri', () => compileHttpUri(remote.httpUri)),
    cacheMs: durationMs(remote.cacheDuration) ?? DEFAULT_CACHE_MS,
    retries: retryPolicy ? (retryPolicy.numRetries ?? 1) : 0,
    retryMs: [first, durationMs(retryPolicy?.retryBackOff?.maxInterval) ?? first * 10] as const,
    ahead: asyncFetch !== undefined,
  };
  const keys = remoteKeysFor(rules, system, upstream);
  return (tally) => keys.now({ fetched: (success) => void (success ? tally.fetched : tally.fetchFailed).value++ });
};

const keysOf = ({ jwksSourceSpecifier: source }: JwtProvider, room: FilterRoom): Keys => {
  if (source?.$case === 'localJwks') return inField('local_jwks', () => localKeys(source.value));
  if (source?.$case === 'remoteJwks') return inField('remote_jwks', () => remoteKeys(source.value, room));
  throw new ConfigError('jwks_source_specifier', 'is required');
};

/** Undefined for what is no header value: lists, objects, nothing. */
const headerText = (claim: Json | undefined): string | undefined => {
  if (typeof claim === 'string') return claim;
  if (typeof claim === 'boolean') return String(claim);
  if (typeof claim !== 'number') return undefined;
  return Number.isInteger(claim) && claim >= 0 && claim < 2 ** 64 ? BigInt(claim).toString() : claim.toFixed(6);
};

const claimAt = (payload: JsonObject, path: string): Json | undefined => {
  let value: Json | undefined = payload;
  for (const name of path.split('.')) {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
    value = (value as JsonObject)[name];
  }
  return value;
};

/** Bytes of UTF-8, each as one character, as header values are everywhere here; undefined when there is a control character among them. */
const asFieldValue = (text: string): string | undefined =>
  /[^\t\x20-\x7e\u0080-\u{10ffff}]/u.test(text) ? undefined : Buffer.from(text, 'utf8').toString('latin1').trim();

type HeaderRow = readonly [header: string, claim: string];

/** All or nothing: undefined when one of the claims could break out of its line. */
const headersFrom = (payload: JsonObject, rows: readonly HeaderRow[]): [string, string][] | undefined => {
  const fields: [string, string][] = [];
  for (const [header, claim] of rows) {
    const text = headerText(claimAt(payload, claim));
    if (text === undefined || text === '') continue;
    const value = asFieldValue(text);
    if (value === undefined) return undefined;
    fields.push([header, value]);
  }
  return fields;
};

const normalized = (payload: JsonObject, spaced: readonly string[]): JsonObject => {
  if (!spaced.some((claim) => typeof payload[claim] === 'string')) return payload;
  const copy: Record<string, Json> = Object.assign(Object.create(null), payload);
  for (const claim of spaced) {
    const text = copy[claim];
    if (typeof text === 'string') copy[claim] = text.split(' ').filter((word) => word !== '');
  }
  return copy;
};

const padded = (text: string): string => text + '='.repeat((4 - (text.length % 4)) % 4);

type TimeRules = Pick<JwtProvider, 'clockSkewSeconds' | 'requireExpiration' | 'maxLifetime'>;

const timeJudge = ({ clockSkewSeconds, requireExpiration, maxLifetime }: TimeRules) => {
  const skew = clockSkewSeconds || DEFAULT_SKEW_SECONDS;
  const most = maxLifetime ? durationMs(maxLifetime) / 1000 : Number.POSITIVE_INFINITY;
  return ({ expiresAt, notBefore }: Token, nowSeconds: number): JwtFailure | undefined => {
    if (notBefore !== undefined && nowSeconds + skew < notBefore) return 'early';
    if (expiresAt !== undefined && nowSeconds > expiresAt + skew) return 'expired';
    if (expiresAt === undefined) return requireExpiration || maxLifetime ? 'signature' : undefined;
    return expiresAt - nowSeconds < most ? undefined : 'signature';
  };
};

const READ = [
  ...(['issuer', 'audiences', 'subjects', 'requireExpiration', 'maxLifetime', 'jwksSourceSpecifier', 'forward', 'fromHeaders'] as const),
  ...(['fromParams', 'fromCookies', 'forwardPayloadHeader', 'padForwardPayloadHeader', 'payloadInMetadata'] as const),
  ...([
    'normalizePayloadInMetadata',
    'headerInMetadata',
    'clockSkewSeconds',
    'jwtCacheConfig',
    'claimToHeaders',
    'clearRouteCache',
  ] as const),
];

/** What of a good token goes on with the request. */
const whatGoesOn = (message: JwtProvider) => {
  const payloadHeader = message.forwardPayloadHeader.toLowerCase();
  const rows = message.claimToHeaders.map((row, index): HeaderRow => {
    if (row.headerName === '' || row.claimName === '')
      throw new ConfigError(`claim_to_headers[${index}]`, 'needs header_name and claim_name');
    return [row.headerName.toLowerCase(), row.claimName];
  });
  const spaced = message.normalizePayloadInMetadata?.spaceDelimitedClaims ?? [];
  const own = [...(payloadHeader === '' ? [] : [payloadHeader]), ...rows.map(([header]) => header)];
  return {
    sanitize: ({ flat }: Draft): void => {
      for (const name of own) removeIn(flat, name);
    },
    apply: (found: FoundToken, token: Token, { draft, extracted }: Context): JwtFailure | undefined => {
      const fields = headersFrom(token.payload, rows);
      if (!fields) return 'unsafeClaim';
      if (payloadHeader !== '')
        setIn(draft.flat, payloadHeader, message.padForwardPayloadHeader ? padded(token.payloadText) : token.payloadText);
      for (const [name, value] of fields) draft.flat.push(name, value);
      if (!message.forward) found.removeFrom(draft);
      if (message.headerInMetadata !== '') extracted[message.headerInMetadata] = token.header;
      if (message.payloadInMetadata !== '') extracted[message.payloadInMetadata] = normalized(token.payload, spaced);
      return undefined;
    },
  };
};

/** Throws ConfigError with a path relative to the provider. */
export const compileProvider = (name: string, message: JwtProvider, room: JwtRoom): Provider => {
  refuseUnsupported(message, { read: READ });
  const { system, tally } = room;
  const keys = keysOf(message, room);
  const timeFailure = timeJudge(message);
  const subject = message.subjects && inField('subjects', () => compileString(message.subjects as NonNullable<JwtProvider['subjects']>));
  const audience = compileAudiences(message.audiences);
  const verified = new VerifiedTokens(Math.max(CACHED_TOKENS, message.jwtCacheConfig?.jwtCacheSize ?? 0));
  const { sanitize, apply } = whatGoesOn(message);
  const keyFailure = async (found: FoundToken, token: Token): Promise<JwtFailure | undefined> => {
    const pending = keys(tally);
    const { set, isStale } = pending instanceof Promise ? await pending : pending;
    if (!set) return 'fetch';
    // Keys that could not be fetched anew are trusted no longer than a token's own time.
    if (isStale && token.expiresAt === undefined) return 'fetch';
    if (verified.knows(found.text, set)) {
      tally.hit.value++;
      return undefined;
    }
    tally.miss.value++;
    const failure = signatureFailure(token, set);
    if (!failure) verified.add(found.text, set);
    return failure;
  };
  return {
    ...{ name, message, sanitize, passOn: apply },
    judge: async (found, token, own = audience) => {
      const failure = timeFailure(token, Math.floor(system.clock.wallTimeMs() / 1000));
      if (failure) return failure;
      if (subject && !subject(token.subject)) return 'signature';
      if (!own(token.audiences)) return 'audience';
      return keyFailure(found, token);
    },
  };
};

/** A found token, read; the failure when it is none, or of an issuer that has no business at that place. */
export const readFound = (found: FoundToken): Token | JwtFailure => {
  const token = parseToken(found.text);
  if (typeof token === 'string') return token;
  return found.allows(token.issuer) ? token : 'issuer';
};
