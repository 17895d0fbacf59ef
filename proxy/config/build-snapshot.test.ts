import { describe, expect, it } from 'vitest';
import { Cluster, ClusterLoadAssignment, Listener, RouteConfiguration } from '#envoy';
import { simulatedSystem } from '#system/simulated-system.ts';
import { SecretStore } from '../tls/secret-store.ts';
import { ClusterManager } from '../upstream/cluster-manager.ts';
import { SnapshotBuilder } from './build-snapshot.ts';
import { EMPTY_RESOURCES, type ResourceSet, withKind, withSome } from './resource-set.ts';
import { EMPTY_SNAPSHOT } from './snapshot.ts';

const edsCluster = (name: string, extra: object = {}) =>
  Cluster.fromJSON({ name, type: 'EDS', edsClusterConfig: { edsConfig: { ads: {} } }, connectTimeout: '1s', ...extra });

const endpoints = (clusterName: string, port: number) =>
  ClusterLoadAssignment.fromJSON({
    clusterName,
    endpoints: [{ lbEndpoints: [{ endpoint: { address: { socketAddress: { address: '10.0.0.1', portValue: port } } } }] }],
  });

const routes = (cluster: string, extra: object = {}) =>
  RouteConfiguration.fromJSON({
    name: '9080',
    virtualHosts: [{ name: 'v', domains: ['*'], routes: [{ match: { prefix: '/' }, route: { cluster }, ...extra }] }],
  });

const listener = (httpFilters: object[] = []) =>
  Listener.fromJSON({
    name: 'l',
    address: { socketAddress: { address: '127.0.0.1', portValue: 9080 } },
    filterChains: [
      {
        filters: [
          {
            name: 'http',
            typedConfig: {
              '@type': 'type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager',
              statPrefix: 'test',
              rds: { routeConfigName: '9080', configSource: { ads: {} } },
              httpFilters: [
                ...httpFilters,
                { name: 'router', typedConfig: { '@type': 'type.googleapis.com/envoy.extensions.filters.http.router.v3.Router' } },
              ],
            },
          },
        ],
      },
    ],
  });

const newBuilder = () => {
  const system = simulatedSystem();
  return new SnapshotBuilder({ system, clusters: new ClusterManager(system), secrets: new SecretStore() });
};

const complete = (): ResourceSet => {
  const clusters = withKind(EMPTY_RESOURCES, 'cds', [edsCluster('a')]);
  return withSome(withKind(withSome(clusters, 'eds', [endpoints('a', 1)]), 'lds', [listener()]), 'rds', [routes('a')]);
};

describe('building a snapshot', () => {
  it('keeps a cluster warming until its endpoints came, and a listener until its routes did', () => {
    const builder = newBuilder();
    const waiting = withKind(withKind(EMPTY_RESOURCES, 'cds', [edsCluster('a')]), 'lds', [listener()]);
    const { snapshot, missing, wanted } = builder.build(waiting, EMPTY_SNAPSHOT);
    expect([snapshot.clusters.size, snapshot.listeners.size]).toEqual([0, 0]);
    expect(missing).toEqual([
      { kind: 'eds', name: 'a' },
      { kind: 'rds', name: '9080' },
    ]);
    expect([[...wanted.eds], [...wanted.rds]]).toEqual([['a'], ['9080']]);
  });

  it('lets the old cluster serve while the new one waits', () => {
    const builder = newBuilder();
    const first = builder.build(complete(), EMPTY_SNAPSHOT).snapshot;
    const renamed = edsCluster('a', { edsClusterConfig: { edsConfig: { ads: {} }, serviceName: 'elsewhere' } });
    const second = builder.build(withKind(complete(), 'cds', [renamed]), first);
    expect(second.snapshot.clusters.get('a')).toBe(first.clusters.get('a'));
    expect(second.missing).toEqual([{ kind: 'eds', name: 'elsewhere' }]);
  });

  it('gives the same objects for resources that did not change, and new ones only for what did', () => {
    const builder = newBuilder();
    const resources = complete();
    const first = builder.build(resources, EMPTY_SNAPSHOT).snapshot;
    const second = builder.build(withSome(resources, 'rds', [routes('b')]), first).snapshot;
    expect(second.clusters.get('a')).toBe(first.clusters.get('a'));
    expect(second.listeners.get('l')).toBe(first.listeners.get('l'));
    const [slot] = [...first.routeTables.keys()];
    expect(slot && second.routeTables.get(slot)).not.toBe(slot && first.routeTables.get(slot));
    const third = builder.build(withSome(resources, 'eds', [endpoints('a', 2)]), second).snapshot;
    expect(third.clusters.get('a')).not.toBe(first.clusters.get('a'));
    expect(third.clusters.get('a')?.config).toBe(first.clusters.get('a')?.config);
  });

  it('drops what is no longer there', () => {
    const builder = newBuilder();
    const first = builder.build(complete(), EMPTY_SNAPSHOT).snapshot;
    const { snapshot } = builder.build(EMPTY_RESOURCES, first);
    expect([snapshot.clusters.size, snapshot.listeners.size, snapshot.routeTables.size]).toEqual([0, 0, 0]);
  });

  it('collects every complaint and leaves what is broken as it was', () => {
    const builder = newBuilder();
    const first = builder.build(complete(), EMPTY_SNAPSHOT).snapshot;
    const broken = edsCluster('a', { lbPolicy: 'CLUSTER_PROVIDED' });
    const { snapshot, errors } = builder.build(withKind(complete(), 'cds', [broken, edsCluster('b', { healthChecks: [{}] })]), first);
    expect(errors.map(({ kind, name, error }) => `${kind} ${name} ${error.message}`)).toEqual([
      expect.stringContaining('cds a lb_policy: CLUSTER_PROVIDED'),
      'cds b health_checks[0].health_checker: is required',
    ]);
    expect(snapshot.clusters.get('a')).toBe(first.clusters.get('a'));
  });
});

describe('trial', () => {
  it.each([
    ['cds', edsCluster('a', { transportSocket: { name: 'envoy.transport_sockets.tls' } }), 'transport_socket.name: '],
    [
      'rds',
      routes('a', { route: { cluster: 'a', retryPolicy: { retryOn: 'x' } } }),
      'virtual_hosts[0].routes[0].route.retry_policy.retry_on: ',
    ],
    [
      'lds',
      listener([{ name: 'lua', typedConfig: { '@type': 'type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBACPerRoute' } }]),
      'filter_chains[0].filters[0].typed_config.http_filters[0].typed_config: ',
    ],
  ] as const)('of %s tells the whole path of what is wrong', (kind, resource, path) => {
    expect(() => newBuilder().check(kind, resource)).toThrow(path);
  });
});
