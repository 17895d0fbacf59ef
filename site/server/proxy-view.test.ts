import { expect, test } from 'vitest';
import { proxyView } from './proxy-view.ts';

const type = (name: string) => ({ '@type': `type.googleapis.com/envoy.admin.v3.${name}` });
const viewed = { name: 'a', workloadAt: (address: string) => (address === '127.96.1.3' ? 'reviews-v1' : '') };
const view = (configs: readonly object[], clusters: unknown = {}) => proxyView(viewed, { dump: { configs }, clusters, info: {} });

const route = (action: object, match: object = { prefix: '/' }) => ({ match, ...action });
const table = (...routes: readonly object[]) => ({
  ...type('RoutesConfigDump'),
  dynamic_route_configs: [{ route_config: { name: '9080', virtual_hosts: [{ name: 'reviews', domains: ['reviews'], routes }] } }],
});

test('routes are found in a real Envoy’s dump, where scoped routes stand before them', () => {
  expect(view([type('ScopedRoutesConfigDump'), table(route({ route: { cluster: 'a' } }))]).routes).toHaveLength(1);
});

test('weights become shares of a hundred, whatever they add up to', () => {
  const clusters = [
    { name: 'v1', weight: 3 },
    { name: 'v2', weight: 1 },
  ];
  expect(view([table(route({ route: { weighted_clusters: { clusters } } }))]).routes[0]?.targets).toEqual([
    { cluster: 'v1', share: 75 },
    { cluster: 'v2', share: 25 },
  ]);
});

test('what a route matches and what it does instead of forwarding are said in words', () => {
  const match = { path: '/a', headers: [{ name: 'x', string_match: { prefix: 'b' }, invert_match: true }] };
  const { routes } = view([table(route({ direct_response: { status: 403 } }, match), route({ redirect: {} }))]);
  expect(routes.map((one) => [one.match, one.action, one.targets])).toEqual([
    ['path /a and not x: prefix b', 'answer 403', []],
    ['prefix /', 'redirect 301', []],
  ]);
});

test('an endpoint is named by its workload; a page of another shape gives an empty view, not an error', () => {
  const host = { address: { socket_address: { address: '127.96.1.3', port_value: 9080 } }, stats: [{ name: 'rq_total', value: '7' }] };
  const { clusters } = view([{ ...type('ClustersConfigDump'), static_clusters: [{ cluster: { name: 'c' } }] }], {
    cluster_statuses: [{ name: 'c', host_statuses: [host] }],
  });
  expect(clusters[0]?.endpoints[0]).toMatchObject({ workload: 'reviews-v1', address: '127.96.1.3:9080', requests: 7, health: 'HEALTHY' });
  expect(proxyView(viewed, { dump: null, clusters: [], info: 'text' })).toMatchObject({ listeners: [], routes: [], clusters: [] });
});
