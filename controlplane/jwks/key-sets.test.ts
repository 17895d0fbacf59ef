import { expect, onTestFinished, test } from 'vitest';
import type { SocketAddress } from '#system/network.ts';
import { type SimulatedSystem, simulatedSystem } from '#system/simulated-system.ts';
import { KeySets, type WantedKeySet } from './key-sets.ts';

const AT = { address: '10.0.0.9', port: 8000 };
const RSA = { kty: 'RSA', kid: 'a', n: '0xObjM0UvS_oaazjpEYlAbwctEJ4L8pH3OuTb7qth7gUwqet', e: 'AQAB' };
const keys = (...kids: string[]): string => JSON.stringify({ keys: kids.map((kid) => ({ ...RSA, kid })) });
const ok = (body: string): string => `HTTP/1.1 200 OK\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
const MINUTES = 60_000;

/** A world with a server; what it answers can change, and what it was asked is kept. */
const world = async (answer: (request: string) => string | undefined, at: SocketAddress = AT) => {
  const system = simulatedSystem();
  const server = { answer, asked: [] as string[] };
  await system.network.listen(at, (connection) => {
    connection.once('data', (bytes: Buffer) => {
      const request = String(bytes);
      server.asked.push(request.slice(0, request.indexOf('\r\n')));
      const said = server.answer(request);
      if (said !== undefined) connection.write(said);
    });
  });
  return { system, server };
};

const keeping = (system: SimulatedSystem, own: readonly SocketAddress[] = [], endpoints: Record<string, readonly SocketAddress[]> = {}) => {
  let changes = 0;
  const sets = new KeySets(system, { own: () => own, endpointsOf: (host) => endpoints[host] }, () => changes++);
  onTestFinished(() => sets[Symbol.dispose]());
  return { sets, changes: () => changes };
};

const from = (url: string, kind: WantedKeySet['kind'] = 'key set'): WantedKeySet => ({ id: `${kind} ${url}`, kind, url, timeoutMs: 5_000 });
const JWKS = 'http://10.0.0.9:8000/jwks';
const reasons = ({ events }: SimulatedSystem): unknown[] =>
  events.filter(({ event }) => event === 'jwks.fetch-failed').map(({ fields }) => fields.reason);

test('keys are fetched at once, told of once, and asked for again after about twenty minutes', async () => {
  const { system, server } = await world(() => ok(keys('a')));
  const { sets, changes } = keeping(system);
  sets.want([from(JWKS)]);
  await system.clock.advance(100);
  expect(sets.current()).toEqual({ [`key set ${JWKS}`]: keys('a') });
  expect(server.asked).toEqual(['GET /jwks HTTP/1.1']);
  await system.clock.advance(17 * MINUTES);
  expect(server.asked).toHaveLength(1);
  await system.clock.advance(6 * MINUTES);
  expect(server.asked).toHaveLength(2);
  expect(changes()).toBe(1);
  server.answer = () => ok(keys('a', 'b'));
  await system.clock.advance(23 * MINUTES);
  expect(sets.current()).toEqual({ [`key set ${JWKS}`]: keys('a', 'b') });
  expect(changes()).toBe(2);
});

test('a removed key is gone after the next renewal', async () => {
  const { system, server } = await world(() => ok(keys('old', 'new')));
  const { sets } = keeping(system);
  sets.want([from(JWKS)]);
  await system.clock.advance(100);
  server.answer = () => ok(keys('new'));
  await system.clock.advance(23 * MINUTES);
  expect(Object.values(sets.current())).toEqual([keys('new')]);
});

test('a source that fails keeps its last good keys, is tried again ever more slowly, and is not believed for ever', async () => {
  const { system, server } = await world(() => ok(keys('a')));
  const { sets, changes } = keeping(system);
  sets.want([from(JWKS)]);
  await system.clock.advance(100);
  server.answer = () => 'HTTP/1.1 503 Nope\r\ncontent-length: 6\r\n\r\nsecret';
  server.asked.length = 0;
  await system.clock.advance(24 * MINUTES);
  expect(sets.current()).toEqual({ [`key set ${JWKS}`]: keys('a') });
  const early = server.asked.length;
  expect(early).toBeGreaterThan(4);
  await system.clock.advance(60 * MINUTES);
  expect(server.asked.length - early).toBeLessThan(18);
  expect(reasons(system)[0]).toBe('answered 503');
  expect(JSON.stringify(system.events)).not.toContain('secret');
  await system.clock.advance(8 * 24 * 60 * MINUTES);
  expect(sets.current()).toEqual({});
  expect(changes()).toBe(2);
});

test('before the first answer there are no keys, and none of another source', async () => {
  const { system } = await world(() => undefined);
  const { sets, changes } = keeping(system);
  sets.want([from(JWKS)]);
  await system.clock.advance(6_000);
  expect(sets.current()).toEqual({});
  expect(changes()).toBe(0);
  expect(reasons(system)).toEqual(['no answer within 5000 ms']);
});

test('a source that nobody uses any more is neither asked nor remembered', async () => {
  const { system, server } = await world(() => ok(keys('a')));
  const { sets } = keeping(system);
  sets.want([from(JWKS)]);
  await system.clock.advance(100);
  sets.want([]);
  expect(sets.current()).toEqual({});
  await system.clock.advance(60 * MINUTES);
  expect(server.asked).toHaveLength(1);
});

test('an issuer tells where its keys are', async () => {
  const { system, server } = await world((request) =>
    request.includes('.well-known') ? ok(JSON.stringify({ issuer: 'x', jwks_uri: 'http://10.0.0.9:8000/keys' })) : ok(keys('a')),
  );
  const { sets } = keeping(system);
  sets.want([from('http://10.0.0.9:8000/', 'issuer')]);
  await system.clock.advance(100);
  expect(server.asked).toEqual(['GET /.well-known/openid-configuration HTTP/1.1', 'GET /keys HTTP/1.1']);
  expect(Object.values(sets.current())).toEqual([keys('a')]);
});

test('a service of the mesh is dialled where it runs', async () => {
  const { system } = await world(() => ok(keys('a')));
  const { sets } = keeping(system, [], { 'issuer.default.svc.cluster.local': [AT] });
  sets.want([from('http://issuer.default.svc.cluster.local:80/jwks')]);
  await system.clock.advance(100);
  expect(Object.values(sets.current())).toEqual([keys('a')]);
});

test.each([
  ['HTML', ok('<html>'), 'not JSON'],
  ['JSON of another kind', ok('{"a":1}'), 'not a key set'],
  ['nothing', ok(''), 'not JSON'],
  ['no key', ok('{"keys":[]}'), 'no public key in it'],
  ['a shared secret', ok('{"keys":[{"kty":"oct","k":"c2VjcmV0"}]}'), 'no public key in it'],
  ['a key that is none', ok('{"keys":[{"kty":"EC","crv":"P-256","x":"AA","y":"AA"},{"kty":"RSA"},{"kty":"none"}]}'), 'no public key in it'],
  ['too many keys', ok(keys(...Array.from({ length: 101 }, String))), 'more than 100 keys'],
  ['ten MiB', ok('x'.repeat(10 << 20)), 'more than 1048576 bytes'],
  ['what is no HTTP', 'hello\r\n\r\n', 'the exchange failed: HPE_INVALID_CONSTANT'],
  ['an error', 'HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n', 'answered 404'],
  [
    'another host',
    'HTTP/1.1 302 Found\r\nlocation: http://10.0.0.8:8000/jwks\r\ncontent-length: 0\r\n\r\n',
    'redirected to another host, port or scheme',
  ],
  [
    'another port',
    'HTTP/1.1 302 Found\r\nlocation: http://10.0.0.9:8001/jwks\r\ncontent-length: 0\r\n\r\n',
    'redirected to another host, port or scheme',
  ],
  ['a file', 'HTTP/1.1 302 Found\r\nlocation: file:///etc/passwd\r\ncontent-length: 0\r\n\r\n', 'not an http or https address'],
  ['itself', 'HTTP/1.1 302 Found\r\nlocation: /jwks\r\ncontent-length: 0\r\n\r\n', 'redirected too often'],
])('refused: an answer that is %s', async (_, answer, reason) => {
  const { system } = await world(() => answer);
  const { sets } = keeping(system);
  sets.want([from(JWKS)]);
  await system.clock.advance(900);
  expect(reasons(system)).toEqual([reason]);
  expect(sets.current()).toEqual({});
});

test('a path of the same server may be another one', async () => {
  const { system } = await world((request) =>
    request.includes('/jwks') ? 'HTTP/1.1 307 T\r\nlocation: /v2\r\ncontent-length: 0\r\n\r\n' : ok(keys('a')),
  );
  const { sets } = keeping(system);
  sets.want([from(JWKS)]);
  await system.clock.advance(100);
  expect(Object.values(sets.current())).toEqual([keys('a')]);
});

test('what only the owner of a key may know is not passed on', async () => {
  const { system } = await world(() => ok(JSON.stringify({ keys: [{ ...RSA, d: 'private', p: 'private' }] })));
  const { sets } = keeping(system);
  sets.want([from(JWKS)]);
  await system.clock.advance(100);
  expect(Object.values(sets.current())).toEqual([keys('a')]);
});

const OWN = { address: '127.0.0.1', port: 15_010 };

test.each([
  ['169.254.169.254', 80],
  ['[fe80::1]', 80],
  ['[::ffff:169.254.169.254]', 80],
  ['0.0.0.0', 8000],
  ['127.0.0.1', OWN.port],
  ['127.9.9.9', OWN.port],
  ['metadata.example', 80],
  ['own.example', OWN.port],
  ['half.example', 8000],
])('never dialled: %s:%i', async (host, port) => {
  const dialled: SocketAddress[] = [];
  const { system } = await world(() => ok(keys('a')));
  system.world.network.names.set('metadata.example', ['169.254.169.254']).set('own.example', ['127.0.0.1']);
  system.world.network.names.set('half.example', [AT.address, '169.254.169.254']);
  const connect = system.network.connect;
  const watched = (to: SocketAddress, options: never) => {
    dialled.push(to);
    return connect(to, options);
  };
  Object.assign(system.network, { connect: watched });
  const { sets } = keeping(system, [OWN]);
  sets.want([from(`http://${host}:${port}/jwks`)]);
  await system.clock.advance(900);
  expect(reasons(system)).toEqual(['its address is one that is never dialled']);
  expect(dialled).toEqual([]);
});

test('a name is looked up anew each time, so that a later answer of the resolver is judged too', async () => {
  const { system } = await world(() => ok(keys('a')));
  system.world.network.names.set('issuer.example', [AT.address]);
  const { sets } = keeping(system);
  sets.want([from('http://issuer.example:8000/jwks')]);
  await system.clock.advance(100);
  system.world.network.names.set('issuer.example', ['169.254.169.254']);
  await system.clock.advance(23 * MINUTES);
  expect(reasons(system)[0]).toBe('its address is one that is never dialled');
  expect(Object.values(sets.current())).toEqual([keys('a')]);
});

test.each(['ftp://10.0.0.9/jwks', 'not an address', 'http://user:pw@10.0.0.9/jwks'])('no address of keys: %s', async (url) => {
  const { system } = await world(() => ok(keys('a')));
  const { sets } = keeping(system);
  sets.want([from(url)]);
  await system.clock.advance(900);
  expect(reasons(system)).toHaveLength(1);
  expect(sets.current()).toEqual({});
});
