import { expect, it } from 'vitest';
import { HttpConnectionManager, RouteConfiguration } from '#envoy';
import { simulatedSystem } from '#system/simulated-system.ts';
import { EMPTY_BODY } from '../http/body.ts';
import { HeaderMap } from '../http/header-map.ts';
import { type HttpRequest, NO_TRAILERS } from '../http/message.ts';
import { StreamRecord } from '../http/stream-record.ts';
import { compileRoutes } from '../routing/compile-routes.ts';
import { buildRouteTable } from '../routing/route-table.ts';
import { ClusterManager } from '../upstream/cluster-manager.ts';
import { HttpWalk } from './compose-routes.ts';

const KEYS = '{"keys":[{"kty":"oct","kid":"k","alg":"HS256","k":"c2VjcmV0"}]}';
/** HS256 with the key `secret`: {"iss":"i","sub":"ann","groups":["admin"]}. */
const TOKEN =
  'eyJhbGciOiJIUzI1NiIsImtpZCI6ImsifQ.eyJpc3MiOiJpIiwic3ViIjoiYW5uIiwiZ3JvdXBzIjpbImFkbWluIl19.bwwTwkWomFC7lOXGQtLhkPKEtIpSXPB-05s7PzjssKc';

const HTTP = 'type.googleapis.com/envoy.extensions.filters.http';
const claim = (name: string, value: string) => ({
  filter: 'envoy.filters.http.jwt_authn',
  path: [{ key: 'payload' }, { key: name }],
  value: { orMatch: { valueMatchers: [{ listMatch: { oneOf: { stringMatch: { exact: value } } } }, { stringMatch: { exact: value } }] } },
});

const answer = (text: string) => ({ directResponse: { status: 200, body: { inlineString: text } } });
const routes = [
  { name: 'admin', match: { prefix: '/', dynamicMetadata: [claim('groups', 'admin')] }, ...answer('for admins') },
  { name: 'bob', match: { prefix: '/', dynamicMetadata: [claim('sub', 'bob')] }, ...answer('for bob') },
  { name: 'all', match: { prefix: '/' }, ...answer('for all') },
];

const ask = async (clearRouteCache: boolean, ...headers: [string, string][]) => {
  const system = simulatedSystem();
  const clusters = new ClusterManager(system);
  const provider = { issuer: 'i', localJwks: { inlineString: KEYS }, payloadInMetadata: 'payload', clearRouteCache };
  const requires = { requiresAny: { requirements: [{ providerName: 'p' }, { allowMissing: {} }] } };
  const config = HttpConnectionManager.fromJSON({
    statPrefix: 's',
    httpFilters: [
      {
        name: 'jwt',
        typedConfig: {
          '@type': `${HTTP}.jwt_authn.v3.JwtAuthentication`,
          providers: { p: provider },
          rules: [{ match: { prefix: '/' }, requires }],
        },
      },
      { name: 'router', typedConfig: { '@type': `${HTTP}.router.v3.Router` } },
    ],
  });
  const walk = new HttpWalk(
    config,
    { system, slot: (name) => clusters.slot(name), dial: () => Promise.reject(new Error('not called')) },
    new WeakMap(),
  );
  const plan = compileRoutes(
    RouteConfiguration.fromJSON({ name: 'r', virtualHosts: [{ name: 'v', domains: ['*'], routes }] }),
    system.random,
  );
  const here = { address: '10.0.0.2', port: 1 };
  const stream = new StreamRecord(1, { id: 1, local: here, remote: here }, 0, 0);
  const request: HttpRequest = {
    method: 'GET',
    scheme: 'http',
    authority: 'a',
    path: '/',
    headers: HeaderMap.of(...headers),
    body: EMPTY_BODY,
    trailers: NO_TRAILERS,
  };
  const found = buildRouteTable(plan, walk).match(request);
  stream.routeName = found.name;
  const { body } = await found.handle(request, stream);
  return { body: new TextDecoder().decode(body.whole), route: stream.routeName };
};

it('finds the route by what the token says, once it is verified', async () => {
  expect(await ask(true, ['authorization', `Bearer ${TOKEN}`])).toEqual({ body: 'for admins', route: 'admin' });
  expect(await ask(true)).toEqual({ body: 'for all', route: 'all' });
});

it('keeps the first route when nobody asks for another match', async () => {
  expect(await ask(false, ['authorization', `Bearer ${TOKEN}`])).toEqual({ body: 'for all', route: 'all' });
});
