import { createServer, type Http2Server, type ServerHttp2Stream } from 'node:http2';
import { afterEach, describe, expect, it } from 'vitest';
import { Any, CheckRequest, CheckResponse } from '#envoy';
import { simulatedSystem } from '#system/simulated-system.ts';
import { realNetwork } from '#system/sockets/real-network.ts';
import { EMPTY_BODY, textBody } from '../http/body.ts';
import { HeaderMap } from '../http/header-map.ts';
import { type HttpRequest, type HttpResponse, NO_TRAILERS } from '../http/message.ts';
import { StreamError } from '../http/stream-error.ts';
import { StreamRecord } from '../http/stream-record.ts';
import { filterRoom } from './filter-room.fixture.ts';
import type { FilterRoom } from './filter-type.ts';
import { filterTypeOf } from './registry.ts';

const PREFIX = 'type.googleapis.com/envoy.extensions.filters.http.ext_authz.v3';
type Pairs = [string, string][];

const answer = (status: number, body = '', ...headers: Pairs): HttpResponse => ({
  ...{ status, headers: HeaderMap.of(...headers), body: textBody(body), trailers: NO_TRAILERS },
});

const setUp = (config: object, room: Partial<FilterRoom>, route?: object) => {
  const given = filterRoom(room);
  const any = Any.fromJSON({ '@type': `${PREFIX}.ExtAuthz`, transportApiVersion: 'V3', ...config });
  const type = filterTypeOf(any.typeUrl);
  const filter = route
    ? type.compileRoute?.(any, Any.fromJSON({ '@type': `${PREFIX}.ExtAuthzPerRoute`, ...route }), given)
    : type.compile(any, given);
  const metrics = given.system.metrics as ReturnType<typeof simulatedSystem>['metrics'];
  const stat = (name: string) => metrics.value(`http.test.ext_authz.${name}`);
  const run = async (request: Partial<HttpRequest> & { fields?: Pairs } = {}, metadata?: StreamRecord['metadata']) => {
    const here = { address: '10.0.0.2', port: 9080 };
    const downstream = { id: 1, local: here, remote: { address: '10.0.0.1', port: 1 }, peerIdentity: 'spiffe://td/ns/a/sa/b' };
    const stream = new StreamRecord(7, downstream, 0, 0);
    stream.metadata = metadata;
    const { fields = [], ...rest } = request;
    const asked: HttpRequest = {
      ...{ method: 'GET', scheme: 'http', authority: 'app', path: '/x?y', body: EMPTY_BODY, trailers: NO_TRAILERS },
      headers: HeaderMap.of(...fields),
      ...rest,
    };
    let passed: HttpRequest | undefined;
    const next = (changed: HttpRequest) => {
      passed = changed;
      return Promise.resolve(answer(200, 'app', ['x-app', '1']));
    };
    try {
      const response = await (filter ? filter(asked, stream, next) : next(asked));
      return { status: response.status, response, passed, stream, error: undefined };
    } catch (error) {
      if (!(error instanceof StreamError)) throw error;
      return { status: error.status, response: undefined, passed, stream, error };
    }
  };
  return { run, stat };
};

const URI = { uri: 'http://authz.example', cluster: 'authz', timeout: '2s' };
const http = (more: object = {}, config: object = {}) => ({ httpService: { serverUri: URI, ...more }, ...config });
const exactly = (...names: string[]) => ({ patterns: names.map((exact) => ({ exact, ignoreCase: true })) });

/** What the authorizer was asked. */
const asking = (config: object, reply: HttpResponse | StreamError, route?: object) => {
  const asked: HttpRequest[] = [];
  const upstream: FilterRoom['upstream'] = () => (request) => {
    asked.push(request);
    return reply instanceof StreamError ? Promise.reject(reply) : Promise.resolve(reply);
  };
  return { ...setUp(config, { upstream }, route), asked };
};

describe('ext_authz over HTTP', () => {
  it('tells the authorizer the head, and of the fields what is listed, each with all its values', async () => {
    const { run, asked } = asking(
      http(
        { pathPrefix: '/check', authorizationRequest: { headersToAdd: [{ key: 'X-Add', value: 'v' }] } },
        { allowedHeaders: exactly('x-role') },
      ),
      answer(200),
    );
    await run({
      method: 'POST',
      fields: [
        ['x-role', 'user'],
        ['x-role', 'admin'],
        ['x-other', '1'],
        ['authorization', 'a'],
        ['x-add', 'forged'],
      ],
    });
    expect(asked[0]).toMatchObject({ method: 'POST', authority: 'app', path: '/check/x?y' });
    expect(asked[0]?.headers.getAll('x-role')).toEqual(['user,admin']);
    expect(asked[0]?.headers.getAll('x-add')).toEqual(['v']);
    expect([asked[0]?.headers.has('x-other'), asked[0]?.headers.get('authorization')]).toEqual([false, 'a']);
  });

  it('lets pass what it allows, with the fields that it may set, and tells the client what it may tell', async () => {
    const response = { allowedUpstreamHeaders: exactly('x-up'), allowedClientHeadersOnSuccess: exactly('x-down') };
    const { run, stat } = asking(
      http({ authorizationResponse: response }),
      answer(200, '', ['x-up', 'new'], ['x-down', 'd'], ['x-no', 'n']),
    );
    const { passed, response: told } = await run({
      fields: [
        ['x-up', 'forged'],
        ['x-up', 'forged'],
      ],
    });
    expect(passed?.headers.getAll('x-up')).toEqual(['new']);
    expect([passed?.headers.has('x-no'), told?.headers.get('x-down'), stat('ok')]).toEqual([false, 'd', 1]);
  });

  it('denies with the status, body and listed fields of the authorizer, flagged and counted', async () => {
    const reply = answer(403, 'no', ['x-down', 'd'], ['x-no', 'n'], ['set-cookie', 'a=1'], ['set-cookie', 'b=2']);
    const { run, stat } = asking(http({ authorizationResponse: { allowedClientHeaders: exactly('x-down') } }), reply);
    const { error, passed } = await run();
    expect(error).toMatchObject({ status: 403, text: 'no', flag: 'UAEX', flagged: true, codeDetails: 'ext_authz_denied' });
    expect(error?.headers).toEqual([['x-down', 'd']]);
    expect([passed, stat('denied')]).toEqual([undefined, 1]);
  });

  it.each([
    ['cannot be reached', new StreamError('UF', { codeDetails: 'x' })],
    ['fails', answer(503, 'broken')],
  ])('refuses when the authorizer %s, or lets pass when told to fail open', async (_how, reply) => {
    const closed = asking(http(), reply);
    expect((await closed.run()).error).toMatchObject({ status: 403, text: '', codeDetails: 'ext_authz_error', flag: 'UAEX' });
    expect((await asking(http({}, { statusOnError: { code: 'ServiceUnavailable' } }), reply).run()).status).toBe(503);
    const open = asking(http({}, { failureModeAllow: true, failureModeAllowHeaderAdd: true }), reply);
    expect(
      (await open.run({ fields: [['x-envoy-auth-failure-mode-allowed', 'no']] })).passed?.headers.get('x-envoy-auth-failure-mode-allowed'),
    ).toBe('true');
    expect([closed.stat('error'), open.stat('failure_mode_allowed')]).toEqual([1, 1]);
  });

  it('gives an authorizer that does not answer no more than its time', async () => {
    const system = simulatedSystem();
    const { run } = setUp(http(), { system, upstream: () => () => new Promise(() => {}) });
    const running = run();
    await system.clock.advance(2001);
    expect((await running).error?.codeDetails).toBe('ext_authz_error');
  });

  it('asks only about what the shadow verdict before it meant', async () => {
    const matcher = { filter: 'envoy.filters.http.rbac', path: [{ key: 'p' }], value: { stringMatch: { prefix: 'istio-ext-authz-x' } } };
    const { run, asked, stat } = asking(http({}, { filterEnabledMetadata: matcher }), answer(403));
    expect((await run()).status).toBe(200);
    expect((await run({}, { 'envoy.filters.http.rbac': { p: 'istio-ext-authz-x-ns[a]' } })).status).toBe(403);
    expect([asked.length, stat('disabled')]).toEqual([1, 1]);
  });

  it('hands on a body that was read for the authorizer, whole and in order', async () => {
    const body = { maxRequestBytes: 4, allowPartialMessage: true };
    const { run, asked } = asking(http({}, { withRequestBody: body }), answer(200));
    const { passed } = await run({ method: 'POST', body: textBody('abcdefgh') });
    const chunks: Uint8Array[] = [];
    for await (const chunk of passed?.body ?? []) chunks.push(chunk);
    expect(Buffer.concat(chunks).toString()).toBe('abcdefgh');
    expect([Buffer.from(asked[0]?.body.whole ?? []).toString(), asked[0]?.headers.get('x-envoy-auth-partial-body')]).toEqual([
      'abcd',
      'true',
    ]);
    const strict = asking(http({}, { withRequestBody: { maxRequestBytes: 4 } }), answer(200));
    expect((await strict.run({ body: textBody('abcdefgh') })).status).toBe(413);
    expect((await strict.run({ body: textBody('abcd') })).status).toBe(200);
  });

  it('is off where a route says so', async () => {
    expect((await asking(http(), answer(403), { disabled: true }).run()).status).toBe(200);
  });

  it('refuses what it does not do, with its path', () => {
    expect(() => asking(http({}, { transportApiVersion: 'V2' }), answer(200))).toThrow('transport_api_version');
    expect(() => asking(http({ serverUri: { uri: 'http://a', cluster: 'c' } }), answer(200))).toThrow('http_service.server_uri.timeout');
    expect(() => asking(http({}, { includeTlsSession: true }), answer(200))).toThrow('include_tls_session');
    const grpc = { grpcService: { envoyGrpc: { clusterName: 'c' } } };
    expect(() => setUp(grpc, {})).toThrow('grpc_service.envoy_grpc: there is no gRPC in the simulated world');
    expect(() => setUp({ grpcService: { googleGrpc: { targetUri: 'x', statPrefix: 'x' } } }, {})).toThrow('grpc_service.target_specifier');
  });
});

describe('ext_authz over gRPC', () => {
  const servers: Http2Server[] = [];
  afterEach(() => {
    for (const server of servers.splice(0)) server.close();
  });

  /** An authorizer on a real socket, which says what `reply` says. */
  const authorizer = async (reply: object | 'hangs' | 'fails', config: object = {}, route?: object) => {
    const asked: CheckRequest[] = [];
    const server = createServer();
    servers.push(server);
    let sessions = 0;
    server.on('session', () => sessions++);
    server.on('stream', (stream: ServerHttp2Stream) => {
      const parts: Buffer[] = [];
      stream.on('error', () => {});
      stream.on('data', (part: Buffer) => parts.push(part));
      stream.on('end', () => {
        asked.push(CheckRequest.decode(Buffer.concat(parts).subarray(5)));
        if (reply === 'hangs') return;
        if (reply === 'fails') return void stream.respond({ ':status': 200, 'grpc-status': '14' }, { endStream: true });
        const message = CheckResponse.encode(CheckResponse.fromJSON(reply)).finish();
        const prefix = Buffer.alloc(5);
        prefix.writeUInt32BE(message.length, 1);
        stream.respond({ ':status': 200 }, { waitForTrailers: true });
        stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
        stream.end(Buffer.concat([prefix, message]));
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as { port: number };
    const simulated = simulatedSystem();
    const system = { ...simulated, network: realNetwork() };
    const dial: FilterRoom['dial'] = () => system.network.connect({ address: '127.0.0.1', port }, { timeoutMs: 1000 });
    const grpcService = { envoyGrpc: { clusterName: 'authz', authority: 'authz.example' }, timeout: '1s' };
    return { ...setUp({ grpcService, ...config }, { system, dial }, route), asked, clock: simulated.clock, sessions: () => sessions };
  };

  it('tells the authorizer who asks whom for what', async () => {
    const { run, asked, sessions } = await authorizer(
      { status: { code: 0 } },
      { metadataContextNamespaces: ['n'] },
      { checkSettings: { contextExtensions: { a: 'b' } } },
    );
    expect(
      (
        await run(
          {
            fields: [
              ['x-role', 'user'],
              ['x-role', 'admin'],
            ],
          },
          { n: { c: 'd' } },
        )
      ).status,
    ).toBe(200);
    await run();
    expect(asked[0]?.attributes).toMatchObject({
      source: { principal: 'spiffe://td/ns/a/sa/b', address: { address: { value: { address: '10.0.0.1' } } } },
      destination: { address: { address: { value: { address: '10.0.0.2', portSpecifier: { value: 9080 } } } } },
      request: { http: { id: '7', method: 'GET', path: '/x?y', host: 'app', headers: { 'x-role': 'user,admin', ':path': '/x?y' } } },
      contextExtensions: { a: 'b' },
      metadataContext: { filterMetadata: { n: { c: 'd' } } },
    });
    expect([asked.length, sessions()]).toEqual([2, 1]);
  });

  it('changes the request as it is told', async () => {
    const { run } = await authorizer({
      status: { code: 0 },
      okResponse: {
        headers: [
          { header: { key: 'X-Set', value: 'new' }, append: false },
          { header: { key: 'x-join', value: 'b' }, append: true },
        ],
        headersToRemove: ['x-gone', 'host'],
        responseHeadersToAdd: [{ header: { key: 'x-told', value: 't' } }],
      },
      dynamicMetadata: { who: 'me' },
    });
    const { passed, response, stream } = await run({
      fields: [
        ['x-set', 'old'],
        ['x-join', 'a'],
        ['x-gone', '1'],
      ],
    });
    expect(passed?.headers.flat).toEqual(['x-set', 'new', 'x-join', 'a,b']);
    expect(response?.headers.get('x-told')).toBe('t');
    expect(stream.metadata).toMatchObject({ 'envoy.filters.http.ext_authz': { who: 'me' } });
  });

  it('denies with what it is told, and with 403 when it is told nothing', async () => {
    const denied = {
      status: { code: 'Unauthorized' },
      body: 'who are you',
      headers: [{ header: { key: 'www-authenticate', value: 'Basic' } }],
    };
    const full = await authorizer({ status: { code: 16 }, deniedResponse: denied });
    expect((await full.run()).error).toMatchObject({ status: 401, text: 'who are you', headers: [['www-authenticate', 'Basic']] });
    expect((await (await authorizer({ status: { code: 7 } })).run()).status).toBe(403);
    expect((await (await authorizer({})).run()).status).toBe(403);
  });

  it('never lets an authorizer write two lines for one', async () => {
    const { run, stat } = await authorizer({
      status: { code: 0 },
      okResponse: { headers: [{ header: { key: 'x-a', value: 'b\r\nx-role: admin' } }] },
    });
    expect((await run()).error).toMatchObject({ status: 500, codeDetails: 'ext_authz_invalid' });
    expect(stat('invalid')).toBe(1);
  });

  it('refuses when the call fails, and when it takes too long', async () => {
    expect((await (await authorizer('fails')).run()).error?.codeDetails).toBe('ext_authz_error');
    const { run, clock, asked } = await authorizer('hangs');
    const running = run();
    await expect.poll(() => asked.length).toBe(1);
    await clock.advance(1001);
    expect((await running).error?.codeDetails).toBe('ext_authz_error');
  });
});
