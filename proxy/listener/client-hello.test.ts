import fc from 'fast-check';
import { expect, test } from 'vitest';
import { clientHello } from '../system/tls/simulated-greeting.ts';
import { greetingOf } from './client-hello.fixture.ts';
import { readClientHello } from './client-hello.ts';

test('a greeting of OpenSSL tells its server name in lower case and its protocols, whatever its cut', async () => {
  const bytes = await greetingOf({ servername: 'Reviews.Default.SVC', ALPNProtocols: ['istio-http/1.1', 'istio', 'http/1.1'] });
  const told = { serverName: 'reviews.default.svc', protocols: ['istio-http/1.1', 'istio', 'http/1.1'] };
  expect(readClientHello(bytes)).toEqual(told);
  for (let cut = 0; cut < bytes.length; cut++) expect(readClientHello(bytes.subarray(0, cut))).toBe('incomplete');
});

test('a greeting without names tells none', async () => {
  expect(readClientHello(await greetingOf({ maxVersion: 'TLSv1.2' }))).toEqual({ serverName: '', protocols: [] });
});

test('a message in many records is one message', () => {
  const whole = clientHello('a.test', ['x']);
  const message = whole.subarray(5);
  const records = [...message].flatMap((byte) => [22, 3, 1, 0, 1, byte]);
  expect(readClientHello(Buffer.from(records))).toEqual({ serverName: 'a.test', protocols: ['x'] });
});

test.each([
  ['another record', Buffer.from([21, 3, 1, 0, 2, 1, 0])],
  ['another version', Buffer.from([22, 2, 0, 0, 2])],
  ['another message', Buffer.from([22, 3, 1, 0, 4, 2, 0, 0, 0])],
  ['an empty record', Buffer.from([22, 3, 1, 0, 0])],
  ['a message longer than anybody reads', Buffer.from([22, 3, 1, 0, 4, 1, 0xff, 0xff, 0xff])],
  ['HTTP', Buffer.from('GET / HTTP/1.1\r\n\r\n')],
])('%s is no greeting', (_, bytes) => {
  expect(readClientHello(bytes)).toBe('invalid');
});

test.each([
  ['empty', ''],
  ['not ASCII', 'a。b'],
  ['with a NUL', 'a.test\0.evil'],
  ['longer than names are', `${'a'.repeat(300)}.test`],
  ['with a trailing dot', 'a.test.'],
])('a server name that is %s is none', (_, name) => {
  expect(readClientHello(clientHello(`${name} `.trimEnd(), ['x']))).toEqual({ serverName: '', protocols: ['x'] });
});

test('hostile bytes are read or not: nothing is thrown', () => {
  const good = clientHello('a.test', ['h2', 'http/1.1']);
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { maxLength: 6 }), fc.nat(good.length), (edits, cut) => {
      const bytes = Buffer.from(good.subarray(0, cut));
      for (const [at, value] of edits) if (at < bytes.length) bytes[at] = value;
      readClientHello(bytes);
    }),
    { numRuns: 2000 },
  );
});
