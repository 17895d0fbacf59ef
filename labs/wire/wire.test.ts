import { once } from 'node:events';
import { createServer, connect as dial, type Socket } from 'node:net';
import { expect, test } from 'vitest';
import { filmOf } from './film.ts';
import { hexRows, marksOf } from './hex.ts';
import { readClientHello, tlsRecords } from './tls-records.ts';

const bytes = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'latin1'));
const kept = (all: Uint8Array) => ({ kept: Buffer.from(all).toString('base64'), total: all.length });

const PLAIN =
  'PROXY TCP4 127.96.1.6 240.240.0.1 20001 9080\r\nGET /reviews/0 HTTP/1.1\r\nhost: reviews:9080\r\nx-forwarded-client-cert: URI=spiffe://a\r\n\r\n';

/** What this machine's own TLS says first, with a name and a protocol. */
const clientHello = async (): Promise<Uint8Array> => {
  const { connect } = await import('node:tls');
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const accepted = once(server, 'connection');
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const client = connect({ socket: dial({ host: '127.0.0.1', port }), servername: 'reviews.example', ALPNProtocols: ['istio'] });
  client.on('error', () => undefined);
  const [socket] = (await accepted) as [Socket];
  const [hello] = (await once(socket, 'data')) as [Buffer];
  client.destroy();
  socket.destroy();
  server.close();
  return Uint8Array.from(hello);
};

test('a request in plain text: the note of the capture, the request line and the identity are found', () => {
  const all = bytes(PLAIN);
  const marked = marksOf(all).map(({ from, to, kind }) => [kind, PLAIN.slice(from, to)]);
  expect(marked).toEqual([
    ['note', 'PROXY TCP4 127.96.1.6 240.240.0.1 20001 9080'],
    ['request', 'GET /reviews/0 HTTP/1.1'],
    ['identity', 'x-forwarded-client-cert: URI=spiffe://a'],
  ]);
});

test('rows have sixteen bytes, each with its text and its mark, and what cannot be printed is a dot', () => {
  const rows = hexRows(bytes('GET / HTTP/1.1\r\n!'), [{ from: 0, to: 3, kind: 'request', words: '' }]);
  expect(rows.map(({ offset }) => offset)).toEqual(['0000', '0010']);
  expect(rows[0]?.bytes[2]).toEqual({ hex: '54', char: 'T', mark: 'request' });
  expect(rows[0]?.bytes[14]).toEqual({ hex: '0d', char: '·', mark: '' });
  expect(rows[1]?.bytes.length).toBe(1);
});

test('of a real ClientHello the name and the protocols can be read, at the place that is told', async () => {
  const hello = await clientHello();
  const read = readClientHello(hello);
  expect(read).toMatchObject({ serverName: 'reviews.example', protocols: ['istio'], offersResumption: false });
  const at = read?.serverNameAt ?? 0;
  expect(Buffer.from(hello.subarray(at, at + 15)).toString()).toBe('reviews.example');
  expect(marksOf(hello).map(({ kind, from }) => [kind, from])).toEqual([
    ['record', 0],
    ['name', at],
  ]);
});

test('the film of a connection begins with what can be read and ends with the request, which cannot', async () => {
  const record = (type: number, length: number) => [type, 3, 3, length >> 8, length & 255, ...Array.from({ length }, () => 0xaa)];
  const sent = Uint8Array.from([
    ...(await clientHello()),
    ...record(20, 1),
    ...[700, 90, 53, 117, 300].flatMap((length) => record(23, length)),
  ]);
  const serverHello = [
    22,
    3,
    3,
    0,
    50,
    2,
    0,
    0,
    46,
    3,
    3,
    ...Array.from({ length: 32 }, () => 7),
    0,
    0x13,
    0x01,
    0,
    0,
    6,
    0,
    43,
    0,
    2,
    3,
    4,
  ];
  const received = Uint8Array.from([...serverHello, ...record(23, 900)]);
  const film = filmOf({ sent: kept(sent), received: kept(received) });
  expect(film.map(({ title, isReadable }) => [title, isReadable])).toEqual([
    ['ClientHello', true],
    ['ServerHello', true],
    ['Certificate … Finished', false],
    ['Certificate … Finished', false],
    ['Your request', false],
  ]);
  expect(film[1]?.words).toContain('TLS 1.3, AES-128-GCM');
  expect(film.at(-1)?.words).toContain('the request’s 100');
});

test('cut off, damaged and foreign bytes end in fewer words, never in an error', async () => {
  const hello = await clientHello();
  for (let length = 0; length < hello.length; length += 7) readClientHello(hello.subarray(0, length));
  const noise = Uint8Array.from(hello, (byte, i) => (i > 5 ? byte ^ ((i * 37) & 255) : byte));
  readClientHello(noise);
  expect(tlsRecords(bytes('GET / HTTP/1.1'))).toEqual([]);
  expect(filmOf({ sent: kept(bytes('GET /')), received: kept(bytes('HTTP/1.1 200 OK')) })).toEqual([]);
});
