import { describe, expect, test } from 'vitest';
import type { Handler } from '../http/filter.ts';
import { HeaderMap } from '../http/header-map.ts';
import { NO_TRAILERS } from '../http/message.ts';
import type { ServerSettings } from '../http/serve.ts';
import { settle, simulatedClock } from '../system/simulated-clock.ts';
import { echo, fixedAnswer, readAll, startServer } from './codec.fixture.ts';

const ask = async (bytes: string, handler = echo, settings: Partial<ServerSettings> = {}): Promise<string> => {
  const client = startServer(handler, settings);
  client.write(bytes, 'latin1');
  return readAll(client);
};

const post = (rest: string): string => `POST /x HTTP/1.1\r\nHost: a\r\n${rest}`;

describe('requests that are refused', () => {
  test.each([
    ['content-length beside chunked', post('Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'), 400],
    ['two lengths', post('Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!'), 400],
    ['signed length', post('Content-Length: +5\r\n\r\nhello'), 400],
    ['a folded line', post('X: y\r\n z\r\n\r\n'), 400],
    ['a space before the colon', post('Content-Length : 5\r\n\r\nhello'), 400],
    ['a bare LF', post('x:x\nTransfer-Encoding: chunked\r\n\r\n'), 400],
    ['a NUL in a value', post('x: a\0b\r\n\r\n'), 400],
    ['a second Host', post('Host: b\r\n\r\n'), 400],
    ['no Host', 'GET / HTTP/1.1\r\n\r\n', 400],
    ['HTTP/1.0', 'GET / HTTP/1.0\r\nHost: a\r\n\r\n', 426],
    ['HTTP/2.0', 'GET / HTTP/2.0\r\nHost: a\r\n\r\n', 426],
    ['two spaces', 'GET  / HTTP/1.1\r\nHost: a\r\n\r\n', 400],
    ['a relative target', 'GET admin HTTP/1.1\r\nHost: a\r\n\r\n', 400],
    ['CONNECT', 'CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n', 404],
    ['an unknown transfer coding', post('Transfer-Encoding: gzip, chunked\r\n\r\n'), 501],
    ['a huge head', `GET / HTTP/1.1\r\nHost: a\r\nx: ${'y'.repeat(62_000)}\r\n\r\n`, 431],
    ['101 fields', `GET / HTTP/1.1\r\nHost: a\r\n${'x: y\r\n'.repeat(100)}\r\n`, 431],
    ['a bad chunk size', post('Transfer-Encoding: chunked\r\n\r\n0x5\r\nhello\r\n0\r\n\r\n'), 400],
    ['a method that nobody knows', 'FOO / HTTP/1.1\r\nHost: a\r\n\r\n', 400],
    ['HTTP/0.9', 'GET /\r\n\r\n', 426],
    ['* for anything but OPTIONS', 'GET * HTTP/1.1\r\nHost: a\r\n\r\n', 400],
    ['a target beyond ASCII', 'GET /\xe4 HTTP/1.1\r\nHost: a\r\n\r\n', 400],
    ['a fragment', 'GET /#x HTTP/1.1\r\nHost: a\r\n\r\n', 400],
    ['another scheme', 'GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n', 400],
    ['a scoped address', 'GET / HTTP/1.1\r\nHost: [fe80::1%eth0]\r\n\r\n', 400],
    ['two transfer codings', post('Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'), 501],
    ['Connection that names x-forwarded-for', 'GET / HTTP/1.1\r\nHost: a\r\nConnection: x-forwarded-for\r\n\r\n', 400],
    ['Connection that names Host', 'GET / HTTP/1.1\r\nHost: a\r\nConnection: host\r\n\r\n', 400],
    ['Connection that names ten fields', 'GET / HTTP/1.1\r\nHost: a\r\nConnection: a,b,c,d,e,f,g,h,i,j\r\n\r\n', 400],
    ['an upgrade with a body', post('Connection: upgrade\r\nUpgrade: websocket\r\nContent-Length: 2\r\n\r\nhi'), 400],
    ['trailers as long as a head', post(`Transfer-Encoding: chunked\r\n\r\n0\r\nx: ${'y'.repeat(62_000)}\r\n\r\n`), 431],
    ['a chunk extension as long as a book', post(`Transfer-Encoding: chunked\r\n\r\n5;${'y'.repeat(5000)}\r\nhello\r\n0\r\n\r\n`), 400],
    ['bytes that never were HTTP, before their line ends', '\x16\x03\x01', 400],
    ['userinfo', 'GET / HTTP/1.1\r\nHost: a@b\r\n\r\n', 400],
  ])('%s', async (_, bytes, status) => {
    const answer = await ask(bytes);
    expect(answer).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
    expect(answer.match(/HTTP\/1\.1 /g)).toHaveLength(1);
  });
});

test('two pipelined requests get two answers in order', async () => {
  const answer = await ask('GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
  expect(answer.match(/x-path: \/\d/g)).toEqual(['x-path: /1', 'x-path: /2']);
});

test('what follows a request with connection: close is never a request', async () => {
  const answer = await ask('GET /1 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\n');
  expect(answer).not.toContain('/2');
});

test('a HEAD answer has no body', async () => {
  const answer = await ask('HEAD / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n', fixedAnswer('hello'));
  expect(answer.endsWith('\r\n\r\n')).toBe(true);
});

/** Answers with the request's own fields and body. */
const mirror: Handler = async ({ headers, body, trailers }) => ({ status: 200, headers, body, trailers });

test('a body that came in chunks leaves in chunks, whole or not and whatever its extensions; trailers stay behind', async () => {
  const bytes = post('Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n0\r\nx-t: 1\r\n\r\n');
  const answer = await ask(bytes, mirror);
  expect(answer).toContain('transfer-encoding: chunked\r\n');
  expect(answer.endsWith('\r\n\r\n5\r\nhello\r\n0\r\n\r\n')).toBe(true);
});

test('trailers are kept where that is wanted, but for those that could pass for framing or identity', async () => {
  const heard = new Promise<HeaderMap>((resolve) => {
    const client = startServer(
      (request) => {
        resolve(request.trailers);
        return fixedAnswer('')(request, undefined as never);
      },
      { trailers: true },
    );
    client.write(post('Transfer-Encoding: chunked\r\n\r\n0\r\nx-t: 1\r\nHost: b\r\nAuthorization: c\r\n\r\n'));
  });
  expect((await heard).flat).toEqual(['x-t', '1']);
});

test('names with underscores are dropped or refused where that is wanted', async () => {
  const bytes = 'GET /x HTTP/1.1\r\nHost: a\r\na_b: 1\r\nConnection: close\r\n\r\n';
  let seen: readonly string[] = [];
  const look: Handler = (request, stream) => {
    seen = request.headers.flat;
    return fixedAnswer('')(request, stream);
  };
  expect(await ask(bytes, look, { underscores: 'drop' })).toMatch(/^HTTP\/1\.1 200 /);
  expect(seen).toEqual([]);
  expect(await ask(bytes, look, { underscores: 'reject' })).toMatch(/^HTTP\/1\.1 400 /);
  expect(await ask(bytes, look)).toMatch(/^HTTP\/1\.1 200 /);
  expect(seen).toEqual(['a_b', '1']);
});

test('any token is a method where that is wanted', async () => {
  const bytes = "M!#$%&'*+-.^_`|~ / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
  expect(await ask(bytes, echo, { customMethods: true })).toMatch(/^HTTP\/1\.1 200 /);
  expect(await ask(bytes)).toMatch(/^HTTP\/1\.1 400 /);
});

test('the last request that a connection may carry is answered with connection: close', async () => {
  const one = 'GET /1 HTTP/1.1\r\nHost: a\r\n\r\n';
  const answer = await ask(one + one + one, echo, { maxRequests: 2 });
  expect(answer.match(/HTTP\/1\.1 200/g)).toHaveLength(2);
  expect(answer.match(/connection: close/g)).toHaveLength(1);
});

const interimThen =
  (...statuses: readonly number[]): Handler =>
  (request, stream) => {
    for (const status of statuses) request.onInterim?.(status, HeaderMap.of(['link', '</x>']));
    return fixedAnswer('hi')(request, stream);
  };

test('the first interim answer of upstream goes through with its fields, the others do not', async () => {
  const bytes = 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n';
  const answer = await ask(bytes, interimThen(103, 103));
  expect(answer.startsWith('HTTP/1.1 103 Unknown\r\nlink: </x>\r\n\r\nHTTP/1.1 200 OK\r\n')).toBe(true);
  expect(await ask(bytes, interimThen(103), { proxy100Continue: false })).toMatch(/^HTTP\/1\.1 200 /);
});

test('Expect: 100-continue is answered by the proxy unless interim answers go through', async () => {
  const bytes = post('Expect: 100-Continue\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi');
  expect(await ask(bytes, echo, { proxy100Continue: false })).toMatch(/^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 /);
  expect(await ask(bytes)).toMatch(/^HTTP\/1\.1 200 /);
});

test('what follows a refused upgrade is never read as a request', async () => {
  const bytes = 'GET /1 HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: foo\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\n';
  const answer = await ask(bytes);
  expect(answer).toContain('connection: close');
  expect(answer).not.toContain('/2');
});

describe('time', () => {
  const never: Handler = () => new Promise(() => {});
  const run = (settings: Partial<ServerSettings>, routeIdleMs?: number) => {
    const clock = simulatedClock();
    const client = startServer(never, settings, clock, routeIdleMs);
    let text = '';
    client.on('data', (chunk: Buffer) => {
      text += chunk.toString('latin1');
    });
    let ended = false;
    client.on('end', () => {
      ended = true;
    });
    const wait = async (ms: number): Promise<{ text: string; ended: boolean }> => {
      await clock.advance(ms);
      await settle();
      return { text, ended };
    };
    return { client, wait };
  };

  test('a head has its time from its first byte on, however often a byte comes', async () => {
    const { client, wait } = run({ headTimeoutMs: 300 });
    client.write('GET / HT');
    await wait(200);
    client.write('TP/1.1\r\n');
    expect((await wait(99)).text).toBe('');
    expect((await wait(1)).text).toMatch(/^HTTP\/1\.1 408 Request Timeout\r\n.*request header timeout$/s);
  });

  test('a connection without a request is closed without a word', async () => {
    const { wait } = run({ idleTimeoutMs: 300 });
    expect(await wait(299)).toEqual({ text: '', ended: false });
    expect(await wait(1)).toEqual({ text: '', ended: true });
  });

  test('an exchange in which nothing moves is 504 when the request was whole, 408 when it was not', async () => {
    const whole = run({ streamIdleTimeoutMs: 300 });
    whole.client.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    expect((await whole.wait(300)).text).toMatch(/^HTTP\/1\.1 504 .*stream timeout$/s);
    const half = run({ streamIdleTimeoutMs: 300 });
    half.client.write(post('Content-Length: 5\r\n\r\nhe'));
    expect((await half.wait(300)).text).toMatch(/^HTTP\/1\.1 408 .*connection: close.*stream timeout$/s);
  });

  test('a body that is not whole in time is 408, however fast it moves', async () => {
    const { client, wait } = run({ requestTimeoutMs: 300 });
    client.write(post('Content-Length: 500\r\n\r\nhe'));
    await wait(200);
    client.write('llo');
    expect((await wait(99)).text).toBe('');
    expect((await wait(1)).text).toMatch(/^HTTP\/1\.1 408 .*connection: close.*request timeout$/s);
    const whole = run({ requestTimeoutMs: 300 });
    whole.client.write(post('Content-Length: 5\r\n\r\nhello'));
    expect((await whole.wait(400)).text).toBe('');
  });

  test('a route may say how long its exchanges may be still, longer or shorter than all others', async () => {
    for (const [settings, routeIdleMs, timedOutAt] of [
      [{ streamIdleTimeoutMs: 300 }, 100, 100],
      [{ streamIdleTimeoutMs: 100 }, 300, 300],
      [{}, 100, 100],
    ] as const) {
      const { client, wait } = run(settings, routeIdleMs);
      client.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
      expect((await wait(timedOutAt - 1)).text).toBe('');
      expect((await wait(1)).text).toMatch(/^HTTP\/1\.1 504 .*stream timeout$/s);
    }
    const endless = run({ streamIdleTimeoutMs: 100 }, 0);
    endless.client.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    expect((await endless.wait(5000)).text).toBe('');
  });
});

test('a client that does not read holds upstream back: what waits here is bounded', async () => {
  let pulled = 0;
  const piece = new Uint8Array(16_384);
  const endless = {
    async *[Symbol.asyncIterator]() {
      for (;;) {
        pulled += piece.length;
        yield piece;
      }
    },
  };
  const client = startServer(async () => ({ status: 200, headers: HeaderMap.EMPTY, body: endless, trailers: NO_TRAILERS }));
  client.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  for (let turn = 0; turn < 50; turn++) await settle();
  expect(pulled).toBeGreaterThan(0);
  expect(pulled).toBeLessThan(256 * 1024);
  client.destroy();
});

test('an upstream that does not read holds the client back: what waits here is bounded', async () => {
  const client = startServer(() => new Promise(() => {}));
  client.write(post('Content-Length: 10000000\r\n\r\n'));
  let sent = 0;
  const piece = Buffer.alloc(16_384);
  while (sent < 10_000_000 && client.writableLength < 64 * 1024) {
    client.write(piece);
    sent += piece.length;
    await settle();
  }
  expect(sent - client.writableLength).toBeLessThan(256 * 1024);
  client.destroy();
});
