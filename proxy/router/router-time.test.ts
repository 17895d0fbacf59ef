/** Deadlines, silence and what is said when they pass. */
import { describe, expect, it } from 'vitest';
import { HeaderMap } from '../http/header-map.ts';
import { StreamError } from '../http/stream-error.ts';
import { answer, get, never, outcome, refused, setUp, type Upstream } from './router.fixture.ts';

describe('max stream duration', () => {
  it('ends the exchange without a flag, in gRPC as DEADLINE_EXCEEDED', async () => {
    const { handle, stream, system } = setUp(never, { streamLimit: { ms: 100, grpcMs: undefined, grpcOffsetMs: 0 } });
    const result = outcome(handle(get(), stream));
    await system.clock.advance(100);
    expect(await result).toMatchObject({ status: 504, flagged: false, grpcStatus: 4, codeDetails: 'max_duration_timeout' });
  });

  it('takes a gRPC caller at its word, up to the limit, and tells upstream what is left of it', async () => {
    const call = (timeout: string) => get({ headers: HeaderMap.of(['content-type', 'application/grpc'], ['grpc-timeout', timeout]) });
    const { handle, seen, stream, system } = setUp(never, { streamLimit: { ms: 0, grpcMs: 300, grpcOffsetMs: 0 } });
    const [long, short] = [outcome(handle(call('9S'), stream)), outcome(handle(call('50m'), stream))];
    await system.clock.advance(50);
    expect(await short).toMatchObject({ codeDetails: 'max_duration_timeout' });
    await system.clock.advance(250);
    expect(await long).toMatchObject({ codeDetails: 'max_duration_timeout' });
    expect(seen.map(({ headers }) => headers.get('grpc-timeout'))).toEqual(['300m', '50m']);
  });
});

describe('timeout', () => {
  it('answers UT when the budget is used up, and aborts upstream', async () => {
    const { handle, stats, stream, system } = setUp(never, { timeoutMs: 1000 });
    const result = outcome(handle(get(), stream));
    await system.clock.advance(1000);
    expect(await result).toMatchObject({ flag: 'UT', status: 504, text: 'upstream request timeout', codeDetails: 'response_timeout' });
    expect(stats.timeouts.value).toBe(1);
  });

  it('bounds all tries together', async () => {
    const policy = { retryOn: '5xx', numRetries: 9, perTryTimeout: '0.4s' };
    const { handle, stream, seen, system } = setUp(never, { timeoutMs: 1000, policy });
    const result = outcome(handle(get(), stream));
    await system.clock.advance(1000);
    expect(await result).toMatchObject({ codeDetails: 'response_timeout' });
    expect(seen.length).toBeLessThanOrEqual(3);
  });

  it('runs on after the head: a body that never ends is reset', async () => {
    let signal: AbortSignal | undefined;
    const upstream: Upstream = async (_request, stream) => {
      signal = stream.signal;
      return answer(200);
    };
    const { handle, stream, system } = setUp(upstream, { timeoutMs: 1000 });
    await handle(get(), stream);
    await system.clock.advance(1000);
    expect(signal?.reason).toMatchObject({ flag: 'UT' });
  });

  it('takes the deadline of a gRPC caller, up to the bound', async () => {
    const { handle, seen, stream } = setUp(async () => answer(200), { maxGrpcTimeoutMs: 500 });
    const headers = (timeout: string) => HeaderMap.of(['content-type', 'application/grpc'], ['grpc-timeout', timeout]);
    await handle(get({ headers: headers('300m') }), stream);
    await handle(get({ headers: headers('9S') }), stream);
    expect(seen.map((request) => request.headers.get('x-envoy-expected-rq-timeout-ms'))).toEqual(['300', '500']);
  });
});

/** A body that arrives when the test says so. */
const arriving = () => {
  let end = () => {};
  const trailers = new Promise<HeaderMap>((resolve) => {
    end = () => resolve(HeaderMap.EMPTY);
  });
  const body = { ended: false, async *[Symbol.asyncIterator]() {} };
  return { body, trailers, end: () => end() };
};

describe("upstream's time", () => {
  it('counts from the end of the request', async () => {
    const { handle, stream, system } = setUp(never, { timeoutMs: 1000 });
    const { end, ...slow } = arriving();
    const result = outcome(handle(get({ method: 'POST', ...slow }), stream));
    let settled = false;
    void result.then(() => {
      settled = true;
    });
    await system.clock.advance(5000);
    end();
    await system.clock.advance(999);
    expect(settled).toBe(false);
    await system.clock.advance(1);
    expect(await result).toMatchObject({ flag: 'UT' });
  });

  it('of one try ends with the head', async () => {
    let signal: AbortSignal | undefined;
    const upstream: Upstream = async (_request, stream) => {
      signal = stream.signal;
      return { ...answer(200), body: { async *[Symbol.asyncIterator]() {} } };
    };
    const { handle, stats, stream, system } = setUp(upstream, { policy: { retryOn: '5xx', perTryTimeout: '0.5s' } });
    await handle(get(), stream);
    await system.clock.advance(1000);
    expect([signal?.aborted, stats.perTryTimeouts.value]).toEqual([false, 0]);
    expect(stream.attempts).toEqual([]);
  });
});

describe('a try in which upstream is silent', () => {
  const policy = { retryOn: '5xx', numRetries: 1, perTryIdleTimeout: '0.5s' };

  it('fails, and may be followed by another', async () => {
    const { handle, stats, seen, stream, system } = setUp(never, { policy });
    const result = outcome(handle(get(), stream));
    await system.clock.advance(2000);
    expect(await result).toMatchObject({ flag: 'UT', status: 504, codeDetails: 'upstream_per_try_idle_timeout' });
    expect([seen.length, stats.perTryIdleTimeouts.value]).toEqual([2, 2]);
  });

  it('is given up in the middle of its answer, but not while pieces come', async () => {
    const pieces: (() => void)[] = [];
    const source = {
      next: () =>
        new Promise<IteratorResult<Uint8Array>>((resolve) => pieces.push(() => resolve({ done: false, value: Buffer.from('x') }))),
    };
    let signal: AbortSignal | undefined;
    const upstream: Upstream = async (_request, stream) => {
      signal = stream.signal;
      return { ...answer(200), body: { [Symbol.asyncIterator]: () => source } };
    };
    const { handle, stream, system } = setUp(upstream, { policy });
    const response = await handle(get(), stream);
    const reader = response.body[Symbol.asyncIterator]();
    for (let i = 0; i < 3; i++) {
      const piece = reader.next();
      await system.clock.advance(400);
      pieces.shift()?.();
      await piece;
    }
    expect(signal?.aborted).toBe(false);
    await system.clock.advance(500);
    expect(signal?.reason).toMatchObject({ codeDetails: 'upstream_per_try_idle_timeout' });
  });
});

describe("this proxy's own answer", () => {
  it('says how many tries there were where answers do', async () => {
    const { handle, stream } = setUp(() => Promise.reject(refused()), { attemptCountInResponse: true });
    expect(await outcome(handle(get(), stream))).toMatchObject({ headers: [['x-envoy-attempt-count', '0']] });
  });

  it('says nothing of overload where x-envoy-… fields are kept to ourselves, and lets upstream speak for itself', async () => {
    const overflow = new StreamError('UO', { codeDetails: 'o', headers: [['x-envoy-overloaded', 'true']] });
    const full = setUp(() => Promise.reject(overflow), { envoyHeaders: false });
    expect(await outcome(full.handle(get(), full.stream))).toMatchObject({ headers: [] });
    const told = setUp(async () => answer(200, ['x-envoy-upstream-service-time', '7']), { envoyHeaders: false });
    expect((await told.handle(get(), told.stream)).headers.get('x-envoy-upstream-service-time')).toBe('7');
  });
});

describe('a gRPC deadline with an offset', () => {
  const call = (timeout: string) => get({ headers: HeaderMap.of(['content-type', 'application/grpc'], ['grpc-timeout', timeout]) });

  it('is shorter by it, unless nothing would be left', async () => {
    const { handle, seen, stream } = setUp(async () => answer(200), { maxGrpcTimeoutMs: 900, grpcOffsetMs: 100 });
    await handle(call('300m'), stream);
    await handle(call('100m'), stream);
    expect(seen.map(({ headers }) => headers.get('grpc-timeout'))).toEqual(['200m', '100m']);
  });

  it('is shorter by it for a stream, too, after the bound', async () => {
    const { handle, seen, stream } = setUp(async () => answer(200), { streamLimit: { ms: 0, grpcMs: 200, grpcOffsetMs: 50 } });
    await handle(call('5S'), stream);
    expect(seen[0]?.headers.get('grpc-timeout')).toBe('150m');
  });
});
