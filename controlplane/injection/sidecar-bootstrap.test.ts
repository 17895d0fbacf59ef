import { expect, test } from 'vitest';
import { parseNodeId } from '#api/names.ts';
import { Bootstrap } from '#envoy';
import { sidecarBootstrap } from './sidecar-bootstrap.ts';

const bootstrap = (labels: Record<string, string> = { app: 'reviews', version: 'v1' }, more: object = {}) =>
  Bootstrap.fromJSON(
    JSON.parse(
      sidecarBootstrap({
        node: {
          type: 'sidecar',
          ip: '127.96.1.2',
          workload: 'reviews-v1',
          namespace: 'shop',
          labels,
          serviceAccount: 'reviews',
          appPorts: { 9080: 41234 },
          ...more,
        },
        adminAddress: { address: '127.96.1.2', port: 15000 },
        xdsAddress: { address: '127.0.0.1', port: 15010 },
      }),
    ),
  );

test('the node says who runs, where, and on which port the program listens', () => {
  const { node } = bootstrap();
  expect(parseNodeId(node?.id ?? '')).toEqual({
    type: 'sidecar',
    ip: '127.96.1.2',
    workload: 'reviews-v1',
    namespace: 'shop',
    domain: 'shop.svc.cluster.local',
  });
  expect(node).toMatchObject({
    cluster: 'reviews.shop',
    metadata: {
      LABELS: { app: 'reviews', version: 'v1' },
      NAMESPACE: 'shop',
      SERVICE_ACCOUNT: 'reviews',
      WORKLOAD_NAME: 'reviews-v1',
      APP_PORTS: '{"9080":41234}',
    },
  });
});

test('a workload without an app label is its own cluster name', () => {
  expect(bootstrap({}).node?.cluster).toBe('reviews-v1.shop');
});

test('the control plane is reached over HTTP/2 at the given address', () => {
  const { dynamicResources, staticResources } = bootstrap();
  const [cluster] = staticResources?.clusters ?? [];
  expect(dynamicResources?.adsConfig?.grpcServices[0]?.targetSpecifier).toMatchObject({ value: { clusterName: cluster?.name } });
  expect(cluster?.loadAssignment?.endpoints[0]?.lbEndpoints[0]?.hostIdentifier).toMatchObject({
    value: { address: { address: { value: { address: '127.0.0.1', portSpecifier: { value: 15010 } } } } },
  });
  expect(Object.keys(cluster?.typedExtensionProtocolOptions ?? {})).toEqual(['envoy.extensions.upstreams.http.v3.HttpProtocolOptions']);
});

test('a workload with an agent says that it speaks mutual TLS, and finds the agent at its socket', () => {
  const text = sidecarBootstrap({
    node: { type: 'router', ip: '127.96.1.2', workload: 'g', namespace: 'n', labels: { app: 'g' }, serviceAccount: 'g', appPorts: {} },
    adminAddress: { address: '127.96.1.2', port: 15000 },
    xdsAddress: { address: '127.0.0.1', port: 15010 },
    sdsSocket: '/run/g.sds',
  });
  const { node, staticResources } = Bootstrap.fromJSON(JSON.parse(text));
  expect(node?.metadata).toMatchObject({ LABELS: { app: 'g', 'security.istio.io/tlsMode': 'istio' } });
  const agent = staticResources?.clusters.find(({ name }) => name === 'sds-grpc');
  expect(agent?.loadAssignment?.endpoints[0]?.lbEndpoints[0]?.hostIdentifier).toMatchObject({
    value: { address: { address: { $case: 'pipe', value: { path: '/run/g.sds' } } } },
  });
});

test('the node says where it runs and what its share is, when it is told', () => {
  const { node } = bootstrap({}, { locality: 'r/z/s', weight: 3 });
  expect(node).toMatchObject({ locality: { region: 'r', zone: 'z', subZone: 's' }, metadata: { WEIGHT: 3 } });
  expect(bootstrap().node?.locality).toBeUndefined();
});
