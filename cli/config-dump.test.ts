/** Tables from Envoy's admin pages. */
import { expect, it } from 'vitest';
import { clusterRows, endpointRows, listenerRows, routeRows } from './config-dump.ts';

const at = (address: string, port_value: number) => ({ socket_address: { address, port_value } });
const typed = (name: string) => `type.googleapis.com/envoy.admin.v3.${name}`;

const dump = {
  configs: [
    {
      '@type': typed('ListenersConfigDump'),
      dynamic_listeners: [
        {
          active_state: {
            listener: {
              name: '0.0.0.0_9080',
              address: at('0.0.0.0', 9080),
              bind_to_port: false,
              filter_chains: [
                { filter_chain_match: { destination_port: 9080 }, filters: [{ typed_config: { rds: { route_config_name: '9080' } } }] },
              ],
              default_filter_chain: { filters: [{ typed_config: { cluster: 'PassthroughCluster' } }] },
            },
          },
        },
      ],
    },
    {
      '@type': typed('RoutesConfigDump'),
      dynamic_route_configs: [
        {
          route_config: {
            name: '9080',
            virtual_hosts: [
              {
                domains: ['a', 'b', 'c'],
                routes: [
                  { match: { path: '/x', headers: [{ name: 'user', string_match: { exact: 'jason' } }] }, redirect: {} },
                  {
                    match: { prefix: '/' },
                    route: {
                      weighted_clusters: {
                        clusters: [
                          { name: 'v1', weight: 90 },
                          { name: 'v2', weight: 10 },
                        ],
                      },
                    },
                  },
                ],
              },
            ],
          },
        },
      ],
    },
    { '@type': typed('ClustersConfigDump'), dynamic_active_clusters: [{ cluster: { name: 'c', type: 'EDS' } }] },
  ],
};

it('says of each chain which connections it takes, and where they go', () => {
  expect(listenerRows(dump)).toEqual([
    ['0.0.0.0_9080', '0.0.0.0:9080 (not bound)', 'port 9080', 'Route: 9080'],
    ['0.0.0.0_9080', '0.0.0.0:9080 (not bound)', 'ALL', 'Cluster: PassthroughCluster'],
  ]);
});

it('lists routes in the order in which they are tried', () => {
  expect(routeRows(dump)).toEqual([
    ['9080', 'a, b + 1 more', '/x; user exact jason', 'redirect'],
    ['9080', 'a, b + 1 more', '/*', 'v1 (90), v2 (10)'],
  ]);
});

it('fills in what Envoy leaves out because it is the default', () => {
  expect(clusterRows(dump)).toEqual([['c', 'EDS', 'ROUND_ROBIN']]);
});

it('calls an endpoint ejected that outlier detection took out', () => {
  const host = (port: number, health_status: object) => ({ address: at('127.0.0.1', port), health_status });
  const page = {
    cluster_statuses: [{ name: 'c', host_statuses: [host(1, { eds_health_status: 'HEALTHY' }), host(2, { failed_outlier_check: true })] }],
  };
  expect(endpointRows(page)).toEqual([
    ['127.0.0.1:1', 'HEALTHY', 'c'],
    ['127.0.0.1:2', 'EJECTED', 'c'],
  ]);
});

it('gives no rows for a page of another shape', () => {
  expect([listenerRows({}), routeRows({ configs: 1 }), clusterRows({ configs: [null] }), endpointRows({ cluster_statuses: 'x' })]).toEqual([
    [],
    [],
    [],
    [],
  ]);
});
