import { Client, credentials, type ServiceError, status } from '@grpc/grpc-js';
import { expect, onTestFinished, test } from 'vitest';
import { DiscoveryRequest, DiscoveryResponse } from '#envoy';
import { adsServer, cdsRequest } from './ads-server.fixture.ts';
import { listenForAds } from './grpc-ads-server.ts';

const METHOD = '/envoy.service.discovery.v3.AggregatedDiscoveryService/StreamAggregatedResources';

const open = async (method = METHOD) => {
  const world = adsServer();
  const { address, close } = await listenForAds(world.server, { address: '127.0.0.1', port: 0 });
  const client = new Client(`127.0.0.1:${address.port}`, credentials.createInsecure());
  onTestFinished(() => {
    client.close();
    close();
  });
  const call = client.makeBidiStreamRequest<Uint8Array, DiscoveryResponse>(
    method,
    (bytes) => Buffer.from(bytes),
    (bytes) => DiscoveryResponse.decode(bytes),
  );
  const send = (request: DiscoveryRequest) => call.write(DiscoveryRequest.encode(request).finish());
  const next = () => new Promise<DiscoveryResponse>((resolve) => call.once('data', resolve));
  const failure = () => new Promise<ServiceError>((resolve) => call.once('error', (error) => resolve(error as ServiceError)));
  return { ...world, call, send, next, failure };
};

test('a proxy is served over gRPC, and gone when it hangs up', async () => {
  const { server, send, next, call, failure } = await open();
  send(cdsRequest());
  expect(await next()).toMatchObject({ versionInfo: '1', resources: [{ typeUrl: 'type.googleapis.com/envoy.config.cluster.v3.Cluster' }] });
  expect(server.proxies).toHaveLength(1);
  const failed = failure();
  call.cancel();
  await failed;
  await expect.poll(() => server.proxies.length, { interval: 5 }).toBe(0);
});

test('a bad node id ends the stream with INVALID_ARGUMENT', async () => {
  const { send, failure, call } = await open();
  call.resume();
  send(cdsRequest('', 'x'));
  expect(await failure()).toMatchObject({ code: status.INVALID_ARGUMENT, details: expect.stringContaining('the first request') });
});

test('bytes that are no request end their own stream only', async () => {
  const { call, failure, server } = await open();
  call.resume();
  call.write(Buffer.from([0x0a, 0xff]));
  expect((await failure()).code).toBe(status.INTERNAL);
  expect(server.proxies).toEqual([]);
});

test('a request above the size limit ends with RESOURCE_EXHAUSTED', async () => {
  const { call, failure } = await open();
  call.resume();
  call.write(Buffer.alloc(4 * 1024 * 1024 + 1));
  expect((await failure()).code).toBe(status.RESOURCE_EXHAUSTED);
});

test('a port that is taken rejects', async () => {
  const { server } = adsServer();
  const first = await listenForAds(server, { address: '127.0.0.1', port: 0 });
  onTestFinished(() => first.close());
  await expect(listenForAds(server, first.address)).rejects.toThrow(/EADDRINUSE|No address added/);
});

test('a client that asks for delta xDS is told what is served instead', async () => {
  const { call, failure } = await open(METHOD.replace('Stream', 'Delta'));
  call.resume();
  expect(await failure()).toMatchObject({ code: status.UNIMPLEMENTED, details: expect.stringContaining('set api_type: GRPC') });
});

test('a client that speaks xDS v2 is told to speak v3', async () => {
  const { send, failure, call } = await open();
  call.resume();
  send({ ...cdsRequest(), typeUrl: 'type.googleapis.com/envoy.api.v2.Cluster' });
  expect(await failure()).toMatchObject({ code: status.INVALID_ARGUMENT, details: expect.stringContaining('speaks v3') });
});
