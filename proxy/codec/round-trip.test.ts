/** Encode ∘ decode = identity over any cut of the bytes; any bytes → an answer or an error. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { wholeBody } from '../http/body.ts';
import { HeaderMap } from '../http/header-map.ts';
import { NO_TRAILERS } from '../http/message.ts';
import { ChunkedDecoder } from './body-decoder.ts';
import { connectionPair, echo, startServer } from './codec.fixture.ts';
import { HeadError } from './head.ts';
import { Http1Client } from './http1-client.ts';
import { parseRequestHead } from './request-head.ts';

const get = {
  method: 'GET',
  scheme: 'http',
  authority: 'a',
  path: '/p',
  headers: HeaderMap.EMPTY,
  body: wholeBody(new Uint8Array(0)),
  trailers: NO_TRAILERS,
} as const;

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

test.each([
  ['malformed', 'HTTP/1.1 2x0 OK\r\n\r\n', 'UPE'],
  ['an unasked 101', 'HTTP/1.1 101 Go\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n', 'UPE'],
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

test('bytes that nobody asked for close the connection', async () => {
  const [near, far] = connectionPair();
  const client = new Http1Client(near, { maxHeadBytes: 61_440 });
  const closed = new Promise<void>((resolve) => client.onClosed(resolve));
  far.write('HTTP/1.1 200 OK\r\n\r\n');
  await closed;
  expect(client.closed).toBe(true);
});
