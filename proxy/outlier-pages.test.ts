/** What a whole proxy tells of its outliers, asked at its admin port in the simulated world. */
import { expect, onTestFinished, test } from 'vitest';
import type { OutliersPage } from '#api/outliers.ts';
import { Bootstrap } from '#envoy';
import { startProxy } from './proxy.ts';
import { settle } from './system/simulated-clock.ts';
import { type SimulatedSystem, simulatedSystem } from './system/simulated-system.ts';

const at = (port: number) => ({ socket_address: { address: '10.0.0.1', port_value: port } });
const TYPE = 'type.googleapis.com/envoy.extensions.filters';

const bootstrap = (cluster: object, { admin = 9901, port = 80, route = {} } = {}) => ({
  admin: { address: at(admin) },
  static_resources: {
    listeners: [
      {
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
                  route_config: {
                    virtual_hosts: [
                      { name: 'v', domains: ['*'], routes: [{ match: { prefix: '/' }, route: { cluster: 'echo', ...route } }] },
                    ],
                  },
                  http_filters: [{ name: 'router', typed_config: { '@type': `${TYPE}.http.router.v3.Router` } }],
                },
              },
            ],
          },
        ],
      },
    ],
    clusters: [
      {
        name: 'echo',
        load_assignment: {
          cluster_name: 'echo',
          endpoints: [{ lb_endpoints: [1, 2].map((port) => ({ endpoint: { address: at(port) } })) }],
        },
        ...cluster,
      },
    ],
  },
});

const get = async (system: SimulatedSystem, port: number, path = '/') => {
  const connection = await system.world.network.from('10.0.0.9').connect({ address: '10.0.0.1', port }, { timeoutMs: 1 });
  let text = '';
  connection.on('data', (chunk: Buffer) => {
    text += chunk.toString();
  });
  connection.write(`GET ${path} HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\nconnection: close\r\n\r\n`);
  for (let turn = 0; turn < 4; turn++) await settle();
  connection.destroy();
  return { status: Number(text.split(' ')[1]), body: text.slice(text.indexOf('\r\n\r\n') + 4) };
};

const run = async (cluster: object, statuses: readonly number[]): Promise<SimulatedSystem> => {
  const system = simulatedSystem();
  for (const [index, status] of statuses.entries())
    await system.network.listen({ address: '10.0.0.1', port: index + 1 }, (connection) => {
      connection.on('data', () => connection.write(`HTTP/1.1 ${status} X\r\ncontent-length: 0\r\n\r\n`));
    });
  const proxy = await startProxy(Bootstrap.fromJSON(bootstrap(cluster)), system);
  onTestFinished(() => proxy.close());
  return system;
};

const page = async (system: SimulatedSystem): Promise<OutliersPage> => JSON.parse((await get(system, 9901, '/outliers')).body);

const OUTLIERS = { outlier_detection: { consecutive_5xx: 3, interval: '10s', base_ejection_time: '25s', max_ejection_percent: 50 } };

test('/outliers shows strikes, and of an ejection when it ends and at which sweep the host comes back', async () => {
  const system = await run(OUTLIERS, [500, 200]);
  const start = system.clock.wallTimeMs();
  for (let i = 0; i < 4; i++) await get(system, 80);
  expect((await page(system)).clusters).toMatchObject([
    {
      name: 'echo',
      mayBeEjected: 1,
      ejected: 0,
      panicPercent: 50,
      nextSweepMs: start + 10_000,
      hosts: [
        {
          address: '10.0.0.1:1',
          healthFlags: 'healthy',
          consecutive5xx: { now: 2, needed: 3, enforced: 100 },
          ejections: 0,
          successRate: -1,
        },
        { address: '10.0.0.1:2', consecutive5xx: { now: 0 } },
      ],
    },
  ]);
  await system.clock.advance(4_000);
  for (let i = 0; i < 2; i++) await get(system, 80);
  const told = await page(system);
  expect(told.nowMs).toBe(start + 4_000);
  expect(told.clusters[0]).toMatchObject({ ejected: 1 });
  expect(told.clusters[0]?.hosts[0]).toMatchObject({
    healthFlags: '/failed_outlier_check',
    ejections: 1,
    multiplier: 1,
    ejected: { type: 'CONSECUTIVE_5XX', sinceMs: start + 4_000, untilMs: start + 29_000, returnsMs: start + 30_000 },
  });
  await system.clock.advance(25_999);
  expect((await page(system)).clusters[0]?.ejected).toBe(1);
  await system.clock.advance(1);
  const after = (await page(system)).clusters[0];
  expect([after?.ejected, after?.hosts[0]?.ejected, after?.hosts[0]?.multiplier]).toEqual([0, undefined, 1]);
});

test('/clusters has the flags and the rates in the places that Envoy has them in', async () => {
  const rates = { success_rate_minimum_hosts: 2, success_rate_request_volume: 2, success_rate_stdev_factor: 500, consecutive_5xx: 0 };
  const system = await run({ outlier_detection: { ...rates, max_ejection_percent: 50 } }, [500, 200]);
  for (let i = 0; i < 4; i++) await get(system, 80);
  await system.clock.advance(10_000);
  const { body } = await get(system, 9901, '/clusters');
  for (const line of [
    'echo::outlier::success_rate_average::50',
    'echo::outlier::success_rate_ejection_threshold::25',
    'echo::outlier::local_origin_success_rate_average::-1',
    'echo::10.0.0.1:1::health_flags::/failed_outlier_check',
    'echo::10.0.0.1:1::success_rate::0',
    'echo::10.0.0.1:2::success_rate::100',
    'echo::10.0.0.1:2::local_origin_success_rate::-1',
  ])
    expect(body).toContain(`${line}\n`);
  const [status] = JSON.parse((await get(system, 9901, '/clusters?format=json')).body).cluster_statuses;
  expect(status.success_rate_ejection_threshold).toEqual({ value: 25 });
  expect(status.host_statuses[0]).toMatchObject({ health_status: { failed_outlier_check: true }, success_rate: {} });
  expect(status.host_statuses[1].success_rate).toEqual({ value: 100 });
});

test('a cluster that detects no outliers has neither', async () => {
  const system = await run({}, [200, 200]);
  expect((await page(system)).clusters).toEqual([]);
  expect((await get(system, 9901, '/clusters')).body).not.toContain('::outlier::');
});

test('each try of a request counts on the host that it was made on', async () => {
  const system = simulatedSystem();
  for (const port of [1, 2])
    await system.network.listen({ address: '10.0.0.1', port }, (connection) => {
      connection.on('data', () => connection.write('HTTP/1.1 503 X\r\ncontent-length: 0\r\n\r\n'));
    });
  const retry_policy = { retry_on: '5xx', num_retries: 3 };
  const proxy = await startProxy(Bootstrap.fromJSON(bootstrap(OUTLIERS, { route: { retry_policy } })), system);
  onTestFinished(() => proxy.close());
  const asked = get(system, 80);
  for (let step = 0; step < 5; step++) await system.clock.advance(100);
  await asked;
  const [cluster] = (await page(system)).clusters;
  expect(cluster?.hosts.map(({ consecutive5xx }) => consecutive5xx.now)).toEqual([2, 2]);
});

test('each proxy has its own mind: what one ejects, another still sends to', async () => {
  const system = await run(OUTLIERS, [500, 200]);
  const other = simulatedSystem({ world: system.world });
  const second = await startProxy(Bootstrap.fromJSON(bootstrap(OUTLIERS, { admin: 9902, port: 81 })), other);
  onTestFinished(() => second.close());
  for (let i = 0; i < 6; i++) await get(system, 80);
  for (let i = 0; i < 4; i++) await get(other, 81);
  const ejectedAt = async (admin: number) =>
    (JSON.parse((await get(system, admin, '/outliers')).body) as OutliersPage).clusters[0]?.ejected;
  expect([await ejectedAt(9901), await ejectedAt(9902)]).toEqual([1, 0]);
});
