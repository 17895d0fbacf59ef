import { describe, expect, it } from 'vitest';
import { RetryPolicy } from '#envoy';
import { textBody } from '../http/body.ts';
import { HeaderMap } from '../http/header-map.ts';
import type { HttpResponse } from '../http/message.ts';
import { StreamError } from '../http/stream-error.ts';
import { compileRetry } from './compile-retry.ts';
import { answer, get, never, outcome, refused, setUp, text, type Upstream } from './router.fixture.ts';
import type { UpstreamCluster } from './upstream-cluster.ts';

describe('router', () => {
  it('answers NC with an empty text when the cluster does not exist', async () => {
    const { handle, stream } = setUp(never, { slot: { name: 'gone', current: undefined } });
    expect(await outcome(handle(get(), stream))).toMatchObject({ flag: 'NC', status: 503, text: '', codeDetails: 'cluster_not_found' });
    expect(stream.clusterName).toBe('');
  });

  it('writes its own fields, then the rewritten host and path, in that order', async () => {
    const { handle, seen, stream } = setUp(async () => answer(200), {
      timeoutMs: 3000,
      hostRewrite: () => 'h.example',
      rewritePath: (path) => `/new${path}`,
    });
    await handle(get({ path: '/old' }), stream);
    expect(seen[0]).toMatchObject({ authority: 'h.example', path: '/new/old' });
    expect(seen[0]?.headers.flat).toEqual([
      ...['x-envoy-expected-rq-timeout-ms', '3000', 'x-envoy-attempt-count', '1'],
      ...['x-envoy-original-host', 'reviews', 'x-envoy-original-path', '/old'],
    ]);
  });

  it('tells how long upstream took, in place of what upstream says', async () => {
    const { handle, stream } = setUp(async () => answer(200, ['x-envoy-upstream-service-time', '777']));
    expect((await handle(get(), stream)).headers.flat).toEqual(['x-envoy-upstream-service-time', '0']);
  });
});

describe('statistics', () => {
  it('count what the client was told once, and what gave way to another try apart', async () => {
    const policy = { retryOn: '5xx', numRetries: 2 };
    const { handle, stats, stream, system } = setUp(async (_request, _stream, attempt) => answer(attempt < 3 ? 503 : 200), { policy });
    const result = handle(get(), stream);
    await system.clock.advance(1000);
    expect((await result).status).toBe(200);
    expect([stats.answered.all, stats.retried.all]).toEqual([[200], [503, 503]]);
  });

  it('count no failed connection as an answer that gave way', async () => {
    const policy = { retryOn: 'connect-failure', numRetries: 1 };
    const { handle, stats, stream, system } = setUp(
      async (_request, _stream, attempt) => (attempt < 2 ? Promise.reject(refused()) : answer(200)),
      {
        policy,
      },
    );
    const result = handle(get(), stream);
    await system.clock.advance(1000);
    expect((await result).status).toBe(200);
    expect(stats.retried.all).toEqual([]);
  });

  it.each(['DC', 'SI', 'DPE', 'UMSDR'] as const)('count nothing of what the client is told as %s', async (flag) => {
    const { handle, stats, stream } = setUp(() => Promise.reject(new StreamError(flag, { codeDetails: 'x' })));
    await outcome(handle(get(), stream));
    expect(stats.answered.all).toEqual([]);
  });

  it("count this proxy's own answers, too", async () => {
    const { handle, stats, stream } = setUp(() => Promise.reject(refused()));
    await outcome(handle(get(), stream));
    expect(stats.answered.all).toEqual([503]);
  });
});

describe('fields in which a request asks', () => {
  const clients = { asked: { by: 'clients', expected: 'overwritten' } } as const;
  const asking = (...pairs: [string, string][]) => get({ headers: HeaderMap.of(...pairs) });

  it('are heeded where clients are trusted, and go no further', async () => {
    const { handle, seen, stream, system } = setUp(async (_r, _s, n) => answer(n < 3 ? 503 : 200), clients);
    const result = handle(asking(['x-envoy-retry-on', '5xx'], ['x-envoy-max-retries', '2']), stream);
    await system.clock.advance(1000);
    expect((await result).status).toBe(200);
    expect(seen.flatMap(({ headers }) => headers.flat.filter((field) => /retry|retries/.test(field)))).toEqual([]);
  });

  it('bound the time, and may ask for an answer without a word', async () => {
    const { handle, stream, system } = setUp(never, { ...clients, timeoutMs: 5000 });
    const result = outcome(
      handle(asking(['x-envoy-upstream-rq-timeout-ms', '100'], ['x-envoy-upstream-rq-timeout-alt-response', '1']), stream),
    );
    await system.clock.advance(100);
    expect(await result).toMatchObject({ flag: 'UT', status: 204, text: '', codeDetails: 'response_timeout' });
  });

  it('are of no effect from anybody else', async () => {
    const { handle, seen, stream } = setUp(async () => answer(503));
    expect((await handle(asking(['x-envoy-retry-on', '5xx']), stream)).status).toBe(503);
    expect(seen.length).toBe(1);
  });

  it("are heeded of the route's own edits as far as they are about retries", async () => {
    const edit = (draft: string[]) => void draft.push('x-envoy-retry-on', '5xx', 'x-envoy-upstream-rq-timeout-ms', '1');
    const { handle, seen, stream, system } = setUp(async (_r, _s, n) => answer(n === 1 ? 503 : 200), {
      asked: { by: 'edits', expected: 'overwritten' },
      requestEdits: [edit],
    });
    const result = handle(get(), stream);
    await system.clock.advance(1000);
    expect((await result).status).toBe(200);
    expect(seen.map(({ headers }) => [headers.has('x-envoy-retry-on'), headers.get('x-envoy-upstream-rq-timeout-ms')])).toEqual([
      [false, '1'],
      [false, '1'],
    ]);
  });
});

describe('back-off', () => {
  const waits = async (policy: object, ...pairs: [string, string][]) => {
    const { handle, stats, seen, stream, system } = setUp(async (_r, _s, n) => (n === 1 ? answer(503, ...pairs) : answer(200)), { policy });
    const result = outcome(handle(get(), stream));
    await system.clock.advance(999);
    const before = seen.length;
    await system.clock.advance(501);
    const { retryAskedBackoffs, retryBackoffs } = stats;
    await system.clock.advance(10_000);
    await result;
    return { before, after: seen.length, asked: retryAskedBackoffs.value, own: retryBackoffs.value };
  };
  const policy = (format: string, more: object = {}) => ({
    retryOn: '5xx',
    rateLimitedRetryBackOff: { resetHeaders: [{ name: 'Retry-After', format }], ...more },
  });

  it('is at least what an answer asks for, and at most half as long again', async () => {
    expect(await waits(policy('SECONDS'), ['retry-after', '1'])).toEqual({ before: 1, after: 2, asked: 1, own: 0 });
    const second = String(Date.UTC(2026, 0, 1) / 1000 + 1);
    expect(await waits(policy('UNIX_TIMESTAMP'), ['retry-after', second])).toEqual({ before: 1, after: 2, asked: 1, own: 0 });
  });

  it.each([['0'], ['ten'], ['-1'], ['400']])('is our own where an answer asks for %j', async (value) => {
    expect(await waits(policy('SECONDS'), ['retry-after', value])).toEqual({ before: 2, after: 2, asked: 0, own: 1 });
  });

  it('refuses what it cannot read', () => {
    const compile = (json: object) => () => compileRetry(RetryPolicy.fromJSON({ retryOn: '5xx', ...json }));
    expect(compile({ rateLimitedRetryBackOff: {} })).toThrow('rate_limited_retry_back_off.reset_headers');
    expect(compile({ retryOptionsPredicates: [{ name: 'x' }] })).toThrow('retry_options_predicates: not supported');
  });
});

describe('retry', () => {
  const run = async (upstream: Upstream, policy: object, request = get(), limits = { mayRetry: true }) => {
    const world = setUp(upstream, { policy }, limits);
    const result = outcome(world.handle(request, world.stream));
    await world.system.clock.advance(10_000);
    return { ...world, result: await result };
  };

  it('counts the tries for upstream and stops at the first success', async () => {
    const { result, seen, stats, stream } = await run(async (_r, _s, n) => answer(n < 3 ? 503 : 200), { retryOn: '5xx', numRetries: 3 });
    expect(result).toMatchObject({ status: 200 });
    expect(seen.map((request) => request.headers.get('x-envoy-attempt-count'))).toEqual(['1', '2', '3']);
    expect([stats.retries.value, stats.retrySuccess.value, [...stream.flags]]).toEqual([2, 1, []]);
  });

  it('gives back the last answer with URX when the tries are used up', async () => {
    const { result, seen, stream } = await run(async () => answer(500, ['x-app', 'mine']), { retryOn: '5xx', numRetries: 3 });
    expect([seen.length, [...stream.flags], (result as HttpResponse).headers.get('x-app')]).toEqual([4, ['URX'], 'mine']);
  });

  it("says in a failure's text that it tried again", async () => {
    const { result } = await run(() => Promise.reject(refused()), { retryOn: 'connect-failure', numRetries: 2 });
    expect(result).toMatchObject({ flag: 'UF', text: 'before headers. retried and the latest reset reason: x' });
  });

  it.each([
    ['gateway-error', 500, 1],
    ['gateway-error', 502, 2],
    ['retriable-4xx', 409, 2],
    ['retriable-4xx', 404, 1],
    ['connect-failure,refused-stream,unavailable,cancelled,retriable-status-codes', 503, 1],
  ])('%s: an answer %i is tried %i times', async (retryOn, status, tries) => {
    expect((await run(async () => answer(status), { retryOn })).seen.length).toBe(tries);
  });

  it('tries an overflow never again: that would add to the load', async () => {
    const overflow = () => Promise.reject(new StreamError('UO', { codeDetails: 'o' }));
    expect((await run(overflow, { retryOn: '5xx,reset,connect-failure', numRetries: 3 })).seen.length).toBe(1);
  });

  it('makes no retry beyond what the cluster allows, and says UO', async () => {
    const { seen, stats, stream } = await run(async () => answer(500), { retryOn: '5xx' }, get(), { mayRetry: false });
    expect([seen.length, stats.retryOverflow.value, [...stream.flags]]).toEqual([1, 1, ['UO']]);
  });

  it('sends a streamed body again byte for byte', async () => {
    const chunks = async function* () {
      yield Buffer.from('some ');
      yield Buffer.from('body');
    };
    const bodies: string[] = [];
    const upstream: Upstream = async (request, _stream, n) => {
      bodies.push(await text(request.body));
      return answer(n === 1 ? 503 : 200);
    };
    await run(upstream, { retryOn: '5xx' }, get({ method: 'POST', body: chunks() }));
    expect(bodies).toEqual(['some body', 'some body']);
  });

  it('does not try again once more of the body was read than is kept', async () => {
    const chunks = async function* () {
      for (let i = 0; i < 20; i++) yield Buffer.from('0123456789');
    };
    const upstream: Upstream = async (request) => {
      await text(request.body);
      return answer(503);
    };
    expect((await run(upstream, { retryOn: '5xx' }, get({ method: 'POST', body: chunks() }))).seen.length).toBe(1);
  });

  it('does not try again with a body beyond the limit that is here whole, and counts it', async () => {
    const { seen, stats } = await run(async () => answer(503), { retryOn: '5xx' }, get({ method: 'POST', body: textBody('0123456789a') }));
    expect([seen.length, stats.retriesAbandoned.value]).toEqual([1, 1]);
  });

  it('limits one try, and reports the last one', async () => {
    const { result, seen, stream } = await run(never, { retryOn: '5xx', numRetries: 2, perTryTimeout: '0.5s' });
    expect(result).toMatchObject({ flag: 'UT', codeDetails: 'upstream_per_try_timeout' });
    expect([seen.length, [...stream.flags]]).toEqual([3, ['URX']]);
  });

  it('refuses a condition that it does not know', () => {
    expect(() => compileRetry(RetryPolicy.fromJSON({ retryOn: '5xx,tuesdays' }))).toThrow('retry_on: "tuesdays" is not supported');
  });
});

describe('mirror', () => {
  it('copies method, path and body once, whatever the primary does, with or without the suffix', async () => {
    const copies: [string, string][] = [];
    const shadow: UpstreamCluster = {
      breaker: { retries: 0, mayRetry: true },
      stats: setUp(never).stats,
      send: async (request) => {
        copies.push([request.authority, await text(request.body)]);
        throw refused();
      },
    };
    const slot = { name: 'shadow', current: shadow };
    const mirrors = [true, false].map((shadowSuffix) => ({ slot, share: 1, shadowSuffix }));
    const { handle, stream, system } = setUp(async (_r, _s, n) => answer(n === 1 ? 503 : 200), { mirrors, policy: { retryOn: '5xx' } });
    const result = handle(get({ authority: 'reviews:9080', body: textBody('hello') }), stream);
    await system.clock.advance(1000);
    expect((await result).status).toBe(200);
    expect(copies).toEqual([
      ['reviews-shadow:9080', 'hello'],
      ['reviews:9080', 'hello'],
    ]);
  });
});
