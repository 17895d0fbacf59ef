/** Encode ∘ decode = identity over any cut of the bytes; any bytes → an answer or an error. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { wholeBody } from '../http/body.ts';
import type { Handler } from '../http/filter.ts';
import { HeaderMap } from '../http/header-map.ts';
import { NO_TRAILERS } from '../http/message.ts';
import type { StreamError } from '../http/stream-error.ts';
import { ChunkedDecoder } from './body-decoder.ts';
import { connectionPair, echo, readAll, startServer } from './codec.fixture.ts';
import { HeadError } from './head.ts';
import { Http1Client } from './http1-client.ts';
import { parseRequestHead } from './request-head.ts';
import { requestHead } from './request-text.ts';
import { parseResponseHead } from './response-head.ts';
import { responseHead } from './response-text.ts';

const get = {
  method: 'GET',
  scheme: 'http',
  authority: 'a',
  path: '/p',
  headers: HeaderMap.EMPTY,
  body: wholeBody(new Uint8Array(0)),
  trailers: NO_TRAILERS,
} as const;

const ANSWER = { status: 200, headers: HeaderMap.EMPTY, body: wholeBody(new Uint8Array(3)), trailers: NO_TRAILERS };

const bytesOf = async (body: AsyncIterable<Uint8Array>): Promise<Buffer> => {
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) chunks.push(chunk);
  return Buffer.concat(chunks);
};

test('a chunked body is the same however its bytes are cut', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ minLength: 1, maxLength: 40 })), fc.integer({ min: 1, max: 9 }), (chunks, step) => {
      const wire = Buffer.concat([
        ...chunks.flatMap((chunk) => [Buffer.from(`${chunk.length.toString(16)}\r\n`), chunk, Buffer.from('\r\n')]),
        Buffer.from('0\r\n\r\n'),
      ]);
      const decoder = new ChunkedDecoder();
      const out: Uint8Array[] = [];
      for (let at = 0; at < wire.length; at += step) decoder.feed(wire.subarray(at, at + step), 0, out);
      expect(decoder.done).toBe(true);
      expect(Buffer.concat(out).equals(Buffer.concat(chunks))).toBe(true);
    }),
    { numRuns: 100 },
  );
});

test('any text is a head or a HeadError', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      try {
        parseRequestHead(`GET / HTTP/1.1\r\n${Buffer.from(bytes).toString('latin1')}`, { maxHeaders: 100 });
      } catch (error) {
        expect(error).toBeInstanceOf(HeadError);
      }
    }),
    { numRuns: 300 },
  );
});

test('a body comes back as it went, and the connection is idle again', async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 100_000 }), async (bytes) => {
      const client = new Http1Client(startServer(echo), { maxHeadBytes: 61_440 });
      const response = await client.send({ ...get, method: 'POST', body: wholeBody(bytes) }, undefined);
      expect((await bytesOf(response.body)).equals(Buffer.from(bytes))).toBe(true);
      expect(client.busy).toBe(false);
    }),
    { numRuns: 20 },
  );
});

const NOTHING = new Uint8Array(0);

/** Echoes once it has heard all: an answer before that would end the connection. */
const patientEcho: Handler = async (request, stream) =>
  echo({ ...request, body: wholeBody(await bytesOf(request.body).catch(() => NOTHING)) }, stream);

/** Everything the server says to bytes that arrive in those pieces. leaves: the client closes behind them. */
const said = async (bytes: Buffer, cuts: readonly number[], leaves: boolean): Promise<string> => {
  const client = startServer(patientEcho);
  let at = 0;
  for (const cut of cuts) {
    client.write(bytes.subarray(at, at + cut));
    at += cut;
    await new Promise(setImmediate);
  }
  client.write(bytes.subarray(at));
  if (leaves) client.end();
  return readAll(client);
};

const CONVERSATIONS = [
  'GET /1 HTTP/1.1\r\nHost: a\r\nX: y\r\n\r\nPOST /2 HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhelloGET /3 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n',
  'POST /c HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n5;e=1\r\nhello\r\n00b\r\n wide world\r\n0\r\nx: 1\r\n\r\n',
  'POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
  '\r\n\r\nGET http://b:1/q?x HTTP/1.1\r\nHost: a\r\nConnection: close, x-z\r\nX-Z: 1\r\n\r\n',
];

/** What is said, whatever marks it off. */
const essence = (text: string): string[] => text.match(/HTTP\/1\.1 \d+|x-path: \S+|hello( wide world)?|Bad Request/g) ?? [];

test('the answers to a conversation are the same however its bytes are cut', async () => {
  for (const text of CONVERSATIONS) {
    const bytes = Buffer.from(text, 'latin1');
    const whole = essence((await said(bytes, [], false)).replace(/\r\n[0-9a-f]+\r\n/g, ''));
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 1, max: 40 }), { maxLength: 30 }), async (cuts) => {
        expect(essence((await said(bytes, cuts, false)).replace(/\r\n[0-9a-f]+\r\n/g, ''))).toEqual(whole);
      }),
      { numRuns: 25 },
    );
  }
});

const TOKENS = [
  'GET',
  'POST',
  ' ',
  '/',
  'HTTP/1.1',
  '\r\n',
  '\r',
  '\n',
  '\0',
  ':',
  'Host: a',
  'Content-Length: ',
  '5',
  '-',
  'Transfer-Encoding: chunked',
  'Connection: ',
  'upgrade',
  'Upgrade: websocket',
  'x',
  '\xff',
  '\t',
  ',',
  ';',
  '0\r\n\r\n',
  '*',
  '#',
  '%00',
  'Expect: 100-continue',
];
const hostile = fc.oneof(
  fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
  fc.array(fc.constantFrom(...TOKENS), { maxLength: 60 }).map((words) => Buffer.from(words.join(''), 'latin1')),
  fc
    .array(fc.constantFrom(...TOKENS), { maxLength: 40 })
    .map((words) => Buffer.from(`POST / HTTP/1.1\r\nHost: a\r\n${words.join('')}`, 'latin1')),
);

test('whatever bytes a client sends, the server answers or hangs up: nothing is thrown', async () => {
  await fc.assert(
    fc.asyncProperty(hostile, fc.array(fc.integer({ min: 1, max: 60 }), { maxLength: 6 }), async (bytes, cuts) => {
      expect(await said(bytes, cuts, true)).toMatch(/^(HTTP\/1\.1 \d{3} |$)/);
    }),
    { numRuns: 400 },
  );
});

test('whatever bytes upstream sends, the request is answered or fails with its flag: nothing else is thrown', async () => {
  await fc.assert(
    fc.asyncProperty(hostile, fc.boolean(), async (bytes, begun) => {
      const [near, far] = connectionPair();
      const answer = new Http1Client(near, { maxHeadBytes: 61_440 }).send(get, undefined).then(async (response) => bytesOf(response.body));
      far.end(begun ? Buffer.concat([Buffer.from('HTTP/1.1 200 OK\r\n'), bytes]) : bytes);
      const outcome = await answer.catch((error: unknown) => error);
      if (!Buffer.isBuffer(outcome)) expect(['UC', 'UPE']).toContain((outcome as StreamError).flag);
    }),
    { numRuns: 400 },
  );
});

const tchar = fc.constantFrom(...'abcxyz019!#$%&*+-.^_|~');
const name = fc.array(tchar, { minLength: 1, maxLength: 12 }).map((chars) => `q${chars.join('')}`);
const value = fc
  .array(
    fc.integer({ min: 33, max: 255 }).filter((code) => code !== 127),
    { maxLength: 20 },
  )
  .map((codes) => String.fromCharCode(...codes));

test('a head that is read, written and read again is the same head', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(name, value), { maxLength: 20 }), fc.constantFrom('/', '/a?b=c', '/%41//x'), (fields, path) => {
      const wire = `PUT ${path} HTTP/1.1\r\nHost: a:1\r\n${fields.map(([key, text]) => `${key}: ${text}\r\n`).join('')}`;
      const once = parseRequestHead(wire, { maxHeaders: 100 });
      const written = requestHead(
        { ...get, method: once.method, path: once.path, authority: once.authority, headers: once.headers },
        0,
      ).text;
      const twice = parseRequestHead(written.slice(0, -2), { maxHeaders: 100 });
      expect(once.headers.flat).toEqual(fields.flat());
      expect(twice.headers.flat).toEqual([...once.headers.flat, 'content-length', '0']);
      expect([twice.method, twice.path, twice.authority]).toEqual(['PUT', path, 'a:1']);
    }),
    { numRuns: 200 },
  );
});

test('an answer head that is written and read again is the same head', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(name, value), { maxLength: 20 }), fc.constantFrom(200, 404, 503), (fields, status) => {
      const written = responseHead({ ...ANSWER, status, headers: new HeaderMap(fields.flat()) }, { close: false, length: 3 }).text;
      const read = parseResponseHead(written.slice(0, -2), { maxHeaders: 100 });
      expect(read.status).toBe(status);
      expect(read.headers.flat).toEqual([...fields.flat(), 'content-length', '3']);
    }),
    { numRuns: 200 },
  );
});

test.each([
  [
    { status: 200, fields: ['content-length', '5', 'transfer-encoding', 'chunked'] },
    /transfer-encoding: chunked\r\n\r\n$/,
    /content-length/,
  ],
  [{ status: 204, fields: ['content-length', '5'] }, /204/, /content-length|transfer-encoding/],
  [{ status: 304, fields: ['content-length', '5'] }, /content-length: 5/, /transfer-encoding/],
])('framing is decided by the writer: %j', ({ status, fields }, has, hasNot) => {
  const { text } = responseHead({ ...ANSWER, status, headers: new HeaderMap(fields) }, { close: false, length: 3 });
  expect(text).toMatch(has);
  expect(text).not.toMatch(hasNot);
});

test.each([
  ['malformed', 'HTTP/1.1 2x0 OK\r\n\r\n', 'UPE'],
  ['an unasked 101', 'HTTP/1.1 101 Go\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n', 'UPE'],
  ['204 with a body', 'HTTP/1.1 204 No\r\ncontent-length: 1\r\n\r\nx', 'UPE'],
  ['broken in its first chunk', 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n', 'UPE'],
  ['both framings', 'HTTP/1.1 200 OK\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n', 'UPE'],
])('an answer that is %s ends the request with its flag', async (_, bytes, flag) => {
  const [near, far] = connectionPair();
  const answer = new Http1Client(near, { maxHeadBytes: 61_440 }).send(get, undefined);
  far.write(bytes);
  await expect(answer).rejects.toMatchObject({ flag });
});

test('an upstream that leaves before its head is UC', async () => {
  const [near, far] = connectionPair();
  const answer = new Http1Client(near, { maxHeadBytes: 61_440 }).send(get, undefined);
  far.end();
  await expect(answer).rejects.toMatchObject({ flag: 'UC', status: 503 });
});

test('an upstream that leaves in the middle broke the protocol, before its head ended or after', async () => {
  const [near, far] = connectionPair();
  const answer = new Http1Client(near, { maxHeadBytes: 61_440 }).send(get, undefined);
  far.end('HTTP/1.1 200 O');
  await expect(answer).rejects.toMatchObject({ flag: 'UPE', status: 502 });
  const [near2, far2] = connectionPair();
  const begun = new Http1Client(near2, { maxHeadBytes: 61_440 }).send(get, undefined);
  far2.end('HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhe');
  const { body } = await begun;
  await expect(bytesOf(body)).rejects.toMatchObject({ codeDetails: 'upstream_reset_after_response_started{protocol_error}' });
});

test('bytes that nobody asked for close the connection', async () => {
  const [near, far] = connectionPair();
  const client = new Http1Client(near, { maxHeadBytes: 61_440 });
  const closed = new Promise((resolve) => client.onClosed(resolve));
  far.write('HTTP/1.1 200 OK\r\n\r\n');
  expect(await closed).toEqual({ by: 'local', isBusy: false });
  expect(client.closed).toBe(true);
});
