/** Whole proxies in the simulated world: client bytes in, backend bytes out, configuration by bootstrap and by ADS. */
import { expect, onTestFinished, test } from 'vitest';
import type { AdsClientEvents } from '#api/ads-stream.ts';
import { type Kind, TYPE_URLS } from '#api/kinds.ts';
import { Any, Bootstrap, type DiscoveryRequest, DiscoveryResponse } from '#envoy';
import { type ProxyOptions, startProxy } from './proxy.ts';
import { settle } from './system/simulated-clock.ts';
import { type SimulatedSystem, simulatedSystem } from './system/simulated-system.ts';

const at = (port: number, address = '10.0.0.1') => ({ socket_address: { address, port_value: port } });
const TYPE = 'type.googleapis.com/envoy.extensions.filters';

const cluster = (name: string, ports: readonly number[]) => ({
  name,
  load_assignment: { cluster_name: name, endpoints: [{ lb_endpoints: ports.map((port) => ({ endpoint: { address: at(port) } })) }] },
});

const listener = (routes: object, port = 80) => ({
  name: 'web',
  address: at(port),
  filter_chains: [
    {
      filters: [
        {
          name: 'hcm',
          typed_config: {
            '@type': `${TYPE}.network.http_connection_manager.v3.HttpConnectionManager`,
            stat_prefix: 'web',
            ...routes,
            http_filters: [{ name: 'envoy.filters.http.router', typed_config: { '@type': `${TYPE}.http.router.v3.Router` } }],
          },
        },
      ],
    },
  ],
});

const routeTable = (routes: readonly object[]) => ({ name: 'r', virtual_hosts: [{ name: 'all', domains: ['*'], routes }] });
const inline = (...routes: readonly object[]) => listener({ route_config: routeTable(routes) });
const byRds = (port = 80) => listener({ rds: { route_config_name: 'r', config_source: { ads: {}, resource_api_version: 'V3' } } }, port);

const start = async (system: SimulatedSystem, bootstrap: object, options: ProxyOptions = {}) => {
  const proxy = await startProxy(Bootstrap.fromJSON(bootstrap), system, options);
  onTestFinished(() => proxy.close());
  return proxy;
};

/** Answers every request with its own name. */
const backend = (system: SimulatedSystem, port: number, name: string) =>
  system.world.network.from('10.0.0.1').listen({ address: '10.0.0.1', port }, (connection) => {
    connection.on('data', () => connection.write(`HTTP/1.1 200 OK\r\ncontent-length: ${name.length}\r\n\r\n${name}`));
  });

/** Status and body of one GET. */
const get = async (system: SimulatedSystem, path: string, headers = '', port = 80) => {
  const connection = await system.world.network.from('10.0.0.9').connect({ address: '10.0.0.1', port }, { timeoutMs: 1 });
  let text = '';
  connection.on('data', (chunk: Buffer) => {
    text += chunk.toString();
  });
  connection.write(`GET ${path} HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\n${headers}connection: close\r\n\r\n`);
  for (let turn = 0; turn < 4; turn++) await settle();
  connection.destroy();
  return { status: Number(text.split(' ')[1]), body: text.slice(text.indexOf('\r\n\r\n') + 4) };
};

test('a request goes to the cluster of the first route that fits; none is 404, an empty cluster 503', async () => {
  const system = simulatedSystem();
  await backend(system, 1001, 'one');
  await backend(system, 1002, 'two');
  const beta = { name: 'user-type', string_match: { exact: 'beta-tester' } };
  await start(system, {
    static_resources: {
      listeners: [
        inline(
          { match: { prefix: '/app', headers: [beta] }, route: { cluster: 'two' } },
          { match: { prefix: '/app' }, route: { cluster: 'one' } },
          { match: { prefix: '/empty' }, route: { cluster: 'none' } },
        ),
      ],
      clusters: [cluster('one', [1001]), cluster('two', [1002]), cluster('none', [])],
    },
  });
  expect(await get(system, '/app')).toEqual({ status: 200, body: 'one' });
  expect(await get(system, '/app', 'user-type: beta-tester\r\n')).toEqual({ status: 200, body: 'two' });
  expect(await get(system, '/other')).toEqual({ status: 404, body: '' });
  expect(await get(system, '/empty')).toEqual({ status: 503, body: 'no healthy upstream' });
});

test('a weighted split sends about its share each way', async () => {
  const system = simulatedSystem();
  await backend(system, 1001, 'one');
  await backend(system, 1002, 'two');
  const weighted_clusters = {
    clusters: [
      { name: 'one', weight: 90 },
      { name: 'two', weight: 10 },
    ],
  };
  await start(system, {
    static_resources: {
      listeners: [inline({ match: { prefix: '/' }, route: { weighted_clusters } })],
      clusters: [cluster('one', [1001]), cluster('two', [1002])],
    },
  });
  let two = 0;
  for (let i = 0; i < 400; i++) if ((await get(system, '/')).body === 'two') two++;
  // Ten percent of 400, four standard deviations (6) either way; the seed is fixed.
  expect(two).toBeGreaterThan(16);
  expect(two).toBeLessThan(64);
});

const ads = () => {
  const sent: DiscoveryRequest[] = [];
  const streams: AdsClientEvents[] = [];
  const openAds = (events: AdsClientEvents) => {
    streams.push(events);
    return { send: (request: DiscoveryRequest) => void sent.push(request), close: () => {} };
  };
  const push = async (kind: Kind, version: string, ...resources: readonly object[]) => {
    const typeUrl = TYPE_URLS[kind];
    const all = resources.map((resource) => Any.fromJSON({ '@type': typeUrl, ...resource }));
    streams.at(-1)?.response(DiscoveryResponse.fromPartial({ typeUrl, versionInfo: version, nonce: `${kind}-${version}`, resources: all }));
    await settle();
    return sent.findLast((request) => request.responseNonce === `${kind}-${version}`);
  };
  return { sent, streams, openAds, push };
};

const toOne = routeTable([{ match: { prefix: '/' }, route: { cluster: 'one' } }]);

test('what ADS sends is acknowledged and serves; readiness comes with the last missing piece', async () => {
  const system = simulatedSystem();
  const plane = ads();
  await backend(system, 1001, 'one');
  const proxy = await start(system, { admin: { address: at(15000) } }, { openAds: plane.openAds });
  expect((await get(system, '/ready', '', 15000)).status).toBe(503);
  expect(await plane.push('cds', '1', cluster('one', [1001]))).toMatchObject({ versionInfo: '1' });
  await plane.push('lds', '1', byRds());
  expect(proxy.ready).toBe(false);
  expect(plane.sent.at(-2)).toMatchObject({ typeUrl: TYPE_URLS.rds, resourceNames: ['r'] });
  await plane.push('rds', '1', toOne);
  expect(proxy.ready).toBe(true);
  expect(await get(system, '/ready', '', 15000)).toEqual({ status: 200, body: 'LIVE\n' });
  expect(await get(system, '/')).toEqual({ status: 200, body: 'one' });
});

test('a refused response names the field, and the last good configuration serves on through a lost stream', async () => {
  const system = simulatedSystem();
  const plane = ads();
  await backend(system, 1001, 'one');
  await start(system, {}, { openAds: plane.openAds });
  await plane.push('cds', '1', cluster('one', [1001]));
  await plane.push('lds', '1', byRds());
  await plane.push('rds', '1', toOne);
  const nack = await plane.push('rds', '2', routeTable([{ match: { prefix: '/' }, route: { cluster_header: 'x' } }]));
  expect(nack).toMatchObject({ versionInfo: '1' });
  expect(nack?.errorDetail?.message).toContain('virtual_hosts[0].routes[0].route.cluster_header');
  expect((await get(system, '/')).body).toBe('one');
  plane.streams[0]?.ended('gone');
  expect((await get(system, '/')).body).toBe('one');
  plane.sent.length = 0;
  await system.clock.advance(1000);
  expect(plane.streams).toHaveLength(2);
  expect(plane.sent.map(({ typeUrl, versionInfo }) => [typeUrl, versionInfo])).toEqual([
    [TYPE_URLS.cds, '1'],
    [TYPE_URLS.lds, '1'],
    [TYPE_URLS.rds, '1'],
  ]);
});

test('a listener whose address is taken is refused over ADS, and ends the start when it is static', async () => {
  const system = simulatedSystem();
  const plane = ads();
  const toOnlyOne = { match: { prefix: '/' }, route: { cluster: 'one' } };
  await backend(system, 80, 'somebody else');
  await expect(start(system, { static_resources: { clusters: [cluster('one', [1001])], listeners: [inline(toOnlyOne)] } })).rejects.toThrow(
    'Error adding/updating listener(s) web: Error: EADDRINUSE',
  );
  await start(system, {}, { openAds: plane.openAds });
  await plane.push('cds', '1', cluster('one', [1001]));
  const nack = await plane.push('lds', '1', inline(toOnlyOne));
  expect(nack?.errorDetail?.message).toContain('EADDRINUSE');
});

test('routes inside a listener must lead to clusters that are there; routes by RDS may wait for them', async () => {
  const system = simulatedSystem();
  const plane = ads();
  const toNowhere = { match: { prefix: '/' }, route: { cluster: 'nowhere' } };
  const place = 'filter_chains[0].filters[0].typed_config.route_config.virtual_hosts[0].routes[0].route';
  await expect(start(system, { static_resources: { listeners: [inline(toNowhere)] } })).rejects.toThrow(
    `Error adding/updating listener(s) web: ${place}: unknown cluster 'nowhere'`,
  );
  await start(system, {}, { openAds: plane.openAds });
  await plane.push('cds', '1', cluster('one', [1001]));
  const nack = await plane.push('lds', '1', inline(toNowhere));
  expect(nack?.errorDetail?.message).toContain(`${place}: unknown cluster 'nowhere'`);
  await plane.push('lds', '2', byRds());
  const ack = await plane.push('rds', '1', routeTable([toNowhere]));
  expect([ack?.versionInfo, ack?.errorDetail]).toEqual(['1', undefined]);
});

test('a bootstrap field that this proxy does not do is refused with its path', async () => {
  const system = simulatedSystem();
  await expect(start(system, { stats_sinks: [{ name: 'x' }] })).rejects.toThrow('stats_sinks: not supported');
  await expect(start(system, { dynamic_resources: { lds_config: { path: '/x' } } })).rejects.toThrow(
    'dynamic_resources.lds_config.path: only ads',
  );
});

test('a drained proxy lets the exchange under way finish and takes no new one', async () => {
  const system = simulatedSystem();
  let answer = () => {};
  await system.world.network.from('10.0.0.1').listen({ address: '10.0.0.1', port: 1001 }, (connection) => {
    connection.on('data', () => {
      answer = () => void connection.write('HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nlate');
    });
  });
  const proxy = await start(system, {
    static_resources: {
      listeners: [inline({ match: { prefix: '/' }, route: { cluster: 'one' } })],
      clusters: [cluster('one', [1001])],
    },
  });
  const client = await system.world.network.from('10.0.0.9').connect({ address: '10.0.0.1', port: 80 }, { timeoutMs: 1 });
  let text = '';
  client.on('data', (chunk: Buffer) => {
    text += chunk.toString();
  });
  client.on('end', () => client.end());
  client.write('GET / HTTP/1.1\r\nhost: a\r\n\r\n');
  await settle();
  const drained = proxy.drain();
  await settle();
  await expect(get(system, '/')).rejects.toThrow('ECONNREFUSED');
  answer();
  await settle();
  await drained;
  expect(text).toContain('connection: close');
  expect(text).toMatch(/late$/);
});
