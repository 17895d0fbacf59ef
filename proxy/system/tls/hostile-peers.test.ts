/** Peers that mean harm, with Node's own TLS as the foreign client: what they show may cost little, and is never taken for what it is not. */
import { createServer, connect as tcpConnect } from 'node:net';
import { type ConnectionOptions, connect } from 'node:tls';
import { afterEach, beforeAll, expect, test } from 'vitest';
import { type TestAuthority, testAuthority } from '../../../conformance/certificates/test-authority.ts';
import { realSystem } from '../real-system.ts';
import { factsIn } from './certificate-facts.ts';
import type { CertificateFacts } from './tls-facts.ts';

const SERVER = 'spiffe://cluster.local/ns/default/sa/reviews';
const WEB = 'spiffe://cluster.local/ns/default/sa/web';

let mesh: TestAuthority;
let stranger: TestAuthority;
const closing: (() => void)[] = [];

beforeAll(async () => {
  [mesh, stranger] = await Promise.all([testAuthority('O=mesh'), testAuthority('O=stranger')]);
});

afterEach(() => {
  for (const close of closing.splice(0)) close();
});

interface Outcome {
  readonly peer?: CertificateFacts | undefined;
  readonly isResumed?: boolean;
  readonly serverName?: string;
  readonly refused?: string;
}

/** A server that wants a certificate of the mesh; outcomes in the order in which handshakes ended. */
const serve = async (roots = mesh.roots, port = 0) => {
  const { tls } = realSystem({ logLevel: 'off' });
  const pair = await mesh.issue({ uris: [SERVER] });
  const parameters = { minVersion: 'TLSv1.2', maxVersion: 'TLSv1.3', cipherSuites: [], alpn: [] } as const;
  const context = await tls.context({ ...pair, trustedRoots: roots }, parameters);
  const outcomes: Outcome[] = [];
  const server = createServer((socket) => {
    const raw = Object.assign(socket, {
      local: { address: '127.0.0.1', port: 0 },
      remote: { address: '127.0.0.1', port: 0 },
      redirectedFrom: () => undefined,
    });
    tls.accept(raw as never, context, { clientCertificate: 'required', timeoutMs: 5_000 }).then(
      (connection) => {
        const { peer, isResumed = false, serverName = '' } = connection.tls ?? {};
        outcomes.push({ peer, isResumed, serverName });
        connection.on('error', () => {});
        connection.on('data', () => {});
        connection.write('hello');
      },
      (error: Error) => outcomes.push({ refused: error.message }),
    );
  });
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  closing.push(() => server.close());
  return { outcomes, port: (server.address() as { port: number }).port };
};

/** `hello`, or why not; and what the client holds then. */
const ask = (
  port: number,
  options: ConnectionOptions,
): Promise<{ readonly text: string; readonly session?: Buffer; readonly tookMs: number }> =>
  new Promise((resolve) => {
    const startedMs = performance.now();
    const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false, ...options });
    let session: Buffer | undefined;
    const done = (text: string): void => {
      socket.destroy();
      resolve({ text, tookMs: performance.now() - startedMs, ...(session && { session }) });
    };
    socket.on('session', (ticket) => {
      session = ticket;
    });
    socket.once('data', (bytes) => setImmediate(() => done(bytes.toString())));
    socket.once('error', (error: NodeJS.ErrnoException) => done(error.code ?? error.message));
    socket.once('close', () => done('closed'));
  });

const showing = async (wishes: Parameters<TestAuthority['issue']>[0], authority = mesh): Promise<ConnectionOptions> => {
  const { certificateChain, privateKey } = await authority.issue(wishes);
  return { cert: certificateChain, key: privateKey };
};

test.each([
  ['a zero byte', `${WEB}\u0000.evil`],
  ['a comma and another name', `${WEB}, URI:spiffe://cluster.local/ns/default/sa/admin`],
  ['a quotation mark', `${WEB}", URI:"spiffe://cluster.local/ns/default/sa/admin`],
  ['a line break', `${WEB}\n, URI:spiffe://cluster.local/ns/default/sa/admin`],
])('a name with %s is one name, whole', async (_, uri) => {
  const { port, outcomes } = await serve();
  await ask(port, await showing({ uris: [uri] }));
  expect(outcomes).toMatchObject([{ peer: { uris: [uri], dnsNames: [] } }]);
});

test('a DNS name that looks like a workload is none', async () => {
  const { port, outcomes } = await serve();
  await ask(port, await showing({ dnsNames: [`a, URI:${WEB}`] }));
  expect(outcomes).toMatchObject([{ peer: { uris: [] } }]);
});

test('a certificate of more than 100 KiB, or a chain of more than 1 MiB, is refused before it is read', async () => {
  const { port, outcomes } = await serve();
  const many = await showing({ uris: Array.from({ length: 60 }, (_, n) => `${WEB}${'x'.repeat(2_000)}${n}`) });
  const good = await showing({ uris: [WEB] });
  const long = { ...good, cert: `${good.cert}${mesh.roots.repeat(2_500)}` };
  for (const options of [many, long]) expect((await ask(port, options)).text).not.toBe('hello');
  expect(outcomes).toHaveLength(2);
  for (const { refused } of outcomes) expect(refused).toContain('EXCESSIVE_MESSAGE_SIZE');
  expect((await ask(port, good)).text).toBe('hello');
}, 20_000);

test('large certificates of strangers are refused, and not remembered', async () => {
  const { port, outcomes } = await serve();
  const options = await showing({ uris: Array.from({ length: 20 }, (_, n) => `${WEB}${'x'.repeat(2_000)}${n}`) }, stranger);
  for (const _ of [1, 2]) expect((await ask(port, options)).text).not.toBe('hello');
  for (const { refused } of outcomes) expect(refused).toContain('VERIFY_FAILED');
  const { certificateChain } = await stranger.issue({ uris: Array.from({ length: 20 }, () => `${WEB}${'x'.repeat(2_000)}`) });
  expect(factsIn(certificateChain)[0]).not.toBe(factsIn(certificateChain)[0]);
  expect(factsIn(mesh.roots)[0]).toBe(factsIn(mesh.roots)[0]);
});

test('a ticket of a server that believes others is not taken', async () => {
  const own = await showing({ uris: [WEB] });
  const first = await serve();
  const { session } = await ask(first.port, own);
  expect((await ask(first.port, { ...own, ...(session && { session }) })).text).toBe('hello');
  expect(first.outcomes.map(({ isResumed }) => isResumed)).toEqual([false, true]);
  const other = await serve(stranger.roots);
  expect((await ask(other.port, { ...own, ...(session && { session }) })).text).not.toBe('hello');
  expect(other.outcomes).toMatchObject([{ refused: expect.stringContaining('VERIFY') }]);
});

test.each(['a', 'X'.repeat(63), `${'a'.repeat(60)}.`.repeat(4), 'xn--a', 'a。b', 'REVIEWS.Default'])(
  'server name %s harms nobody',
  async (servername) => {
    const { port, outcomes } = await serve();
    await ask(port, { ...(await showing({ uris: [WEB] })), servername });
    expect((await ask(port, await showing({ uris: [WEB] }))).text).toBe('hello');
    expect(outcomes.at(-1)).toMatchObject({ peer: { uris: [WEB] }, serverName: '' });
    for (const { serverName = '' } of outcomes) expect(serverName).toBe(serverName.toLowerCase());
  },
);

test('a client of TLS 1.2 cannot negotiate again', async () => {
  const { port } = await serve();
  const options = await showing({ uris: [WEB] });
  const outcome = await new Promise<string>((resolve) => {
    const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false, maxVersion: 'TLSv1.2', ...options });
    socket.on('error', () => resolve('refused'));
    socket.on('close', () => resolve('refused'));
    socket.once('data', () => socket.renegotiate({}, (error) => resolve(error ? 'refused' : 'negotiated again')));
  });
  expect(outcome).toBe('refused');
});

test('bytes that are no TLS end a connection that was secure', async () => {
  const { port, outcomes } = await serve();
  const raw = tcpConnect({ port, host: '127.0.0.1' });
  const socket = connect({ socket: raw, rejectUnauthorized: false, ...(await showing({ uris: [WEB] })) });
  socket.on('error', () => {});
  await new Promise((resolve) => socket.once('data', resolve));
  const ended = new Promise((resolve) => raw.once('close', resolve));
  raw.write('\x17\x03\x03\x00\x20'.padEnd(64, 'x'), 'latin1');
  await ended;
  expect(outcomes).toHaveLength(1);
});
