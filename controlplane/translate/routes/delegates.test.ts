/** Rules that another VirtualService has written. Expectations from the oracle capture vs-delegate. */
import { expect, test } from 'vitest';
import { RouteConfiguration } from '#envoy';
import { translated } from '../translate.fixture.ts';

const SERVICE = `apiVersion: v1
kind: Service
metadata: {name: reviews}
spec: {ports: [{port: 9080, name: http}], selector: {app: reviews}}
---
`;
const root = (rules: string): string => `apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: reviews}
spec: {hosts: [reviews], http: [${rules}, {route: [{destination: {host: reviews}}]}]}
---
`;
const delegate = (rules: string, more = ''): string => `apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: inner, namespace: team}
spec: {${more}http: [${rules}]}
---
`;
const TO_INNER = 'delegate: {name: inner, namespace: team}';

/** Path, headers and cluster of each route, in order. */
const routes = (yaml: string) => {
  const table = translated(SERVICE + yaml).routes.find(({ name }) => name === '9080') ?? RouteConfiguration.fromPartial({});
  return (table.virtualHosts.find(({ name }) => name.startsWith('reviews'))?.routes ?? []).map(({ match, action }) => {
    const route = action?.$case === 'route' ? action.value : undefined;
    const cluster = route?.clusterSpecifier?.$case === 'cluster' ? route.clusterSpecifier.value.split('|')[3]?.split('.svc')[0] : '';
    return [match?.pathSpecifier?.value, match?.headers.map(({ name }) => name).join(), cluster, route?.timeout?.seconds].join(' ');
  });
};

test('each rule of the delegate is narrowed to what the root lets through, and keeps what only the root says', () => {
  const rules = `{match: [{uri: {prefix: /ratings/v2}}], route: [{destination: {host: details}}]},
    {match: [{uri: {prefix: /other}}], route: [{destination: {host: details}}]},
    {route: [{destination: {host: ratings}}], timeout: 9s}`;
  const yaml = root(`{match: [{uri: {prefix: /ratings}, headers: {x-a: {exact: "1"}}}], ${TO_INNER}, timeout: 4s}`) + delegate(rules);
  expect(routes(yaml)).toEqual(['/ratings/v2 x-a details.team 4', '/ratings x-a ratings.team 9', '/  reviews.default 0']);
});

test.each([
  ['a delegate that is not there', ''],
  ['one that has hosts of its own', delegate('{route: [{destination: {host: a}}]}', 'hosts: [other], ')],
  ['one that the root may not see', delegate('{route: [{destination: {host: a}}]}', 'exportTo: [team], ')],
  ['one that delegates again', delegate('{delegate: {name: inner, namespace: team}}')],
])('%s has no rules', (_, inner) => {
  expect(routes(root(`{match: [{uri: {prefix: /a}}], ${TO_INNER}}`) + inner)).toEqual(['/  reviews.default 0']);
});

test.each([
  ['{uri: {exact: /a}}', '{uri: {exact: /a}}', 1],
  ['{uri: {exact: /a}}', '{uri: {prefix: /a}}', 0],
  ['{uri: {prefix: /a}}', '{uri: {exact: /ab}}', 1],
  ['{uri: {prefix: /a}}', '{uri: {regex: /a.*}}', 0],
  ['{method: {exact: GET}}', '{uri: {prefix: /b}}', 1],
  ['{headers: {x: {exact: "1"}}}', '{headers: {x: {exact: "2"}}}', 0],
  ['{port: 9080}', '{port: 80}', 0],
  ['{ignoreUriCase: true, uri: {prefix: /a}}', '{uri: {prefix: /a}}', 0],
])('of the root %s and the delegate %s there are %i routes', (outer, inner, count) => {
  const yaml = root(`{match: [${outer}], ${TO_INNER}}`) + delegate(`{match: [${inner}], route: [{destination: {host: a}}]}`);
  expect(routes(yaml)).toHaveLength(count + 1);
});

test('a route says in which resource it is written', () => {
  const yaml = root(`{match: [{uri: {prefix: /a}}], ${TO_INNER}}`) + delegate('{route: [{destination: {host: a}}]}');
  const [host] = translated(SERVICE + yaml).routes[0]?.virtualHosts ?? [];
  expect(host?.routes[0]?.metadata?.filterMetadata).toMatchObject({
    istio: { config: '/apis/networking.istio.io/v1/namespaces/default/virtual-service/reviews' },
    'dinghy.source': { resource: 'VirtualService team/inner', fieldPath: 'spec.http[0]' },
  });
});
