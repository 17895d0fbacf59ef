/** Against a gRPC server that is not ours, on a real socket. */
import { once } from 'node:events';
import { createServer as createHttp2Server, type Http2Session, type ServerHttp2Stream } from 'node:http2';
import { type AddressInfo, createServer as createTcpServer, type Server as NetServer } from 'node:net';
import { Server, ServerCredentials, type ServerDuplexStream, status } from '@grpc/grpc-js';
import { expect, onTestFinished, test } from 'vitest';
import { DiscoveryRequest, DiscoveryResponse } from '#envoy';
import { simulatedSystem } from '../system/simulated-system.ts';
import { grpcAdsStream } from './grpc-ads-stream.ts';

const listening = async (server: NetServer): Promise<number> => {
  onTestFinished(() => void server.close());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
};

type Call = ServerDuplexStream<DiscoveryRequest, DiscoveryResponse>;

const SERVICE = {
  StreamAggregatedResources: {
    path: '/envoy.service.discovery.v3.AggregatedDiscoveryService/StreamAggregatedResources',
    requestStream: true,
    responseStream: true,
    requestSerialize: (request: DiscoveryRequest) => Buffer.from(DiscoveryRequest.encode(request).finish()),
    requestDeserialize: (bytes: Buffer) => DiscoveryRequest.decode(bytes),
    responseSerialize: (response: DiscoveryResponse) => Buffer.from(DiscoveryResponse.encode(response).finish()),
    responseDeserialize: (bytes: Buffer) => DiscoveryResponse.decode(bytes),
  },
} as const;

const serve = async (answer: (call: Call) => void): Promise<number> => {
  const server = new Server();
  server.addService(SERVICE, { StreamAggregatedResources: answer });
  onTestFinished(() => server.forceShutdown());
  return new Promise((resolve, reject) =>
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, port) => (error ? reject(error) : resolve(port))),
  );
};

const open = (port: number, method: { readonly respond?: (response: DiscoveryResponse) => void } = {}) => {
  const { clock } = simulatedSystem();
  const ended = Promise.withResolvers<string>();
  const stream = grpcAdsStream(
    { address: '127.0.0.1', port },
    clock,
  )({
    response: (response) => method.respond?.(response),
    ended: ended.resolve,
  });
  onTestFinished(() => stream.close());
  return { stream, ended: ended.promise, clock };
};

test('a request is answered, and a response of megabytes arrives whole', async () => {
  const big = 'x'.repeat(5_000_000);
  const port = await serve((call) => {
    call.on('data', ({ typeUrl }: DiscoveryRequest) => call.write(DiscoveryResponse.fromPartial({ typeUrl, versionInfo: big })));
  });
  const arrived = Promise.withResolvers<DiscoveryResponse>();
  const { stream } = open(port, { respond: arrived.resolve });
  stream.send(DiscoveryRequest.fromPartial({ typeUrl: 'cds' }));
  const { typeUrl, versionInfo } = await arrived.promise;
  expect([typeUrl, versionInfo.length]).toEqual(['cds', big.length]);
});

test('a status that is not OK is told with its number and words', async () => {
  const port = await serve((call) => call.emit('error', { code: status.INVALID_ARGUMENT, details: 'node „x“ is unknown' }));
  expect(await open(port).ended).toBe('3, node „x“ is unknown');
});

test('a clean end has no reason', async () => {
  const port = await serve((call) => call.end());
  expect(await open(port).ended).toBe('');
});

test('a control plane that is not there ends the stream', async () => {
  const server = createTcpServer();
  const port = await listening(server);
  await new Promise((resolve) => server.close(resolve));
  expect(await open(port).ended).toBe(`14, connect ECONNREFUSED 127.0.0.1:${port}`);
});

test('closing the stream cancels the call at the server, and is not told to the one who closed it', async () => {
  const cancelled = Promise.withResolvers<void>();
  const called = Promise.withResolvers<void>();
  const port = await serve((call) => {
    call.on('cancelled', cancelled.resolve).on('error', () => {});
    called.resolve();
  });
  const { stream, ended } = open(port);
  await called.promise;
  stream.close();
  await cancelled.promise;
  expect(await Promise.race([ended, Promise.resolve('not told')])).toBe('not told');
});

test('what is not gRPC ends the stream with its HTTP status', async () => {
  const server = createHttp2Server().on('stream', (stream: ServerHttp2Stream) => {
    stream.on('error', () => {});
    stream.respond({ ':status': 404 });
  });
  expect(await open(await listening(server)).ended).toBe('14, HTTP status 404');
});

test('a control plane that answers no ping is given up when the next is due', async () => {
  const spoken = Promise.withResolvers<void>();
  const server = createTcpServer((socket) => socket.on('error', () => {}).once('data', () => spoken.resolve()));
  const { ended, clock } = open(await listening(server));
  await spoken.promise;
  await clock.advance(39_999);
  expect(await Promise.race([ended, Promise.resolve('still open')])).toBe('still open');
  await clock.advance(1);
  expect(await ended).toBe('14, pings are not answered');
});

test('a silent control plane that answers pings keeps its stream', async () => {
  const server = createHttp2Server();
  const connected = once(server, 'session');
  const { ended, clock } = open(await listening(server));
  const [session] = (await connected) as [Http2Session];
  for (let round = 0; round < 4; round++) {
    const pinged = once(session, 'ping');
    await clock.advance(20_000);
    await pinged;
    // Its answer comes after ours has been read.
    await new Promise((resolve) => session.ping(resolve));
  }
  expect(await Promise.race([ended, Promise.resolve('still open')])).toBe('still open');
});
