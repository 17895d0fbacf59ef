/** Lets so many requests pass and answers the others itself: per place or per connection. Source: extensions.filters.http.local_ratelimit.v3. */
import { ConfigError, inField, refuseUnsupported } from '#api/config-error.ts';
import { shareOf } from '#api/units.ts';
import { type Any, LocalRateLimit } from '#envoy';
import type { Counter } from '#system/metrics.ts';
import type { System } from '#system/system.ts';
import type { HttpFilter } from '../http/filter.ts';
import { HeaderMap } from '../http/header-map.ts';
import type { HttpRequest } from '../http/message.ts';
import { StreamError } from '../http/stream-error.ts';
import type { StreamInfo } from '../http/stream-info.ts';
import { decodeConfig, expectType } from './decode-config.ts';
import type { FilterRoom, FilterType, HeaderEdit } from './filter-type.ts';
import { type BucketSize, compileBucket, TokenBucket } from './token-bucket.ts';

const TYPE_URL = 'type.googleapis.com/envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit';
const WORDS = 'local_rate_limited';
const RESOURCE_EXHAUSTED = 8;
const TOO_MANY_REQUESTS = 429;

interface Limit {
  readonly statPrefix: string;
  readonly bucket: BucketSize | undefined;
  readonly per: 'place' | 'connection';
  readonly enabledShare: number;
  readonly enforcedShare: number;
  readonly status: number;
  readonly grpcStatus: number | undefined;
  readonly requestEdits: readonly HeaderEdit[];
  readonly responseEdits: readonly HeaderEdit[];
  /** Whether answers tell the limit. */
  readonly tells: boolean;
}

const compileLimit = (any: Any, room: FilterRoom): Limit => {
  expectType(any, TYPE_URL);
  const config = decodeConfig(any, LocalRateLimit);
  refuseUnsupported(config, {
    read: [
      'statPrefix',
      'status',
      'tokenBucket',
      'filterEnabled',
      'filterEnforced',
      'requestHeadersToAddWhenNotEnforced',
      'responseHeadersToAdd',
      'localRateLimitPerDownstreamConnection',
      'enableXRatelimitHeaders',
      'rateLimitedAsResourceExhausted',
    ],
    // About descriptors, of which there are none here.
    ignored: ['stage', 'vhRateLimits', 'alwaysConsumeDefaultTokenBucket'],
  });
  if (config.statPrefix === '') throw new ConfigError('stat_prefix', 'must not be empty');
  const { tokenBucket: bucket } = config;
  if (config.enableXRatelimitHeaders > 1) throw new ConfigError('enable_x_ratelimit_headers', 'unknown value');
  const status = config.status?.code ?? TOO_MANY_REQUESTS;
  return {
    statPrefix: config.statPrefix,
    bucket: bucket && inField('token_bucket', () => compileBucket(bucket)),
    per: config.localRateLimitPerDownstreamConnection ? 'connection' : 'place',
    // Not said is never, as in Envoy.
    enabledShare: shareOf(config.filterEnabled?.defaultValue, 0),
    enforcedShare: shareOf(config.filterEnforced?.defaultValue, 0),
    status: status < 400 ? TOO_MANY_REQUESTS : status,
    grpcStatus: config.rateLimitedAsResourceExhausted ? RESOURCE_EXHAUSTED : undefined,
    requestEdits: room.headerEdits(config.requestHeadersToAddWhenNotEnforced, 'request_headers_to_add_when_not_enforced'),
    responseEdits: room.headerEdits(config.responseHeadersToAdd, 'response_headers_to_add'),
    tells: config.enableXRatelimitHeaders === 1,
  };
};

const MOST_BUCKETS_KEPT = 10_000;
const bucketsOf = new WeakMap<System, Map<string, TokenBucket>>();

/** The bucket of that name and size: what was taken from it stays taken when a configuration that says the same comes again. */
const keptBucket = ({ system }: FilterRoom, key: string, size: BucketSize): TokenBucket => {
  const kept = bucketsOf.get(system) ?? new Map<string, TokenBucket>();
  bucketsOf.set(system, kept);
  const known = kept.get(key);
  if (known && known.size.most === size.most && known.size.perMs === size.perMs) return known;
  const bucket = new TokenBucket(size, system.clock);
  kept.delete(key);
  kept.set(key, bucket);
  // The oldest goes: connections that are over are never asked for again.
  const [oldest] = kept.size > MOST_BUCKETS_KEPT ? kept.keys() : [];
  if (oldest !== undefined) kept.delete(oldest);
  return bucket;
};

const NAMES = ['enabled', 'ok', 'rate_limited', 'enforced'] as const;

const countersOf = ({ system }: FilterRoom, prefix: string): Record<(typeof NAMES)[number], Counter> => {
  const scope = system.metrics.scope(prefix);
  const counter = (name: (typeof NAMES)[number]) => [name, scope.counter(`http_local_rate_limit.${name}`)] as const;
  return Object.fromEntries(NAMES.map(counter)) as Record<(typeof NAMES)[number], Counter>;
};

const edited = (headers: HeaderMap, edits: readonly HeaderEdit[], request: HttpRequest, stream: StreamInfo): HeaderMap =>
  headers.edit((draft) => {
    for (const edit of edits) edit(draft, request, stream);
  });

const tell = (bucket: TokenBucket, draft: string[]): void =>
  void draft.push(
    ...['x-ratelimit-limit', String(bucket.size.most)],
    ...['x-ratelimit-remaining', String(bucket.left)],
    ...['x-ratelimit-reset', String(Math.ceil(bucket.nextMs / 1000))],
  );

const filterFor = (limit: Limit, room: FilterRoom): HttpFilter | undefined => {
  if (limit.enabledShare === 0) return undefined;
  const { random, place } = room;
  const { bucket: size, tells } = limit;
  const counters = countersOf(room, limit.statPrefix);
  const shared = size && limit.per === 'place' ? keptBucket(room, place, size) : undefined;
  const bucketFor = ({ downstream }: StreamInfo): TokenBucket | undefined =>
    shared ?? (size && keptBucket(room, `${place} ${downstream.id}`, size));
  const refusal = new StreamError('RL', { status: limit.status, text: WORDS, codeDetails: WORDS, grpcStatus: limit.grpcStatus });
  const told = (bucket: TokenBucket | undefined): ((draft: string[]) => void) =>
    bucket && tells ? (draft) => tell(bucket, draft) : () => {};
  return async (request, stream, next) => {
    if (!random.chance(limit.enabledShare)) return next(request, stream);
    counters.enabled.value++;
    const bucket = bucketFor(stream);
    const isOver = bucket !== undefined && !bucket.take();
    if (!isOver) counters.ok.value++;
    else counters.rate_limited.value++;
    const telling = told(bucket);
    if (isOver && random.chance(limit.enforcedShare)) {
      counters.enforced.value++;
      const headers = edited(HeaderMap.EMPTY, limit.responseEdits, request, stream).edit(telling);
      throw refusal.with({ headers: [...headers] });
    }
    const sent =
      isOver && limit.requestEdits.length > 0
        ? { ...request, headers: edited(request.headers, limit.requestEdits, request, stream) }
        : request;
    if (!tells) return next(sent, stream);
    try {
      const response = await next(sent, stream);
      return { ...response, headers: response.headers.edit(telling) };
    } catch (error) {
      if (!(error instanceof StreamError)) throw error;
      throw error.with({ headers: [...HeaderMap.of(...error.headers).edit(telling)] });
    }
  };
};

/** A route's settings replace the listener's. */
export const localRatelimit: FilterType = {
  typeUrl: TYPE_URL,
  overrideUrl: TYPE_URL,
  compile: (config, room) => filterFor(compileLimit(config, room), room),
  compileRoute: (_config, override, room) => {
    const limit = compileLimit(override, room);
    if (limit.bucket === undefined) throw new ConfigError('token_bucket', 'is required in settings of a route');
    return filterFor(limit, room);
  },
};
