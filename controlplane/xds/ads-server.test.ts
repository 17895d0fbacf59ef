import { expect, test } from 'vitest';
import type { DiscoveryResponse } from '#envoy';
import { adsServer, cdsRequest, NODE_ID } from './ads-server.fixture.ts';
import { inProcessAds } from './in-process-ads.ts';

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

const connected = () => {
  const world = adsServer();
  const ads = inProcessAds(world.server);
  const responses: DiscoveryResponse[] = [];
  const ends: string[] = [];
  const stream = ads.open({ response: (response) => responses.push(response), ended: (reason) => ends.push(reason) });
  return { ...world, ads, stream, responses, ends };
};

test('a proxy is announced as long as its stream lives, and told of with what it has', async () => {
  const { server, stream, responses, announced, system } = connected();
  stream.send(cdsRequest());
  await turn();
  expect(announced).toEqual(['reviews-v1']);
  stream.send(cdsRequest(responses[0]?.nonce));
  await turn();
  expect(server.sync()).toMatchObject({
    version: 1,
    proxies: [
      {
        node: NODE_ID,
        workload: 'reviews-v1',
        namespace: 'default',
        kinds: { cds: { acknowledged: '1' } },
        connectedAt: '2026-01-01T00:00:00.000Z',
      },
    ],
  });
  stream.close();
  expect([announced, server.sync().proxies, system.events.map(({ event }) => event)]).toEqual([
    [],
    [],
    ['xds.proxy-connected', 'xds.proxy-gone'],
  ]);
});

test('a push reaches connected proxies with the version of the mesh in force', async () => {
  const { server, stream, responses, mesh } = connected();
  stream.send(cdsRequest());
  await turn();
  stream.send(cdsRequest(responses[0]?.nonce));
  await turn();
  Object.assign(mesh, { version: 2, clusters: ['a', 'b'] });
  server.push();
  await turn();
  expect(responses.map(({ versionInfo, resources }) => [versionInfo, resources.length])).toEqual([
    ['1', 1],
    ['2', 2],
  ]);
});

test('a stream without a node id of our form ends with one sentence, and is nobody', async () => {
  const { server, stream, ends } = connected();
  stream.send(cdsRequest('', 'nobody'));
  await turn();
  expect(ends).toEqual(['the first request must carry a node whose id is TYPE~IP~WORKLOAD.NAMESPACE~DOMAIN']);
  expect(server.sync().proxies).toEqual([]);
});

test('of two streams of one node the later is told of', async () => {
  const { server, ads, stream } = connected();
  stream.send(cdsRequest());
  ads.open({ response: () => {}, ended: () => {} }).send(cdsRequest());
  await turn();
  expect(server.sync().proxies).toHaveLength(1);
  expect(server.proxies).toHaveLength(2);
});

test('a control plane that ends, ends its streams', async () => {
  const { ads, server, stream, ends } = connected();
  stream.send(cdsRequest());
  await turn();
  ads.close();
  expect([ends, server.proxies]).toEqual([['the control plane has ended'], []]);
});

test('a proxy that cannot be translated for keeps what it has, and the others get what is new', async () => {
  const { server, stream, responses, mesh, ads, system } = connected();
  const other: DiscoveryResponse[] = [];
  const second = ads.open({ response: (response) => other.push(response), ended: () => {} });
  stream.send(cdsRequest());
  second.send(cdsRequest('', NODE_ID.replace('reviews-v1', 'reviews-v2')));
  await turn();
  stream.send(cdsRequest(responses[0]?.nonce));
  second.send(cdsRequest(other[0]?.nonce));
  await turn();
  Object.assign(mesh, { version: 2, clusters: ['b'], broken: 'reviews-v1' });
  server.push();
  await turn();
  expect([responses.length, other.map(({ versionInfo }) => versionInfo)]).toEqual([1, ['1', '2']]);
  expect(server.sync().proxies.map(({ workload, kinds }) => [workload, kinds.cds.acknowledged])).toEqual([
    ['reviews-v1', '1'],
    ['reviews-v2', '1'],
  ]);
  expect(system.events.map(({ event }) => event)).toContain('xds.translation-failed');
});

test('a proxy that cannot be translated for from the start is sent away, and its workload does not stay', async () => {
  const { server, stream, ends, mesh, announced } = connected();
  Object.assign(mesh, { broken: 'reviews-v1' });
  stream.send(cdsRequest());
  await turn();
  expect(ends).toEqual(['there is no configuration for this node: see the log of the control plane']);
  expect([announced, server.proxies]).toEqual([[], []]);
});

test('a kind that nobody speaks is not answered, told of once, and disturbs no other', async () => {
  const { stream, responses, system } = connected();
  const runtime = { ...cdsRequest(), typeUrl: 'type.googleapis.com/envoy.service.runtime.v3.Runtime' };
  for (const request of [runtime, runtime, cdsRequest()]) stream.send(request);
  await turn();
  expect(responses).toHaveLength(1);
  expect(system.events.filter(({ event }) => event === 'xds.kind-unknown')).toHaveLength(1);
});
