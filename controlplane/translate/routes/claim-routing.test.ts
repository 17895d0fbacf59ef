/** Routes by claims of a verified token, on a gateway. */
import { expect, test } from 'vitest';
import { RouteConfiguration } from '#envoy';
import { GATEWAY, translated } from '../translate.fixture.ts';

const SERVICES = ['reviews', 'ratings', 'productpage']
  .map(
    (name) =>
      `apiVersion: v1\nkind: Service\nmetadata: {name: ${name}}\nspec: {ports: [{port: 9080, name: http}], selector: {app: ${name}}}\n---\n`,
  )
  .join('');
const GW =
  'apiVersion: networking.istio.io/v1\nkind: Gateway\nmetadata: {name: gw}\nspec: {selector: {istio: ingressgateway}, servers: [{port: {number: 8080, name: http, protocol: HTTP}, hosts: ["*"]}]}\n---\n';

const routesOf = (matches: readonly string[]) => {
  const http = [
    ...matches.map((match) => `{match: [${match}], route: [{destination: {host: reviews}}]}`),
    '{route: [{destination: {host: productpage}}]}',
  ];
  const shop = `apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: shop}\nspec: {hosts: [shop.test], gateways: [gw], http: [${http.join(', ')}]}\n`;
  const { routes } = translated(SERVICES + GW + shop, GATEWAY);
  // biome-ignore lint/suspicious/noExplicitAny: JSON of a message.
  const [table] = routes.map((found) => RouteConfiguration.toJSON(found) as any);
  return table.virtualHosts[0].routes;
};

const claim = (path: readonly string[], value: object, invert?: boolean) => ({
  filter: 'envoy.filters.http.jwt_authn',
  path: ['payload', ...path].map((key) => ({ key })),
  value,
  ...(invert && { invert }),
});
const textOrInList = (text: object) => ({
  orMatch: { valueMatchers: [{ listMatch: { oneOf: { stringMatch: text } } }, { stringMatch: text }] },
});

test('a claim by name or by names inside each other, as a text or in a list; what has no claim goes on to the next route', () => {
  const [admin, nested, rest] = routesOf([
    '{headers: {"@request.auth.claims.groups": {exact: admin}}}',
    '{headers: {"@request.auth.claims[a][b]": {prefix: x}}, withoutHeaders: {"@request.auth.claims.sub": {exact: bob}}}',
  ]);
  expect(admin.match).toMatchObject({ prefix: '/', dynamicMetadata: [claim(['groups'], textOrInList({ exact: 'admin' }))] });
  expect(admin.match.headers).toBeUndefined();
  expect(nested.match.dynamicMetadata).toMatchObject([
    claim(['a', 'b'], textOrInList({ prefix: 'x' })),
    claim(['sub'], textOrInList({ exact: 'bob' }), true),
  ]);
  expect(rest.match.dynamicMetadata).toBeUndefined();
});

test('the presence of a claim can be asked for, and its absence', () => {
  const [has, lacks] = routesOf(['{headers: {"@request.auth.claims.sub": {}}}', '{withoutHeaders: {"@request.auth.claims.sub": {}}}']);
  expect(has.match.dynamicMetadata).toMatchObject([claim(['sub'], { presentMatch: true })]);
  expect(lacks.match.dynamicMetadata).toMatchObject([claim(['sub'], { presentMatch: true }, true)]);
});

test('a route that asks for a claim is no catch-all, however wide its path', () => {
  const routes = routesOf(['{headers: {"@request.auth.claims.groups": {exact: admin}}}']);
  expect(routes.map(({ match }: { match: { dynamicMetadata?: unknown } }) => match.dynamicMetadata !== undefined)).toEqual([true, false]);
});
