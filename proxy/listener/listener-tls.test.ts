/** Listeners that speak TLS, over real sockets, with Node's own TLS as a foreign client. */
import { createServer, connect as tcpConnect } from 'node:net';
import { type ConnectionOptions, connect } from 'node:tls';
import { afterEach, beforeAll, expect, test } from 'vitest';
import { Listener } from '#envoy';
import { type TestAuthority, testAuthority } from '../../conformance/certificates/test-authority.ts';
import type { DownstreamConnection } from '../http/stream-info.ts';
import { realSystem } from '../system/real-system.ts';
import { shiftableClock } from '../system/shiftable-clock.ts';
import { tlsRoom } from '../tls/live-context.ts';
import { SecretStore } from '../tls/secret-store.ts';
import { compileServerTls } from '../tls/server-context.ts';
import { greetingOf } from './client-hello.fixture.ts';
import { compileListener } from './compile-listener.ts';
import { ListenerManager } from './listener-manager.ts';

const CLIENT = 'spiffe://cluster.local/ns/default/sa/productpage';
const SERVER = 'spiffe://cluster.local/ns/default/sa/reviews';
const TCP = 'type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy';
const CONTEXT = 'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext';
const INSPECTOR = 'type.googleapis.com/envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector';
const SDS = (name: string) => ({ name, sds_config: { ads: {} } });
const DAY_MS = 86_400_000;
const ISTIO = ['istio-http/1.1', 'istio', 'http/1.1'];

let mesh: TestAuthority;
let stranger: TestAuthority;
const managers: ListenerManager[] = [];

beforeAll(async () => {
  [mesh, stranger] = await Promise.all([testAuthority('O=mesh'), testAuthority('O=stranger')]);
});

afterEach(async () => {
  await Promise.all(managers.splice(0).map((manager) => manager.close()));
});

const freePort = (): Promise<number> =>
  new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });

const chain = (cluster: string, match: object, tls?: object) => ({
  filter_chain_match: match,
  filters: [{ name: 'tcp', typed_config: { '@type': TCP, stat_prefix: 's', cluster } }],
  ...(tls && { transport_socket: { name: 'tls', typed_config: { '@type': CONTEXT, ...tls } } }),
});

const contextOf = (more: object = {}, common: object = {}) => ({
  require_client_certificate: true,
  ...more,
  common_tls_context: {
    alpn_protocols: ['h2', 'http/1.1'],
    tls_certificate_sds_secret_configs: [SDS('default')],
    combined_validation_context: { validation_context_sds_secret_config: SDS('ROOTCA'), default_validation_context: {} },
    ...common,
  },
});

/** What a chain says: its cluster's name, and who it takes the client for. */
const setUp = async (chains: readonly object[] = [chain('mtls', { transport_protocol: 'tls' }, contextOf())]) => {
  const clock = shiftableClock();
  const system = realSystem({ logLevel: 'off', clock });
  const secrets = new SecretStore();
  const putRoots = (trustedRoots: string): void =>
    secrets.putTrust({ name: 'ROOTCA', source: { kind: 'ads' } }, { trustedRoots, names: [], certificates: [] });
  secrets.putCertificate({ name: 'default', source: { kind: 'ads' } }, await mesh.issue({ uris: [SERVER], untilDays: 100 }));
  putRoots(mesh.roots);
  const room = tlsRoom(system, secrets);
  const refused: DownstreamConnection[] = [];
  const port = await freePort();
  const compiled = compileListener(
    Listener.fromJSON({
      name: 'inbound',
      stat_prefix: 'inbound',
      address: { socket_address: { address: '127.0.0.1', port_value: port } },
      listener_filters: [{ name: 'tls', typed_config: { '@type': INSPECTOR } }],
      filter_chains: chains,
    }),
    {
      httpConnectionManager: () => {
        throw new Error('no HTTP here');
      },
      tcpProxy: (config) => (connection, downstream) => {
        const { tls } = connection;
        const told = { chain: config.clusterSpecifier?.value, who: downstream.peerIdentity, name: downstream.serverName };
        connection.resume();
        connection.end(JSON.stringify({ ...told, resumed: tls?.isResumed, alpn: tls?.alpn, version: tls?.version }));
      },
      networkRbac: () => () => undefined,
      downstreamTls: (config) => compileServerTls(config, room, 'http1'),
      refusals: () => (downstream) => void refused.push(downstream),
    },
  );
  const manager = new ListenerManager(system);
  managers.push(manager);
  await manager.reconcile(new Map([['inbound', compiled]]));
  return { port, refused, clock, secrets, putRoots, value: (name: string) => system.metrics.value(`listener.inbound.${name}`) };
};

/** What the server says, or why it does not. */
const ask = (port: number, options: ConnectionOptions = {}): Promise<{ readonly text: string; readonly session: Buffer | undefined }> =>
  new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false, ALPNProtocols: ISTIO, ...options });
    let text = '';
    let session: Buffer | undefined;
    socket.on('session', (ticket) => {
      session = ticket;
    });
    socket.on('data', (chunk) => {
      text += chunk.toString();
    });
    socket.on('error', reject);
    socket.on('close', () => (text === '' ? reject(new Error('closed')) : resolve({ text, session })));
  });

const told = async (port: number, options?: ConnectionOptions) => JSON.parse((await ask(port, options)).text) as object;

const client = async (authority = mesh, issue: Parameters<TestAuthority['issue']>[0] = { uris: [CLIENT] }) => {
  const { certificateChain, privateKey } = await authority.issue(issue);
  return { cert: certificateChain, key: privateKey };
};

test('a client of the mesh is known by its certificate; h2 is never chosen, for nobody here speaks it', async () => {
  const { port, value } = await setUp();
  const protocols = { ALPNProtocols: ['h2', 'http/1.1'], servername: 'Reviews.Default' };
  expect(await told(port, { ...(await client()), ...protocols })).toEqual({
    chain: 'mtls',
    who: CLIENT,
    name: 'reviews.default',
    resumed: false,
    alpn: 'http/1.1',
    version: 'TLSv1.3',
  });
  expect(value('ssl.handshake')).toBe(1);
  expect(value('ssl.versions.TLSv1.3')).toBe(1);
});

test('a client that offers no protocol that the server has is served without one', async () => {
  const { port } = await setUp();
  expect(await told(port, { ...(await client()), ALPNProtocols: ['istio'] })).toMatchObject({ who: CLIENT, alpn: '' });
});

test('nobody without a good certificate gets in, and the numbers say why', async () => {
  const { port, value } = await setUp();
  await expect(ask(port)).rejects.toThrow();
  await expect.poll(() => value('ssl.fail_verify_no_cert')).toBe(1);
  await expect(ask(port, await client(stranger))).rejects.toThrow();
  await expect.poll(() => value('ssl.fail_verify_error')).toBe(1);
  expect(value('ssl.handshake')).toBe(0);
});

test('a certificate is past its time by the clock of the proxy, also that of a resumed session', async () => {
  const { port, clock, value } = await setUp();
  const mine = await client();
  const { session } = await ask(port, mine);
  clock.shift(2 * DAY_MS);
  await expect(ask(port, { ...mine, ...(session && { session }) })).rejects.toThrow();
  await expect.poll(() => value('ssl.fail_verify_error')).toBe(1);
});

test('a proxy whose own certificate has expired serves nobody', async () => {
  const { port, clock, value } = await setUp();
  clock.shift(101 * DAY_MS);
  await expect(ask(port, await client(mesh, { uris: [CLIENT], untilDays: 200 }))).rejects.toThrow();
  await expect.poll(() => value('server_ssl_socket_factory.downstream_context_secrets_not_ready')).toBe(1);
});

test.each([
  ['expired', { untilDays: -0.5 }],
  ['of tomorrow', { fromDays: 1, untilDays: 2 }],
  ['for servers only', { usages: 'server' }],
] as const)('a certificate that is %s is refused', async (_, wishes) => {
  const { port, value } = await setUp();
  await expect(ask(port, await client(mesh, { uris: [CLIENT], ...wishes }))).rejects.toThrow();
  await expect.poll(() => value('ssl.fail_verify_error')).toBe(1);
});

test.each([5, 10_000])('a client that stops after %i bytes of its greeting is cut within 10 s', async (length) => {
  const { port, clock } = await setUp();
  const socket = tcpConnect(port, '127.0.0.1');
  socket.on('error', () => {});
  const greeting = await greetingOf({ servername: 'reviews', ALPNProtocols: ISTIO });
  socket.write(greeting.subarray(0, length));
  const closed = new Promise((resolve) => socket.once('close', resolve));
  // Only one who reads hears of the end.
  socket.resume();
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect(socket.readyState).not.toBe('closed');
  clock.shift(10_001);
  await closed;
});

test('a certificate that names two workloads names none', async () => {
  const { port } = await setUp();
  const both = await told(port, await client(mesh, { uris: [CLIENT, SERVER] }));
  expect(both).not.toHaveProperty('who');
});

test.each(['TLSv1.2', 'TLSv1.3'] as const)(
  'a session of %s goes on with the same identity, and ends with the trust that it was begun under',
  async (version) => {
    const { port, putRoots } = await setUp();
    const mine = { ...(await client()), minVersion: version, maxVersion: version };
    const { session } = await ask(port, mine);
    if (!session) throw new Error('no session was given');
    expect(await told(port, { ...mine, session })).toMatchObject({ who: CLIENT, resumed: true });
    putRoots(stranger.roots);
    await expect(ask(port, { ...mine, session })).rejects.toThrow();
  },
);

test('TLS 1.1 is refused', async () => {
  const { port, value } = await setUp();
  await expect(
    ask(port, { ...(await client()), minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1', ciphers: 'ALL@SECLEVEL=0' }),
  ).rejects.toThrow();
  await expect.poll(() => value('ssl.connection_error')).toBe(1);
});

test('plain text at a port where only TLS is served is reset, counted and told', async () => {
  const { port, refused, value } = await setUp();
  const socket = tcpConnect(port, '127.0.0.1');
  socket.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n');
  const end = await new Promise<string>((resolve) => socket.on('error', ({ message }) => resolve(message)).on('end', () => resolve('end')));
  expect(end).toContain('ECONNRESET');
  expect(value('no_filter_chain_match')).toBe(1);
  expect(refused).toMatchObject([{ local: { port } }]);
});

test('PERMISSIVE: one port serves the mesh, TLS of others and plain text, each by its own chain', async () => {
  const { port } = await setUp([
    chain('mesh', { transport_protocol: 'tls', application_protocols: ['istio', 'istio-http/1.1'] }, contextOf()),
    chain('named', { transport_protocol: 'tls', server_names: ['*.example.com'] }, contextOf({ require_client_certificate: false })),
    chain('plain', { transport_protocol: 'raw_buffer' }),
  ]);
  expect(await told(port, await client())).toMatchObject({ chain: 'mesh' });
  expect(await told(port, { ALPNProtocols: ['http/1.1'], servername: 'WWW.example.com' })).toMatchObject({ chain: 'named' });
  await expect(ask(port, { ALPNProtocols: ['http/1.1'], servername: 'example.org' })).rejects.toThrow();
  const plain = tcpConnect(port, '127.0.0.1');
  plain.write('x');
  const text = await new Promise<string>((resolve) => plain.once('data', (bytes) => resolve(bytes.toString())));
  plain.destroy();
  expect(JSON.parse(text)).toMatchObject({ chain: 'plain' });
});
