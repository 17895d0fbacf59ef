/** Local rate limits. What they look like was asked of Envoy 1.40. */
import { describe, expect, it, test } from 'vitest';
import { Any } from '#envoy';
import { type SimulatedSystem, simulatedSystem } from '#system/simulated-system.ts';
import { EMPTY_BODY } from '../http/body.ts';
import { HeaderMap } from '../http/header-map.ts';
import { type HttpRequest, NO_TRAILERS } from '../http/message.ts';
import { StreamError } from '../http/stream-error.ts';
import { StreamRecord } from '../http/stream-record.ts';
import { filterRoom } from './filter-room.fixture.ts';
import { localRatelimit } from './local-ratelimit.ts';

const TYPE = 'type.googleapis.com/envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit';
const ALWAYS = { default_value: { numerator: 100 } };
const two = (more: object = {}): Any =>
  Any.fromJSON({
    '@type': TYPE,
    stat_prefix: 'rl',
    token_bucket: { max_tokens: 2, tokens_per_fill: 1, fill_interval: '60s' },
    filter_enabled: ALWAYS,
    filter_enforced: ALWAYS,
    ...more,
  });

const at = { address: '127.0.0.1', port: 1 };
const request: HttpRequest = {
  ...{ method: 'GET', scheme: 'http', authority: 'a', path: '/' },
  ...{ headers: HeaderMap.EMPTY, body: EMPTY_BODY, trailers: NO_TRAILERS },
};

/** What each of so many requests came to: status and fields. */
const asker = (config: Any, system: SimulatedSystem = simulatedSystem(), place = 'test') => {
  const filter = localRatelimit.compile(config, filterRoom({ system, place }));
  const seen: HttpRequest[] = [];
  const ask = async (connection = 1): Promise<{ status: number; fields: string[] }> => {
    const stream = new StreamRecord(1, { id: connection, local: at, remote: at }, 0, 0);
    const upstream = async (sent: HttpRequest) => {
      seen.push(sent);
      return { status: 200, headers: HeaderMap.EMPTY, body: EMPTY_BODY, trailers: NO_TRAILERS };
    };
    try {
      const { status, headers } = await (filter ? filter(request, stream, upstream) : upstream(request));
      return { status, fields: [...headers.flat] };
    } catch (error) {
      if (!(error instanceof StreamError)) throw error;
      expect(error).toMatchObject({ flag: 'RL', text: 'local_rate_limited', codeDetails: 'local_rate_limited' });
      return { status: error.status, fields: error.headers.flat() };
    }
  };
  const statuses = async (count: number) => {
    const all: number[] = [];
    for (let i = 0; i < count; i++) all.push((await ask()).status);
    return all;
  };
  const value = (name: string) => system.metrics.scope('rl').counter(`http_local_rate_limit.${name}`).value;
  const counts = () => ['enabled', 'ok', 'rate_limited', 'enforced'].map(value);
  return { ask, statuses, counts, seen, system };
};

describe('a bucket', () => {
  it('lets as many requests pass as it has tokens, and fills by and by', async () => {
    const { statuses, counts, system } = asker(two());
    expect(await statuses(3)).toEqual([200, 200, 429]);
    await system.clock.advance(59_999);
    expect(await statuses(1)).toEqual([429]);
    await system.clock.advance(1);
    expect(await statuses(2)).toEqual([200, 429]);
    expect(counts()).toEqual([6, 3, 3, 3]);
    await system.clock.advance(600_000);
    expect(await statuses(3)).toEqual([200, 200, 429]);
  });

  it('outlives configurations that say the same, and no other', async () => {
    const system = simulatedSystem();
    expect(await asker(two(), system).statuses(2)).toEqual([200, 200]);
    expect(await asker(two({ status: { code: 503 } }), system).statuses(1)).toEqual([503]);
    expect(await asker(two(), system, 'elsewhere').statuses(1)).toEqual([200]);
    const more = two({ token_bucket: { max_tokens: 3, fill_interval: '60s' } });
    expect(await asker(more, system).statuses(1)).toEqual([200]);
  });

  it('is one a connection where that is asked for', async () => {
    const { ask } = asker(two({ local_rate_limit_per_downstream_connection: true }));
    const statuses: number[] = [];
    for (const connection of [1, 1, 1, 2, 1]) statuses.push((await ask(connection)).status);
    expect(statuses).toEqual([200, 200, 429, 200, 429]);
  });
});

test('an answer tells the limit where that is asked for', async () => {
  const { ask } = asker(two({ enable_x_ratelimit_headers: 'DRAFT_VERSION_03' }));
  const told = (left: number, reset: number) => [
    ...['x-ratelimit-limit', '2', 'x-ratelimit-remaining', String(left)],
    ...['x-ratelimit-reset', String(reset)],
  ];
  expect([await ask(), await ask(), await ask()].map(({ fields }) => fields)).toEqual([told(1, 0), told(0, 60), told(0, 60)]);
});

test('an answer has the fields and the status that were asked for; one that is no failure is 429', async () => {
  const added = [{ header: { key: 'x-over', value: '%REQ(:path)%' } }];
  const { ask, statuses } = asker(two({ status: { code: 503 }, response_headers_to_add: added }));
  expect(await statuses(2)).toEqual([200, 200]);
  expect(await ask()).toEqual({ status: 503, fields: ['x-over', '/'] });
  expect(await asker(two({ status: { code: 201 } })).statuses(3)).toEqual([200, 200, 429]);
});

test('what is not enforced passes, marked', async () => {
  const added = [{ header: { key: 'x-over', value: '1' } }];
  const config = two({ filter_enforced: undefined, request_headers_to_add_when_not_enforced: added });
  const { statuses, seen, counts } = asker(config);
  expect(await statuses(3)).toEqual([200, 200, 200]);
  expect(seen.map(({ headers }) => headers.get('x-over'))).toEqual([undefined, undefined, '1']);
  expect(counts()).toEqual([3, 2, 1, 0]);
});

test('what is not enabled is not there', () => {
  expect(localRatelimit.compile(two({ filter_enabled: undefined }), filterRoom())).toBeUndefined();
});

test.each([
  ['stat_prefix', { stat_prefix: '' }],
  ['token_bucket.max_tokens', { token_bucket: { fill_interval: '1s' } }],
  ['token_bucket.fill_interval', { token_bucket: { max_tokens: 1, fill_interval: '0.049s' } }],
  ['descriptors', { descriptors: [{ entries: [{ key: 'a', value: 'b' }], token_bucket: { max_tokens: 1, fill_interval: '1s' } }] }],
  ['local_cluster_rate_limit', { local_cluster_rate_limit: {} }],
  ['response_headers_to_add[0].header.value', { response_headers_to_add: [{ header: { key: 'a', value: '%NOPE%' } }] }],
])('%s is refused', (path, more) => {
  expect(() => localRatelimit.compile(two(more), filterRoom())).toThrow(path);
});

test('settings of a route need a bucket', () => {
  const none = two({ token_bucket: undefined });
  expect(() => localRatelimit.compileRoute?.(two(), none, filterRoom())).toThrow('token_bucket');
  expect(localRatelimit.compile(none, filterRoom())).toBeTypeOf('function');
});
