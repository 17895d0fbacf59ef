import { describe, expect, it } from 'vitest';
import { RouteConfiguration } from '#envoy';
import { seededRandom } from '#system/random.ts';
import { EMPTY_BODY } from '../http/body.ts';
import { HeaderMap } from '../http/header-map.ts';
import { type HttpRequest, NO_TRAILERS } from '../http/message.ts';
import { compileRoutes } from './compile-routes.ts';
import { buildRouteTable } from './route-table.ts';

const notHere = () => Promise.reject(new Error('not called'));
const nowhere = { handle: notHere, after: [] };

const tableOf = (config: object) =>
  buildRouteTable(compileRoutes(RouteConfiguration.fromJSON({ name: 'test', ...config }), seededRandom(1)), {
    route: () => nowhere,
    noRoute: () => nowhere,
    toHttps: notHere,
  });

const request = (path: string, overrides: Partial<HttpRequest> = {}): HttpRequest => ({
  method: 'GET',
  scheme: 'http',
  authority: 'reviews',
  path,
  headers: HeaderMap.EMPTY,
  body: EMPTY_BODY,
  trailers: NO_TRAILERS,
  ...overrides,
});

const routed = (matches: object[], path: string, overrides: Partial<HttpRequest> = {}): string => {
  const routes = matches.map((match, index) => ({ name: `r${index}`, match, route: { cluster: 'c' } }));
  return tableOf({ virtual_hosts: [{ name: 'v', domains: ['*'], routes }] }).match(request(path, overrides)).name;
};

const host = (name: string, ...domains: string[]) => ({
  name,
  domains,
  routes: [{ name, match: { prefix: '/' }, route: { cluster: 'c' } }],
});

describe('route table', () => {
  it('takes the first route that fits, not the most specific', () => {
    expect(routed([{ prefix: '/' }, { path: '/exact' }], '/exact')).toBe('r0');
  });

  it('compares paths without their query', () => {
    expect(routed([{ path: '/a' }], '/a?x=1')).toBe('r0');
    expect(routed([{ path: '/a' }], '/a/')).toBe('');
  });

  it('takes a prefix as text and a separated prefix by segments', () => {
    expect(routed([{ prefix: '/api' }], '/apix')).toBe('r0');
    expect(routed([{ path_separated_prefix: '/api' }], '/apix')).toBe('');
    expect(routed([{ path_separated_prefix: '/api' }], '/api/x')).toBe('r0');
    expect(routed([{ path_separated_prefix: '/api' }], '/api?x')).toBe('r0');
  });

  it('matches a regex against the whole path', () => {
    expect(routed([{ safe_regex: { regex: '/v[0-9]' } }], '/v1')).toBe('r0');
    expect(routed([{ safe_regex: { regex: '/v[0-9]' } }], '/v1/x')).toBe('');
  });

  it('ignores case only when told to', () => {
    expect(routed([{ prefix: '/Prod' }], '/prod')).toBe('');
    expect(routed([{ prefix: '/Prod', case_sensitive: false }], '/PROD')).toBe('r0');
  });

  it('wants path, every header and every query parameter at once', () => {
    const match = {
      prefix: '/',
      headers: [{ name: 'end-user', string_match: { exact: 'jason' } }],
      query_parameters: [{ name: 'a', string_match: { exact: 'b' } }],
    };
    const headers = HeaderMap.of(['end-user', 'jason']);
    expect(routed([match], '/x?a=b', { headers })).toBe('r0');
    expect(routed([match], '/x?a=c', { headers })).toBe('');
    expect(routed([match], '/x?a=b')).toBe('');
  });

  it('compares query parameters as they stand, the first of a name', () => {
    const match = { prefix: '/', query_parameters: [{ name: 'a', string_match: { exact: 'b c' } }] };
    expect(routed([match], '/?a=b%20c')).toBe('');
    expect(routed([{ prefix: '/', query_parameters: [{ name: 'a', string_match: { exact: '1' } }] }], '/?a=1&a=2')).toBe('r0');
  });

  it('prefers exact domains, then the longest suffix, then the longest prefix, then *', () => {
    const table = tableOf({
      virtual_hosts: [
        host('any', '*'),
        host('short', '*.com'),
        host('long', '*.example.com'),
        host('prefix', 'api.*'),
        host('exact', 'api.example.com'),
      ],
    });
    const names = ['api.example.com', 'b.example.com', 'b.com', 'api.org', 'x', 'API.Example.COM'].map(
      (authority) => table.match(request('/', { authority })).name,
    );
    expect(names).toEqual(['exact', 'long', 'short', 'prefix', 'any', 'exact']);
  });

  it('ignores the port only when told to', () => {
    const hosts = { virtual_hosts: [host('r', 'reviews')] };
    expect(tableOf(hosts).match(request('/', { authority: 'reviews:9080' })).name).toBe('');
    expect(tableOf({ ...hosts, ignore_port_in_host_matching: true }).match(request('/', { authority: 'reviews:9080' })).name).toBe('r');
  });

  it.each([
    [{ virtual_hosts: [host('a', 'x'), host('b', 'X')] }, 'virtual_hosts[1].domains[0]: '],
    [
      { virtual_hosts: [{ name: 'v', domains: ['*'], routes: [{ match: { prefix: '/' }, route: { cluster_header: 'x' } }] }] },
      'virtual_hosts[0].routes[0].route.cluster_header: ',
    ],
    [
      {
        virtual_hosts: [
          {
            name: 'v',
            domains: ['*'],
            routes: [{ match: { prefix: '/' }, route: { cluster: 'c', hash_policy: [{ filter_state: { key: 'x' } }] } }],
          },
        ],
      },
      'virtual_hosts[0].routes[0].route.hash_policy[0].filter_state: not supported by this proxy',
    ],
    [
      {
        virtual_hosts: [
          {
            name: 'v',
            domains: ['*'],
            routes: [{ match: { prefix: '/' }, route: { weighted_clusters: { clusters: [{ name: 'a', weight: 0 }] } } }],
          },
        ],
      },
      'virtual_hosts[0].routes[0].route.weighted_clusters.clusters: ',
    ],
  ])('refuses %# with its path', (config, message) => {
    expect(() => tableOf(config)).toThrow(message);
  });
});
