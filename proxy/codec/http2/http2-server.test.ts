import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Handler } from '../../http/filter.ts';
import { HeaderMap } from '../../http/header-map.ts';
import { type HttpRequest, NO_TRAILERS } from '../../http/message.ts';
import type { ServerSettings } from '../../http/serve.ts';
import type { StreamInfo } from '../../http/stream-info.ts';
import { settle, simulatedClock } from '../../system/simulated-clock.ts';
import { connectionPair, echo, fixedAnswer, served } from '../codec.fixture.ts';
import { ERROR } from './errors.ts';
import { FLAG, FRAME, numbers, PREFACE, SETTING } from './frames.ts';
import { Http2Server } from './http2-server.ts';
import { GET, Peer, POST } from './peer.fixture.ts';

const AT = { address: '127.0.0.1', port: 1 };

const start = (handler: Handler = echo, settings: Partial<ServerSettings> = {}) => {
  const clock = simulatedClock();
  const [near, far] = connectionPair();
  const manager = served(handler, settings, undefined);
  const server = new Http2Server(near, manager, { id: 1, local: AT, remote: AT, protocol: 'HTTP/2' }, clock);
  return { clock, server, manager, near, peer: new Peer(far) };
};

/** Every request that was handed on. */
const recorder = (handler: Handler = echo) => {
  const requests: HttpRequest[] = [];
  const streams: StreamInfo[] = [];
  const record: Handler = (request, stream) => {
    requests.push(request);
    streams.push(stream);
    return handler(request, stream);
  };
  return { requests, streams, record };
};

const never: Handler = () => new Promise(() => {});

test('a request and its answer, with bodies and trailers both ways', async () => {
  const { requests, record } = recorder();
  const { peer } = start(record);
  peer
    .hello()
    .headers(1, [...POST, 'te', 'trailers', 'cookie', 'a=1', 'x-a', 'b', 'cookie', 'b=2'], 'more')
    .data(1, 'hello', 'more');
  peer.headers(1, ['x-sum', '5']);
  await settle();
  expect(requests[0]).toMatchObject({ method: 'POST', authority: 'a', path: '/', scheme: 'http' });
  expect(requests[0]?.headers.flat).toEqual(['te', 'trailers', 'cookie', 'a=1; b=2', 'x-a', 'b']);
  expect(peer.answer(1)).toEqual({ status: '200', text: 'hello', end: 'whole' });
  expect(peer.of('headers', 1).at(-1)?.fields).toEqual(['x-sum', '5']);
});

test('what arrives byte by byte is understood as what arrives at once', async () => {
  const { peer } = start();
  const said = new Peer(connectionPair()[0]);
  const bytes = Buffer.concat([PREFACE, Buffer.from('000000040000000000', 'hex')]);
  for (const byte of bytes) peer.raw(Buffer.from([byte]));
  const block = said.block(GET);
  const head = Buffer.from([0, 0, block.length, FRAME.headers, FLAG.endHeaders | FLAG.endStream, 0, 0, 0, 1]);
  for (const byte of Buffer.concat([head, block])) peer.raw(Buffer.from([byte]));
  await settle();
  expect(peer.answer(1)).toEqual({ status: '200', text: '', end: 'whole' });
});

test('HEAD, and statuses without a body, get a head alone', async () => {
  const { peer } = start(fixedAnswer('hello'));
  peer.hello().headers(1, [':method', 'HEAD', ...GET.slice(2)]);
  await settle();
  expect([peer.answer(1), peer.of('data').length]).toEqual([{ status: '200', text: '', end: 'whole' }, 0]);
});

describe('malformed requests are reset and handed to nobody', () => {
  test.each<[string, readonly string[]]>([
    ['no :method', GET.slice(2)],
    ['two :path', [...GET, ':path', '/x']],
    ['an unknown pseudo-field', [...GET, ':x', '1']],
    [':status', [...GET, ':status', '200']],
    ['a pseudo-field after a field', [...GET.slice(0, 6), 'x', 'y', ':path', '/']],
    ['an empty path', [...GET.slice(0, 6), ':path', '']],
    ['a space in the path', [...GET.slice(0, 6), ':path', '/ HTTP/1.1']],
    ['a line end in the path', [...GET.slice(0, 6), ':path', '/\r\nx: y']],
    ['another scheme', [':method', 'GET', ':scheme', 'http://x/?', ...GET.slice(4)]],
    ['a method with a line end', [':method', 'GET / HTTP/1.1\r\nx:', ...GET.slice(2)]],
    ['a capital letter', [...GET, 'X-A', '1']],
    ['a name with a line end', [...GET, 'foo: bar\r\nx', '1']],
    ['a value with a line end', [...GET, 'x', 'a\r\nb: c']],
    ['connection', [...GET, 'connection', 'close']],
    ['transfer-encoding', [...GET, 'transfer-encoding', 'chunked']],
    ['upgrade', [...GET, 'upgrade', 'websocket']],
    ['te: gzip', [...GET, 'te', 'gzip']],
    ['two lengths', [...GET, 'content-length', '0', 'content-length', '1']],
    ['a length that is none', [...GET, 'content-length', '+1']],
    ['a length without its bytes', [...GET, 'content-length', '5']],
    ['two hosts', [':method', 'GET', ':scheme', 'http', ':path', '/', 'host', 'a', 'host', 'b']],
    ['an extended CONNECT', [':method', 'CONNECT', ':protocol', 'websocket', ...GET.slice(2)]],
    ['a CONNECT with a path', [':method', 'CONNECT', ':authority', 'a:1', ':path', '/']],
  ])('%s', async (_, fields) => {
    const { requests, record } = recorder();
    const { peer } = start(record);
    peer.hello().headers(1, fields).headers(3, GET);
    await settle();
    expect(peer.answer(1)).toEqual({ status: undefined, text: '', end: `reset ${ERROR.protocol}` });
    expect(requests).toHaveLength(1);
    expect(peer.answer(3).status).toBe('200');
  });

  test.each([
    ['longer', 'hello!'],
    ['shorter', 'hell'],
  ])('a body %s than its content-length', async (_, text) => {
    const { streams, record } = recorder(never);
    const { peer } = start(record);
    peer.hello().headers(1, [...POST, 'content-length', '5'], 'more');
    await settle();
    peer.data(1, text);
    await settle();
    expect(peer.answer(1).end).toBe(`reset ${ERROR.protocol}`);
    expect(streams[0]?.signal.aborted).toBe(true);
  });

  test.each([
    [':authority wins over host', [...GET, 'host', 'secret'], 'a'],
    ['host stands in', [':method', 'GET', ':scheme', 'http', ':path', '/', 'host', 'b'], 'b'],
  ])('%s, and none stays among the fields', async (_, fields, authority) => {
    const { requests, record } = recorder();
    const { peer } = start(record);
    peer.hello().headers(1, fields);
    await settle();
    expect([requests[0]?.authority, requests[0]?.headers.has('host')]).toEqual([authority, false]);
  });
});

describe('who misuses the connection loses it', () => {
  const many = (count: number, act: (peer: Peer, index: number) => void) => (peer: Peer) => {
    for (let index = 0; index < count; index++) act(peer, index);
  };
  test.each<[string, (peer: Peer) => void, number]>([
    ['CONTINUATION without end', (peer) => many(100, () => peer.frame(9, 0, 1, 'x'))(peer.frame(1, 1, 1, 'x')), ERROR.enhanceYourCalm],
    ['empty CONTINUATION', (peer) => many(10, () => peer.frame(9, 0, 1))(peer.frame(1, 1, 1, 'x')), ERROR.enhanceYourCalm],
    ['empty DATA', (peer) => many(10, () => peer.data(1, '', 'more'))(peer.headers(1, POST, 'more')), ERROR.enhanceYourCalm],
    ['rapid reset', many(300, (peer, n) => peer.headers(2 * n + 1, GET).reset(2 * n + 1, ERROR.cancel)), ERROR.enhanceYourCalm],
    [
      'made us reset',
      many(300, (peer, n) => peer.headers(2 * n + 1, POST, 'more').frame(8, 0, 2 * n + 1, numbers(0))),
      ERROR.enhanceYourCalm,
    ],
    ['PRIORITY', many(200, (peer) => peer.frame(2, 0, 3, Buffer.from([0, 0, 0, 0, 1]))), ERROR.enhanceYourCalm],
    ['WINDOW_UPDATE', many(200, (peer) => peer.frame(8, 0, 0, numbers(1))), ERROR.enhanceYourCalm],
    ['frames that nobody knows', many(20_000, (peer) => peer.frame(99, 0, 0)), ERROR.enhanceYourCalm],
    ['a window beyond the largest', (peer) => peer.frame(8, 0, 0, numbers(2 ** 31 - 1)), ERROR.flowControl],
    ['PUSH_PROMISE', (peer) => peer.frame(5, 4, 1, numbers(2)), ERROR.protocol],
    ['a frame inside a block', (peer) => peer.frame(1, 0, 1, 'x').data(1, 'x'), ERROR.protocol],
    ['an even stream', (peer) => peer.headers(2, GET), ERROR.protocol],
    ['a stream that goes back', (peer) => peer.headers(5, GET).headers(3, GET), ERROR.protocol],
    ['a frame that is too long', (peer) => peer.raw(Buffer.from('004001000000000001', 'hex')), ERROR.frameSize],
  ])('%s', async (_, act, code) => {
    const { peer } = start(never);
    peer.hello();
    act(peer);
    await settle();
    expect([peer.goaway, peer.ended]).toEqual([code, true]);
  });

  test('PING, when nobody reads the answers', async () => {
    const [near, far] = connectionPair();
    new Http2Server(near, served(echo, {}, undefined), { id: 1, local: AT, remote: AT }, simulatedClock());
    far.write(PREFACE);
    far.write(Buffer.from('000000040000000000', 'hex'));
    const ping = Buffer.from('0000080600000000000000000000000000', 'hex');
    for (let n = 0; n < 20_000 && !near.writableEnded; n++) {
      far.write(ping);
      if (n % 100 === 0) await settle();
    }
    expect(near.writableEnded).toBe(true);
  });

  test('streams beyond the limit are refused, which is safe to try again', async () => {
    const { peer } = start(never, { http2: { ...served(echo, {}, undefined).settings.http2, maxStreams: 2 } });
    peer.hello().headers(1, GET).headers(3, GET).headers(5, GET);
    await settle();
    expect([1, 3, 5].map((id) => peer.answer(id).end)).toEqual([undefined, undefined, `reset ${ERROR.refusedStream}`]);
  });

  test('fields beyond the limits are answered with 431, and the connection goes on', async () => {
    const { requests, record } = recorder();
    const { peer } = start(record);
    const many = Array.from({ length: 300 }, (_, n) => [`x-${n}`, 'y']).flat();
    peer
      .hello()
      .headers(1, [...GET, ...many])
      .headers(3, GET);
    await settle();
    expect([peer.answer(1).status, peer.answer(3).status, requests.length]).toEqual(['431', '200', 1]);
  });

  test('any bytes after the greeting end in answers, resets or a farewell, and in no error', () => {
    const bytes = fc.array(
      fc.record({
        type: fc.integer({ min: 0, max: 10 }),
        flags: fc.integer({ min: 0, max: 255 }),
        id: fc.integer({ min: 0, max: 7 }),
        payload: fc.uint8Array({ maxLength: 40 }),
      }),
    );
    fc.assert(
      fc.property(bytes, (frames) => {
        const { server, peer } = start(never);
        void peer;
        server.receive(PREFACE);
        server.receive(Buffer.from('000000040000000000', 'hex'));
        for (const { type, flags, id, payload } of frames) {
          const head = Buffer.from([0, 0, payload.length, type, flags, 0, 0, 0, id]);
          server.receive(Buffer.concat([head, payload]));
        }
      }),
      { numRuns: 300 },
    );
  });
});

describe('bodies move as they are read', () => {
  test('no more leaves than the client has room for', async () => {
    const { peer } = start(fixedAnswer('x'.repeat(100)));
    peer.hello([SETTING.streamWindow, 10]).headers(1, GET);
    await settle();
    expect(peer.answer(1)).toMatchObject({ text: 'x'.repeat(10), end: undefined });
    peer.frame(FRAME.windowUpdate, 0, 1, numbers(60));
    await settle();
    expect(peer.answer(1)).toMatchObject({ text: 'x'.repeat(70), end: undefined });
    peer.settings([SETTING.streamWindow, 40]);
    await settle();
    expect(peer.answer(1)).toMatchObject({ text: 'x'.repeat(100), end: 'whole' });
  });

  test('the client may send again what was pulled, and not before', async () => {
    let pull: () => Promise<unknown> = async () => {};
    const { peer } = start(async (request) => {
      const reader = request.body[Symbol.asyncIterator]();
      pull = () => reader.next();
      return new Promise(() => {});
    });
    peer.hello().headers(1, POST, 'more');
    await settle();
    for (let n = 0; n < 16; n++) peer.data(1, 'x'.repeat(16_384), 'more');
    await settle();
    expect(peer.of('windowUpdate', 1)).toEqual([]);
    for (let n = 0; n < 16; n++) await pull();
    await settle();
    expect(peer.of('windowUpdate', 1)).toHaveLength(1);
    for (let n = 0; n < 17; n++) peer.data(1, 'x'.repeat(16_384), 'more');
    await settle();
    expect(peer.answer(1).end).toBe(`reset ${ERROR.flowControl}`);
  });

  test('an answer that breaks off is reset, never ended', async () => {
    const { peer } = start(async () => ({
      status: 200,
      headers: HeaderMap.EMPTY,
      body: {
        async *[Symbol.asyncIterator]() {
          yield Buffer.from('half');
          throw new Error('gone');
        },
      },
      trailers: NO_TRAILERS,
    }));
    peer.hello().headers(1, GET);
    await settle();
    expect(peer.answer(1)).toEqual({ status: '200', text: 'half', end: `reset ${ERROR.internal}` });
  });

  test('an answer before the end of the request ends both', async () => {
    const { peer } = start(fixedAnswer('no'));
    peer.hello().headers(1, POST, 'more');
    await settle();
    expect(peer.answer(1)).toEqual({ status: '200', text: 'no', end: `reset ${ERROR.none}` });
    peer.data(1, 'late');
    await settle();
    expect(peer.goaway).toBeUndefined();
  });
});

describe('the end of a connection', () => {
  test('a client that leaves takes its requests back', async () => {
    const { streams, record } = recorder(never);
    const { peer } = start(record);
    peer.hello().headers(1, GET).headers(3, GET).reset(1, ERROR.cancel);
    await settle();
    expect(streams.map(({ signal }) => signal.aborted)).toEqual([true, false]);
    peer.close();
    await settle();
    expect(streams.map(({ codeDetails }) => codeDetails)).toEqual(['http2.remote_reset', 'downstream_remote_disconnect']);
  });

  test('draining: told first, then no more, and what was begun is finished', async () => {
    let answer: () => void = () => {};
    const { server, peer } = start(
      (request, stream) =>
        new Promise((resolve) => {
          answer = () => resolve(fixedAnswer('done')(request, stream));
        }),
    );
    peer.hello().headers(1, GET);
    await settle();
    server.drain();
    await settle();
    expect(peer.of('goaway').map(({ text }) => Buffer.from(text, 'latin1').readUInt32BE(0))).toEqual([2 ** 31 - 1]);
    peer
      .headers(3, GET)
      .frame(FRAME.ping, FLAG.ack, 0, Buffer.from(peer.of('ping')[0]?.text ?? '', 'latin1'))
      .headers(5, GET);
    await settle();
    expect(peer.of('goaway').map(({ text }) => Buffer.from(text, 'latin1').readUInt32BE(0))).toEqual([2 ** 31 - 1, 3]);
    expect(peer.ended).toBe(false);
    answer();
    await settle();
    expect([peer.answer(3).text, peer.answer(5).status]).toEqual(['done', undefined]);
  });

  test.each([
    ['idle', { idleTimeoutMs: 1000 }, (peer: Peer) => peer.hello(), ERROR.none],
    ['without a greeting', { headTimeoutMs: 1000 }, (peer: Peer) => peer.raw(PREFACE.subarray(0, 5)), ERROR.enhanceYourCalm],
    ['in the middle of a block', { headTimeoutMs: 1000 }, (peer: Peer) => peer.hello().frame(1, 1, 1, 'x'), ERROR.enhanceYourCalm],
  ])('one that is %s for too long ends', async (_, settings, act, code) => {
    const { clock, peer } = start(never, settings);
    act(peer);
    await clock.advance(999);
    expect(peer.goaway).toBeUndefined();
    await clock.advance(2);
    expect([peer.goaway, peer.ended]).toEqual([code, true]);
  });

  test('a stream on which nothing moves is answered, the others go on', async () => {
    const { clock, peer } = start(never, { streamIdleTimeoutMs: 1000 });
    peer.hello().headers(1, POST, 'more').headers(3, GET);
    await clock.advance(600);
    peer.data(1, 'x', 'more');
    await clock.advance(600);
    expect([peer.answer(1).status, peer.answer(3).status]).toEqual([undefined, '504']);
    await clock.advance(600);
    expect(peer.answer(1).status).toBe('408');
  });
});
