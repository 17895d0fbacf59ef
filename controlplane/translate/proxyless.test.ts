/** What a gRPC program that is its own proxy gets. */
import { expect, test } from 'vitest';
import { HttpConnectionManager, type RouteConfiguration } from '#envoy';
import { SIDECAR, translated } from './translate.fixture.ts';

const PROGRAM = { ...SIDECAR, isProxyless: true } as const;
const SERVICE = `apiVersion: v1
kind: Service
metadata: {name: reviews}
spec: {ports: [{port: 9080, name: grpc}, {port: 7000, name: tcp}], selector: {app: reviews}}
`;
const RULE = `---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: reviews}
spec:
  hosts: [reviews]
  http:
  - fault: {abort: {httpStatus: 503, percentage: {value: 1}}}
    corsPolicy: {allowOrigins: [{exact: "http://a"}]}
    timeout: 2s
    route: [{destination: {host: reviews, subset: v1}}]
`;
const NAME = 'outbound|9080||reviews.default.svc.cluster.local';

const routesOf = ({ virtualHosts }: RouteConfiguration) => virtualHosts.flatMap(({ routes }) => routes);

test('each port that speaks HTTP is a listener by the name that programs dial, with a table of its own', () => {
  const { listeners, routes } = translated(SERVICE, PROGRAM);
  expect(listeners.map(({ name, address }) => [name, address])).toEqual([['reviews.default.svc.cluster.local:9080', undefined]]);
  expect(routes.map(({ name, virtualHosts }) => [name, virtualHosts.flatMap(({ domains }) => domains)])).toEqual([[NAME, ['*']]]);
});

test('only filters that gRPC knows are named, the router last', () => {
  const manager = translated(SERVICE, PROGRAM).listeners[0]?.apiListener?.apiListener;
  const { httpFilters } = HttpConnectionManager.decode(manager?.value ?? new Uint8Array());
  expect(httpFilters.map(({ name }) => name)).toEqual(['envoy.filters.http.fault', 'envoy.filters.http.router']);
});

test('a rule keeps its fault and its timeout, and loses what gRPC would refuse', () => {
  const [route] = translated(SERVICE + RULE, PROGRAM).routes.flatMap(routesOf);
  expect(Object.keys(route?.typedPerFilterConfig ?? {})).toEqual(['envoy.filters.http.fault']);
  expect(route?.action).toMatchObject({ value: { maxStreamDuration: { maxStreamDuration: { seconds: 2 } } } });
});

test('clusters are balanced in a way that every gRPC library has, and endpoints have a locality', () => {
  const { clusters, endpoints } = translated(SERVICE, PROGRAM);
  expect(new Set(clusters.map(({ lbPolicy }) => lbPolicy))).toEqual(new Set([0]));
  expect(endpoints.find(({ clusterName }) => clusterName === NAME)?.endpoints.map(({ locality }) => locality)).toMatchObject([
    { region: '', zone: '', subZone: '' },
  ]);
});
