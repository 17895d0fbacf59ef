/** What a VirtualService's rule makes of a route, field by field, as istiod writes it. */
import { expect, test } from 'vitest';
import { Route } from '#envoy';
import { translated } from '../translate.fixture.ts';

const REVIEWS = `apiVersion: v1
kind: Service
metadata: {name: reviews}
spec: {ports: [{port: 9080, name: http}], selector: {app: reviews}}
---
`;
const hashed = (fields: string, subsets = ''): string => `apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: reviews}
spec: {host: reviews, trafficPolicy: {loadBalancer: {consistentHash: {${fields}}}}${subsets}}
---
`;
const service = (rule: string): string => `apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: reviews}
spec: {hosts: [reviews], http: [{${rule}}]}
`;
const TO = 'route: [{destination: {host: reviews}}]';

const routeOf = (yaml: string): Route => {
  const table = translated(REVIEWS + yaml).routes.find(({ name }) => name === '9080');
  const [route] = table?.virtualHosts.find(({ name }) => name.startsWith('reviews'))?.routes ?? [];
  if (!route) throw new Error('no route');
  return route;
};
// biome-ignore lint/suspicious/noExplicitAny: JSON of a message
const json = (yaml: string): any => Route.toJSON(routeOf(yaml));
const action = (yaml: string) => json(yaml).route;

test.each([
  ['httpHeaderName: x-user', { header: { headerName: 'x-user' } }],
  ['httpCookie: {name: sess}', { cookie: { name: 'sess' } }],
  ['httpCookie: {name: sess, ttl: 0s, path: /a}', { cookie: { name: 'sess', ttl: '0s', path: '/a' } }],
  [
    'httpCookie: {name: sess, ttl: 60s, attributes: [{name: SameSite, value: Strict}]}',
    { cookie: { name: 'sess', ttl: '60s', attributes: [{ name: 'SameSite', value: 'Strict' }] } },
  ],
  ['useSourceIp: true', { connectionProperties: { sourceIp: true } }],
  ['httpQueryParameterName: q', { queryParameter: { name: 'q' } }],
])('consistentHash {%s} says what of a request is hashed, with and without a VirtualService', (fields, expected) => {
  expect(action(hashed(fields)).hashPolicy).toEqual([expected]);
  expect(action(hashed(fields) + service(TO)).hashPolicy).toEqual([expected]);
});

const SUBSETS = `, subsets: [{name: plain, labels: {a: b}}, {name: even, labels: {a: b}, trafficPolicy: {loadBalancer: {simple: RANDOM}}},
  {name: cookie, labels: {a: b}, trafficPolicy: {loadBalancer: {consistentHash: {httpCookie: {name: c, ttl: 1s}}}}}]`;
const weighted = (...subsets: string[]): string =>
  service(`route: [${subsets.map((subset) => `{destination: {host: reviews, subset: ${subset}}, weight: 1}`).join(', ')}]`);

test('destinations that share a route hash by what each of their subsets says', () => {
  const policies = (...subsets: string[]) => action(hashed('httpHeaderName: x', SUBSETS) + weighted(...subsets)).hashPolicy;
  expect(policies('plain', 'cookie')).toEqual([{ header: { headerName: 'x' } }, { cookie: { name: 'c', ttl: '1s' } }]);
  expect(policies('cookie')).toEqual([{ cookie: { name: 'c', ttl: '1s' } }]);
  expect(policies('even')).toBeUndefined();
});

test('a host that a hash chose is not avoided by the next try of a rule, unless the rule wants it', () => {
  const avoided = (yaml: string) => action(yaml).retryPolicy.retryHostPredicate?.length ?? 0;
  expect(avoided(service(TO))).toBe(1);
  expect(avoided(hashed('httpHeaderName: x'))).toBe(1);
  expect(avoided(hashed('httpHeaderName: x') + service(TO))).toBe(0);
  expect(avoided(hashed('httpHeaderName: x') + service(`${TO}, retries: {attempts: 2, retryIgnorePreviousHosts: true}`))).toBe(1);
  expect(avoided(service(`${TO}, retries: {attempts: 2, retryIgnorePreviousHosts: false}`))).toBe(0);
});

test.each([
  ['attempts: 3', { numRetries: 3, retryOn: 'connect-failure,refused-stream,unavailable,cancelled,retriable-status-codes' }],
  ['attempts: 1, perTryTimeout: 2s, retryOn: "5xx,reset"', { numRetries: 1, retryOn: '5xx,reset', perTryTimeout: '2s' }],
  ['attempts: 1, retryOn: "503,5xx"', { retryOn: '5xx,retriable-status-codes', retriableStatusCodes: [503] }],
  ['attempts: 1, retryOn: "retriable-status-codes,503"', { retryOn: 'retriable-status-codes', retriableStatusCodes: [503] }],
  [
    'attempts: 1, retryRemoteLocalities: true',
    { retryPriority: { name: 'envoy.retry_priorities.previous_priorities', typedConfig: { updateFrequency: 2 } } },
  ],
  ['attempts: 1, backoff: 100ms', { retryBackOff: { baseInterval: '0.100s' } }],
])('retries {%s}', (fields, expected) => {
  expect(action(service(`${TO}, retries: {${fields}}`)).retryPolicy).toMatchObject(expected);
});

test('no attempts, no retries; a timeout holds for gRPC’s own deadline, too', () => {
  expect(action(service(`${TO}, retries: {attempts: 0}`)).retryPolicy).toBeUndefined();
  expect(action(service(`${TO}, timeout: 3s`))).toMatchObject({ timeout: '3s', maxGrpcTimeout: '3s' });
});

test.each([
  ['uri: /new', { pathRedirect: '/new' }],
  ['prefixRewrite: /new', { prefixRewrite: '/new' }],
  ['authority: a.test, port: 8080, redirectCode: 308', { hostRedirect: 'a.test', portRedirect: 8080, responseCode: 'PERMANENT_REDIRECT' }],
  ['authority: a.test, derivePort: FROM_REQUEST_PORT', { portRedirect: 9080 }],
  ['scheme: https, port: 443', { schemeRedirect: 'https' }],
])('redirect {%s}', (fields, expected) => {
  expect(json(service(`redirect: {${fields}}`)).redirect).toMatchObject(expected);
});

test('the own port of a scheme is not written into a redirect', () => {
  expect(json(service('redirect: {scheme: https, port: 443}')).redirect.portRedirect).toBeUndefined();
  expect(json(service('redirect: {authority: a.test, port: 80}')).redirect.portRedirect).toBeUndefined();
  expect(json(service('redirect: {scheme: https, port: 80}')).redirect.portRedirect).toBe(80);
});

test('edits of a single destination come after those of its rule, and a rewritten authority before a host that is set', () => {
  const single = `route: [{destination: {host: reviews}, headers: {request: {set: {x: destination, host: d.test}}}}]`;
  const both = json(service(`headers: {request: {set: {x: rule}}}, ${single}`));
  expect(both.requestHeadersToAdd.map(({ header }: { header: { value: string } }) => header.value)).toEqual(['rule', 'destination']);
  expect(both.route).toMatchObject({ cluster: 'outbound|9080||reviews.default.svc.cluster.local', hostRewriteLiteral: 'd.test' });
  const rewritten = service(`rewrite: {authority: r.test}, ${single}`);
  expect(action(rewritten).hostRewriteLiteral).toBe('r.test');
  expect(action(service(`headers: {request: {set: {host: s.test}}}, ${single}`)).hostRewriteLiteral).toBe('s.test');
});

test('the statPrefix of a match names the statistics of its route', () => {
  expect(json(service(`match: [{statPrefix: mine, uri: {prefix: /}}], ${TO}`)).statPrefix).toBe('mine');
});

test('mirrors: all without a percentage, none at 0, otherwise that share; one and several', () => {
  const shares = (fields: string) =>
    (action(service(`${fields}, ${TO}`)).requestMirrorPolicies ?? []).map(
      (policy: { runtimeFraction: { defaultValue: object } }) => policy.runtimeFraction.defaultValue,
    );
  expect(shares('mirror: {host: reviews}')).toEqual([{ numerator: 100 }]);
  expect(shares('mirror: {host: reviews}, mirrorPercentage: {value: 0}')).toEqual([]);
  expect(shares('mirrors: [{destination: {host: reviews}, percentage: {value: 0.5}}, {destination: {host: reviews}}]')).toEqual([
    { numerator: 5000, denominator: 'MILLION' },
    { numerator: 100 },
  ]);
});
