import { describe, expect, it } from 'vitest';
import { Any } from '#envoy';
import { simulatedSystem } from '#system/simulated-system.ts';
import { EMPTY_BODY } from '../http/body.ts';
import { HeaderMap } from '../http/header-map.ts';
import { type HttpRequest, type HttpResponse, NO_TRAILERS } from '../http/message.ts';
import { StreamError } from '../http/stream-error.ts';
import { StreamRecord } from '../http/stream-record.ts';
import { filterRoom } from './filter-room.fixture.ts';
import { filterTypeOf } from './registry.ts';

const prefix = 'type.googleapis.com/envoy.extensions.filters.http';
const FAULT = `${prefix}.fault.v3.HTTPFault`;
const CORS = `${prefix}.cors.v3.Cors`;
const RBAC = `${prefix}.rbac.v3.RBAC`;

const ok: HttpResponse = { status: 200, headers: HeaderMap.EMPTY, body: EMPTY_BODY, trailers: NO_TRAILERS };

const request = (overrides: Partial<HttpRequest> = {}, ...pairs: [string, string][]): HttpRequest => ({
  method: 'GET',
  scheme: 'http',
  authority: 'ratings',
  path: '/ratings/1?x=1',
  headers: HeaderMap.of(...pairs),
  body: EMPTY_BODY,
  trailers: NO_TRAILERS,
  ...overrides,
});

interface Peer {
  readonly address?: string;
  readonly identity?: string;
}

const setUp = (type: string, config: object, { route, peer = {} }: { route?: object; peer?: Peer } = {}) => {
  const system = simulatedSystem();
  const room = filterRoom({ system, upstream: () => () => Promise.resolve(ok) });
  const any = (value: object) => Any.fromJSON(value);
  const listener = any({ '@type': type, ...config });
  const filterType = filterTypeOf(type);
  const filter = route ? filterType.compileRoute?.(listener, any(route), room) : filterType.compile(listener, room);
  const downstream = {
    id: 1,
    local: { address: '10.0.0.2', port: 9080 },
    remote: { address: peer.address ?? '10.0.0.1', port: 5 },
    ...(peer.identity !== undefined && { peerIdentity: peer.identity }),
  };
  const stream = new StreamRecord(1, downstream, 0, 0);
  let forwarded = 0;
  const next = async () => {
    forwarded++;
    return ok;
  };
  const run = async (asked: HttpRequest) => {
    const result = (filter ? filter(asked, stream, next) : next()).catch((error: unknown) => error);
    await system.clock.advance(60_000);
    return (await result) as HttpResponse;
  };
  const count = (name: string): number => system.metrics.scope('http', 'test').counter(name).value;
  return { filter, stream, run, count, forwarded: () => forwarded };
};

const percentage = { numerator: 100 };

describe('registry', () => {
  it('refuses a type that it does not know, by name', () => {
    expect(() => filterTypeOf(`${prefix}.lua.v3.Lua`)).toThrow('envoy.extensions.filters.http.lua.v3.Lua is not supported by this proxy');
  });
});

describe('fault', () => {
  it('aborts with the status asked for, standard or not, and never asks upstream', async () => {
    const { run, forwarded } = setUp(FAULT, { abort: { httpStatus: 555, percentage } });
    expect(await run(request())).toMatchObject({ flag: 'FI', status: 555, text: 'fault filter abort', codeDetails: 'fault_filter_abort' });
    expect(forwarded()).toBe(0);
  });

  it('delays first and then aborts', async () => {
    const { run, stream } = setUp(FAULT, { delay: { fixedDelay: '2s', percentage }, abort: { httpStatus: 503, percentage } });
    expect(await run(request())).toMatchObject({ flag: 'FI', status: 503 });
    expect([...stream.flags]).toEqual(['DI']);
  });

  it('is not in the chain at all when no percentage is given', () => {
    expect(setUp(FAULT, { abort: { httpStatus: 500 } }).filter).toBeUndefined();
  });

  it('leaves requests alone whose headers do not match', async () => {
    const headers = [{ name: 'end-user', stringMatch: { exact: 'jason' } }];
    const { run } = setUp(FAULT, { abort: { httpStatus: 500, percentage }, headers });
    expect(await run(request())).toMatchObject({ status: 200 });
    expect(await run(request({}, ['end-user', 'jason']))).toMatchObject({ status: 500 });
  });

  it('gives a gRPC client its status in gRPC clothes', async () => {
    const { run } = setUp(FAULT, { abort: { grpcStatus: 14, percentage } });
    expect((await run(request({}, ['content-type', 'application/grpc']))).headers.get('grpc-status')).toBe('14');
    expect((await run(request())).headers.has('grpc-status')).toBe(false);
  });
});

describe('fault by header', () => {
  const config = { abort: { headerAbort: {}, percentage }, delay: { headerDelay: {}, percentage } };

  it('strikes only clients that ask for it, with what they ask for', async () => {
    const { run, stream } = setUp(FAULT, config);
    expect(await run(request())).toMatchObject({ status: 200 });
    expect(await run(request({}, ['x-envoy-fault-abort-request', '451']))).toMatchObject({ flag: 'FI', status: 451 });
    await run(request({}, ['x-envoy-fault-delay-request', '20']));
    expect([...stream.flags]).toEqual(['DI']);
  });

  it('lets clients ask for less than the configured share, never for more', async () => {
    const asked = ['x-envoy-fault-abort-request', '503'] as [string, string];
    const never = setUp(FAULT, { abort: { headerAbort: {}, percentage: { numerator: 0 } } });
    expect(await never.run(request({}, asked, ['x-envoy-fault-abort-request-percentage', '100']))).toMatchObject({ status: 200 });
    expect(await setUp(FAULT, config).run(request({}, asked, ['x-envoy-fault-abort-request-percentage', '0']))).toMatchObject({
      status: 200,
    });
  });

  it('means only the named clients when some are named', async () => {
    const { run } = setUp(FAULT, { abort: { httpStatus: 500, percentage }, downstreamNodes: ['n1'] });
    expect(await run(request())).toMatchObject({ status: 200 });
    expect(await run(request({}, ['x-envoy-downstream-service-node', 'n1']))).toMatchObject({ status: 500 });
  });
});

describe('grpc stats', () => {
  const counted = async (method: string, answer: HttpResponse | StreamError) => {
    const system = simulatedSystem();
    const any = Any.fromJSON({ '@type': `${prefix}.grpc_stats.v3.FilterConfig`, statsForAllMethods: true });
    const filter = filterTypeOf(any.typeUrl).compile(any, filterRoom({ system, upstream: () => () => Promise.resolve(ok) }));
    const here = { address: '10.0.0.2', port: 1 };
    const stream = new StreamRecord(1, { id: 1, local: here, remote: here }, 0, 0);
    stream.clusterName = 'c';
    const next = () => (answer instanceof StreamError ? Promise.reject(answer) : Promise.resolve(answer));
    await filter?.(request({ path: method }, ['content-type', 'application/grpc']), stream, next).catch(() => {});
    await system.clock.advance(1);
    return ['0', '14', 'success', 'failure'].map((end) => system.metrics.value(`cluster.c.grpc.p.S.M.${end}`));
  };

  it('counts how calls ended, also by this proxy itself, and nothing that is no call', async () => {
    const unavailable = new StreamError('UH', { codeDetails: 'no_healthy_upstream' });
    expect(await counted('/p.S/M', { ...ok, headers: HeaderMap.of(['grpc-status', '0']) })).toEqual([1, undefined, 1, undefined]);
    expect(await counted('/p.S/M', unavailable)).toEqual([undefined, 1, undefined, 1]);
    expect(await counted('/p.S/M', ok)).toEqual([undefined, undefined, undefined, undefined]);
    expect(await counted('/other', unavailable)).toEqual([undefined, undefined, undefined, undefined]);
  });
});

describe('fault of one cluster', () => {
  it('strikes requests that go there', async () => {
    const { run, stream, forwarded } = setUp(FAULT, { abort: { httpStatus: 503, percentage }, upstreamCluster: 'ratings' });
    stream.clusterName = 'reviews';
    await run(request());
    expect(forwarded()).toBe(1);
    stream.clusterName = 'ratings';
    expect(await run(request())).toMatchObject({ flag: 'FI' });
  });
});

describe('cors', () => {
  const policy = {
    '@type': `${prefix}.cors.v3.CorsPolicy`,
    allowOriginStringMatch: [{ exact: 'http://a.com' }],
    allowMethods: 'GET,POST',
    allowHeaders: 'x-foo',
    exposeHeaders: 'x-exp',
    maxAge: '86400',
    allowCredentials: true,
  };
  const preflight = (origin: string) => request({ method: 'OPTIONS' }, ['origin', origin], ['access-control-request-method', 'PUT']);

  it('answers an allowed preflight itself, with the fields in Envoy order', async () => {
    const { run, forwarded, stream } = setUp(CORS, {}, { route: policy });
    const response = await run(preflight('http://a.com'));
    expect(response.headers.flat.filter((_text, index) => index % 2 === 0).map((name) => name.replace('access-control-', ''))).toEqual([
      'allow-origin',
      'allow-credentials',
      'allow-methods',
      'allow-headers',
      'max-age',
      'expose-headers',
    ]);
    expect([forwarded(), stream.codeDetails]).toEqual([0, 'cors_response']);
  });

  it('forwards a preflight of another origin, or answers it bare when told to', async () => {
    const forwarding = setUp(CORS, {}, { route: policy });
    await forwarding.run(preflight('http://b.com'));
    const answering = setUp(CORS, {}, { route: { ...policy, forwardNotMatchingPreflights: false } });
    expect((await answering.run(preflight('http://b.com'))).headers.has('access-control-allow-origin')).toBe(false);
    expect([forwarding.forwarded(), answering.forwarded()]).toEqual([1, 0]);
  });

  it('never blocks an actual request, and marks the answer only for allowed origins', async () => {
    const { run } = setUp(CORS, {}, { route: policy });
    expect((await run(request({}, ['origin', 'http://a.com']))).headers.get('access-control-allow-origin')).toBe('http://a.com');
    expect((await run(request({}, ['origin', 'http://b.com']))).headers.has('access-control-allow-origin')).toBe(false);
  });
});

describe('cors in the shadow', () => {
  it('counts what it would do, and does nothing', async () => {
    const never = { defaultValue: { numerator: 0 } };
    const shadow = { '@type': `${prefix}.cors.v3.CorsPolicy`, filterEnabled: never, shadowEnabled: { defaultValue: percentage } };
    const { run, forwarded, count } = setUp(CORS, {}, { route: { ...shadow, allowOriginStringMatch: [{ exact: 'http://a.com' }] } });
    const preflight = request({ method: 'OPTIONS' }, ['origin', 'http://a.com'], ['access-control-request-method', 'PUT']);
    expect((await run(preflight)).headers.has('access-control-allow-origin')).toBe(false);
    await run(request({}, ['origin', 'http://b.com']));
    expect([forwarded(), count('cors.origin_valid'), count('cors.origin_invalid')]).toEqual([2, 1, 1]);
  });
});

describe('cors of other answers', () => {
  it('takes a lone star for any origin', async () => {
    const { run } = setUp(CORS, {}, { route: { '@type': `${prefix}.cors.v3.CorsPolicy`, allowOriginStringMatch: [{ exact: '*' }] } });
    expect((await run(request({}, ['origin', 'http://any']))).headers.get('access-control-allow-origin')).toBe('http://any');
  });
});

describe('rbac', () => {
  const one = (action: string, permission: object, principal: object = { any: true }) => ({
    rules: { action, policies: { p: { permissions: [permission], principals: [principal] } } },
  });
  const denied = async (config: object, asked: HttpRequest, peer: Peer = {}) => {
    const answer = await setUp(RBAC, config, { peer }).run(asked);
    return answer instanceof StreamError && answer.status === 403 && !answer.flagged ? answer.codeDetails : 'passed';
  };

  it('denies what a DENY policy matches, and names the policy', async () => {
    const config = one('DENY', { header: { name: 'x-role', stringMatch: { exact: 'admin' } } });
    expect(await denied(config, request({}, ['x-role', 'user'], ['x-role', 'admin']))).toBe('rbac_access_denied_matched_policy[p]');
    expect(await denied(config, request())).toBe('passed');
  });

  it('denies what no ALLOW policy matches; with no policy at all that is everything', async () => {
    const none = 'rbac_access_denied_matched_policy[none]';
    expect(await denied(one('ALLOW', { urlPath: { path: { prefix: '/admin' } } }), request())).toBe(none);
    expect(await denied({ rules: { action: 'ALLOW' } }, request())).toBe(none);
  });

  it('sees the path without its query', async () => {
    expect(await denied(one('ALLOW', { urlPath: { path: { exact: '/ratings/1' } } }), request())).toBe('passed');
  });

  it('knows identities only from mutual TLS', async () => {
    const bookinfo = { authenticated: { principalName: { prefix: 'spiffe://cluster.local/' } } };
    const config = one('ALLOW', { any: true }, bookinfo);
    expect(await denied(config, request(), { identity: 'spiffe://cluster.local/ns/default/sa/reviews' })).toBe('passed');
    expect(await denied(config, request())).toContain('[none]');
  });

  it('combines rules with and, or and not', async () => {
    const rule = { andRules: { rules: [{ destinationPort: 9080 }, { notRule: { header: { name: 'x-bad', presentMatch: true } } }] } };
    expect(await denied(one('ALLOW', rule), request())).toBe('passed');
    expect(await denied(one('ALLOW', rule), request({}, ['x-bad', '']))).toContain('[none]');
  });

  it.each([
    ['10.0.0.0', 8, '10.0.0.1', true],
    ['10.0.0.0', 8, '11.0.0.1', false],
    ['10.0.0.0', 8, '::ffff:10.0.0.1', true],
    ['fd00::', 8, 'fd12::1', true],
  ])('takes %s/%i for %s: %s', async (addressPrefix, prefixLen, address, inside) => {
    const config = one('ALLOW', { any: true }, { directRemoteIp: { addressPrefix, prefixLen } });
    expect(await denied(config, request(), { address })).toBe(inside ? 'passed' : 'rbac_access_denied_matched_policy[none]');
  });

  it('only counts for LOG and for shadow rules', async () => {
    const everything = one('DENY', { any: true });
    expect(await denied(one('LOG', { any: true }), request())).toBe('passed');
    expect(await denied({ shadowRules: everything.rules }, request())).toBe('passed');
  });

  it('refuses a rule that it does not understand, with its path', () => {
    const config = one('DENY', { andRules: { rules: [{ matcher: { name: 'x', typedConfig: { '@type': `${prefix}.cors.v3.Cors` } } }] } });
    expect(() => setUp(RBAC, config)).toThrow('rules.policies[p].permissions[0].and_rules.rules[0].matcher: not supported by this proxy');
  });
});
