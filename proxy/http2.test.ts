/** HTTP/2 through whole proxies: real gRPC programs over sockets and mutual TLS, and the same bytes in the simulated world. */
import { createServer } from 'node:net';
import {
  type Client,
  credentials,
  Metadata,
  makeClientConstructor,
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  type ServerUnaryCall,
  type ServiceDefinition,
  type ServiceError,
  type sendUnaryData,
  status,
} from '@grpc/grpc-js';
import { beforeAll, expect, onTestFinished, test } from 'vitest';
import { Bootstrap } from '#envoy';
import { testAuthority } from '../conformance/certificates/test-authority.ts';
import { startProxy } from './proxy.ts';
import { realSystem } from './system/real-system.ts';
import { settle } from './system/simulated-clock.ts';
import { simulatedSystem } from './system/simulated-system.ts';
import type { System } from './system/system.ts';

const TYPE = 'type.googleapis.com/envoy.extensions';
const LOOPBACK = '127.0.0.1';

const addressOf = (port: number, address: string) => ({ socket_address: { address, port_value: port } });

interface Hop {
  readonly port: number;
  readonly to: number;
  readonly address?: string;
  /** Of its listener, of its cluster. */
  readonly listenerTls?: object;
  readonly clusterTls?: object;
  readonly options?: object;
  readonly log?: string;
}

/** One listener, one cluster, everything goes there. */
const bootstrapOf = ({ port, to, address = LOOPBACK, listenerTls, clusterTls, options, log }: Hop) => {
  const router = { name: 'router', typed_config: { '@type': `${TYPE}.filters.http.router.v3.Router` } };
  const accessLog = {
    name: 'file',
    typed_config: {
      '@type': `${TYPE}.access_loggers.file.v3.FileAccessLog`,
      path: log,
      log_format: { text_format_source: { inline_string: '%PROTOCOL% %UPSTREAM_PROTOCOL% %RESPONSE_CODE% %RESPONSE_FLAGS%' } },
    },
  };
  const inspector = { name: 'tls', typed_config: { '@type': `${TYPE}.filters.listener.tls_inspector.v3.TlsInspector` } };
  const manager = {
    '@type': `${TYPE}.filters.network.http_connection_manager.v3.HttpConnectionManager`,
    stat_prefix: 'in',
    ...(log && { access_log: [accessLog] }),
    route_config: {
      virtual_hosts: [{ name: 'all', domains: ['*'], routes: [{ match: { prefix: '/' }, route: { cluster: 'next', timeout: '0s' } }] }],
    },
    http_filters: [router],
  };
  const tls = (kind: 'Downstream' | 'Upstream', context: object) => ({
    transport_socket: { name: 'tls', typed_config: { '@type': `${TYPE}.transport_sockets.tls.v3.${kind}TlsContext`, ...context } },
  });
  const chain = { filters: [{ name: 'hcm', typed_config: manager }], ...(listenerTls && tls('Downstream', listenerTls)) };
  const endpoints = [{ lb_endpoints: [{ endpoint: { address: addressOf(to, address) } }] }];
  const type = `${TYPE.slice('type.googleapis.com/'.length)}.upstreams.http.v3.HttpProtocolOptions`;
  return Bootstrap.fromJSON({
    static_resources: {
      listeners: [
        { name: 'in', address: addressOf(port, address), filter_chains: [chain], ...(listenerTls && { listener_filters: [inspector] }) },
      ],
      clusters: [
        {
          name: 'next',
          load_assignment: { cluster_name: 'next', endpoints },
          ...(options && { typed_extension_protocol_options: { [type]: { '@type': `type.googleapis.com/${type}`, ...options } } }),
          ...(clusterTls && tls('Upstream', clusterTls)),
        },
      ],
    },
  });
};

const HTTP2 = { explicit_http_config: { http2_protocol_options: {} } };

const run = async (hop: Hop, system: System): Promise<void> => {
  const proxy = await startProxy(bootstrapOf(hop), system, {});
  onTestFinished(() => proxy.close());
};

const freePort = (): Promise<number> =>
  new Promise((resolve) => {
    const server = createServer().listen(0, LOOPBACK, () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });

const raw = { requestSerialize: (value: Buffer) => value, requestDeserialize: (bytes: Buffer) => bytes };
const both = { ...raw, responseSerialize: (value: Buffer) => value, responseDeserialize: (bytes: Buffer) => bytes };
const SERVICE: ServiceDefinition = {
  unary: { path: '/echo.Echo/Unary', requestStream: false, responseStream: false, ...both },
  chat: { path: '/echo.Echo/Chat', requestStream: true, responseStream: true, ...both },
};

type Unary = (message: Buffer, metadata: Metadata, done: (error: ServiceError | null, answer?: Buffer) => void) => { cancel(): void };
type Echo = Client & { unary: Unary; chat: () => ReturnType<Client['makeBidiStreamRequest']> };

const unary = (call: ServerUnaryCall<Buffer, Buffer>, done: sendUnaryData<Buffer>): void => {
  const text = call.request.toString();
  if (text === 'fail') {
    const metadata = new Metadata();
    metadata.set('why', 'asked');
    done({ code: status.NOT_FOUND, details: 'nö: 100%', metadata });
  } else if (text !== 'hang') {
    const trailers = new Metadata();
    trailers.set('sum', String(call.request.length));
    done(null, call.request, trailers);
  } else call.on('cancelled', () => cancelled.resolve());
};

let cancelled = Promise.withResolvers<void>();

const chat = (call: ServerDuplexStream<Buffer, Buffer>): void => {
  call.on('data', (message: Buffer) => call.write(Buffer.from(message.toString().toUpperCase())));
  call.on('end', () => call.end());
};

let mesh: Awaited<ReturnType<typeof testAuthority>>;
beforeAll(async () => {
  mesh = await testAuthority('O=mesh');
});

const contextOf = async (name: string, alpn: readonly string[]): Promise<object> => {
  const { certificateChain, privateKey } = await mesh.issue({ uris: [`spiffe://cluster.local/ns/default/sa/${name}`], untilDays: 10 });
  return {
    common_tls_context: {
      alpn_protocols: alpn,
      tls_certificates: [{ certificate_chain: { inline_string: certificateChain }, private_key: { inline_string: privateKey } }],
      validation_context: { trusted_ca: { inline_string: mesh.roots } },
    },
  };
};

/** A gRPC program, its sidecar, mutual TLS, the other's sidecar, a gRPC program. */
const meshOf = async (alpn: readonly string[]): Promise<Echo> => {
  const [first, second, app] = [await freePort(), await freePort(), await freePort()];
  const server = new Server();
  server.addService(SERVICE, { unary, chat });
  await new Promise<void>((resolve, reject) => {
    server.bindAsync(`${LOOPBACK}:${app}`, ServerCredentials.createInsecure(), (error) => (error ? reject(error) : resolve()));
  });
  onTestFinished(() => server.forceShutdown());
  const system = realSystem({ logLevel: 'off' });
  const listenerTls = { ...(await contextOf('b', ['istio-h2', 'h2', 'http/1.1'])), require_client_certificate: true };
  await run({ port: second, to: app, listenerTls, options: HTTP2 }, system);
  await run({ port: first, to: second, clusterTls: await contextOf('a', alpn), options: HTTP2 }, realSystem({ logLevel: 'off' }));
  const client = new (makeClientConstructor(SERVICE, 'Echo'))(`${LOOPBACK}:${first}`, credentials.createInsecure()) as unknown as Echo;
  onTestFinished(() => client.close());
  return client;
};

const ask = (client: Echo, text: string) =>
  new Promise<{ error: ServiceError | null; answer: string | undefined }>((resolve) => {
    client.unary(Buffer.from(text), new Metadata(), (error, answer) => resolve({ error, answer: answer?.toString() }));
  });

test.each([[['h2']], [['istio-h2', 'h2']], [['istio']]])('gRPC through two proxies under mutual TLS that offer %j', async (alpn) => {
  const client = await meshOf(alpn);
  expect(await ask(client, 'hello')).toEqual({ error: null, answer: 'hello' });
  const large = 'x'.repeat(3_000_000);
  expect((await ask(client, large)).answer).toBe(large);
  const failed = (await ask(client, 'fail')).error;
  expect([failed?.code, failed?.details, failed?.metadata.get('why')]).toEqual([status.NOT_FOUND, 'nö: 100%', ['asked']]);
  cancelled = Promise.withResolvers();
  const call = client.unary(Buffer.from('hang'), new Metadata(), () => {});
  setTimeout(() => call.cancel(), 100);
  await cancelled.promise;
  const stream = client.chat();
  const heard: string[] = [];
  const ended = new Promise((resolve) => stream.on('end', resolve));
  for (const text of ['a', 'b', 'c']) {
    const answer = new Promise<Buffer>((resolve) => stream.once('data', resolve));
    stream.write(Buffer.from(text));
    heard.push((await answer).toString());
  }
  stream.end();
  await ended;
  expect(heard).toEqual(['A', 'B', 'C']);
});

test('many calls at once share one connection and all are answered', async () => {
  const client = await meshOf(['h2']);
  const answers = await Promise.all(Array.from({ length: 200 }, (_, n) => ask(client, String(n))));
  expect(answers.map(({ answer }) => answer)).toEqual(Array.from({ length: 200 }, (_, n) => String(n)));
});

test('in the simulated world: HTTP/1.1 in, HTTP/2 between, HTTP/1.1 out', async () => {
  const system = simulatedSystem();
  const address = '10.0.0.1';
  await system.network.listen({ address, port: 83 }, (connection) => {
    connection.on('data', (bytes: Buffer) => {
      const [line = ''] = bytes.toString().split('\r\n');
      connection.write(`HTTP/1.1 200 OK\r\ncontent-length: ${line.length}\r\n\r\n${line}`);
    });
  });
  const log = { log: '/log' };
  await run({ port: 82, to: 83, address, ...log }, system);
  await run({ port: 81, to: 82, address, options: HTTP2, ...log }, system);
  const client = await system.network.connect({ address, port: 81 }, { timeoutMs: 1 });
  let text = '';
  client.on('data', (bytes: Buffer) => {
    text += bytes.toString();
  });
  client.write('GET /a?b HTTP/1.1\r\nhost: x\r\n\r\n');
  for (let turn = 0; turn < 6; turn++) await settle();
  client.destroy();
  expect(text).toMatch(/^HTTP\/1\.1 200 OK\r\n[\s\S]*\r\n\r\nGET \/a\?b HTTP\/1\.1$/);
  expect(system.lines.map(({ line }) => line).toSorted()).toEqual(['HTTP/1.1 HTTP/2 200 -', 'HTTP/2 HTTP/1.1 200 -']);
});
