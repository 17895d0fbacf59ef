import fc from 'fast-check';
import { expect, test } from 'vitest';
import { MetricRegistry } from '#system/metric-registry.ts';
import { EMPTY_BODY } from '../../http/body.ts';
import { HeaderMap } from '../../http/header-map.ts';
import { http2Numbers } from '../../http/http2/http2-numbers.ts';
import { HTTP2_DEFAULTS } from '../../http/http2/http2-options.ts';
import { type HttpRequest, NO_TRAILERS } from '../../http/message.ts';
import { StreamError } from '../../http/stream-error.ts';
import { settle, simulatedClock } from '../../system/simulated-clock.ts';
import { FORBIDDEN_TRAILERS } from '../body-decoder.ts';
import { connectionPair, echo, served } from '../codec.fixture.ts';
import { Http2Client } from './http2-client.ts';
import { Http2Server } from './http2-server.ts';
import { Peer } from './peer.fixture.ts';

const AT = { address: '127.0.0.1', port: 1 };
const REQUEST: HttpRequest = {
  method: 'GET',
  scheme: 'http',
  authority: 'a',
  path: '/',
  headers: HeaderMap.EMPTY,
  body: EMPTY_BODY,
  trailers: NO_TRAILERS,
};

const start = () => {
  const [near, far] = connectionPair();
  const clock = simulatedClock();
  const counted = { received: { value: 0 }, sent: { value: 0 } };
  const numbers = http2Numbers(new MetricRegistry().scope('http2'), '');
  const ends: StreamError[] = [];
  const client = new Http2Client(
    near,
    { options: HTTP2_DEFAULTS, numbers, clock, maxHeaders: 100, maxHeadBytes: 80 * 1024, ...counted },
    { ready: () => {}, roomChanged: () => {}, leaving: () => {}, closed: ({ failure }) => void ends.push(failure) },
  );
  return { client, near, far, clock, numbers, ends };
};

const pieces = (sizes: readonly number[]) => ({
  async *[Symbol.asyncIterator]() {
    for (const [index, size] of sizes.entries()) yield Buffer.alloc(size, index);
  },
});

test('any fields, bodies and trailers come to the other end as they were sent, and back', async () => {
  const name = fc.constantFrom('x-a', 'x-b', 'accept', 'authorization', 'x-request-id');
  const value = fc.string({ maxLength: 40, unit: fc.integer({ min: 33, max: 126 }).map((code) => String.fromCharCode(code)) });
  const fields = fc.array(fc.tuple(name, value), { maxLength: 8 }).map((all) => all.flat());
  const sizes = fc.array(fc.integer({ min: 1, max: 60_000 }), { maxLength: 6 });
  await fc.assert(
    fc.asyncProperty(fc.array(fc.record({ fields, sizes, trailers: fields }), { minLength: 1, maxLength: 6 }), async (requests) => {
      const { client, far, clock } = start();
      new Http2Server(
        far,
        served(async (request) => ({ ...(await echo(request, {} as never)), headers: request.headers }), {}, undefined),
        { id: 1, local: AT, remote: AT },
        clock,
      );
      await settle();
      const signal = new AbortController().signal;
      const answers = requests.map(async ({ fields: flat, sizes: all, trailers }) => {
        const sent = {
          ...REQUEST,
          method: 'POST',
          headers: new HeaderMap(flat),
          body: pieces(all),
          trailers: Promise.resolve(new HeaderMap(trailers)),
        };
        const response = await client.open(sent, () => {}).begin(signal);
        const read: Uint8Array[] = [];
        for await (const piece of response.body) read.push(piece);
        return [
          response.headers.flat,
          Buffer.concat(read).equals(Buffer.concat(all.map((size, index) => Buffer.alloc(size, index)))),
          (await response.trailers).flat,
        ];
      });
      const kept = (flat: readonly string[]) =>
        flat.flatMap((each, at) => (at % 2 === 0 && !FORBIDDEN_TRAILERS.has(each) ? [each, flat[at + 1] as string] : []));
      expect(await Promise.all(answers)).toEqual(requests.map((each) => [each.fields, true, kept(each.trailers)]));
    }),
    { numRuns: 40 },
  );
});

test('any bytes of a host end in an answer or in a failure that has a flag, and in no error', async () => {
  const frames = fc.array(
    fc.record({
      type: fc.integer({ min: 0, max: 10 }),
      flags: fc.integer({ min: 0, max: 255 }),
      id: fc.integer({ min: 0, max: 4 }),
      payload: fc.oneof(fc.uint8Array({ maxLength: 40 }), fc.constant(Buffer.from([0x88])), fc.constant(Buffer.alloc(8))),
    }),
    { maxLength: 12 },
  );
  await fc.assert(
    fc.asyncProperty(frames, async (all) => {
      const { client, far } = start();
      const peer = new Peer(far).settings();
      await settle();
      const call = client
        .open(REQUEST, () => {})
        .begin(new AbortController().signal)
        .catch((error: StreamError) => error);
      for (const { type, flags, id, payload } of all) peer.frame(type, flags, id, payload);
      await settle();
      client.close();
      const outcome = await call;
      if (outcome instanceof StreamError) return;
      const { body } = outcome;
      const read = async () => {
        for await (const _piece of body);
      };
      await read().catch((error: unknown) => expect(error).toBeInstanceOf(StreamError));
    }),
    { numRuns: 200 },
  );
});
