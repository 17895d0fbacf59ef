import { describe, expect, it } from 'vitest';
import { ClusterLoadAssignment, Cluster as ClusterMessage } from '#envoy';
import type { MetricRegistry } from '#system/metric-registry.ts';
import { simulatedSystem } from '#system/simulated-system.ts';
import { ERROR } from '../../codec/http2/errors.ts';
import { FRAME, numbers, SETTING } from '../../codec/http2/frames.ts';
import { Peer } from '../../codec/http2/peer.fixture.ts';
import { EMPTY_BODY } from '../../http/body.ts';
import { HeaderMap } from '../../http/header-map.ts';
import { type HttpRequest, type HttpResponse, NO_TRAILERS } from '../../http/message.ts';
import type { StreamError } from '../../http/stream-error.ts';
import { StreamRecord } from '../../http/stream-record.ts';
import { ClusterManager } from '../cluster-manager.ts';
import { compileCluster } from '../compile-cluster.ts';
import { compileEndpoints } from '../compile-endpoints.ts';
import { httpOptions } from './pool.fixture.ts';

const AT = { address: '10.0.0.1', port: 80 };
const REQUEST: HttpRequest = {
  method: 'GET',
  scheme: 'http',
  authority: 'echo',
  path: '/',
  headers: HeaderMap.EMPTY,
  body: EMPTY_BODY,
  trailers: NO_TRAILERS,
};
const OK = [':status', '200'];
const HTTP2 = { explicitHttpConfig: { http2ProtocolOptions: {} } };

interface Call {
  readonly stream: StreamRecord;
  response?: HttpResponse;
  error?: StreamError;
}

const setUp = async (options: object = HTTP2, config: object = {}, settings: readonly (readonly [number, number])[] | 'none' = []) => {
  const system = simulatedSystem();
  const peers: Peer[] = [];
  await system.network.listen(AT, (connection) => {
    const peer = new Peer(connection);
    peers.push(peer);
    if (settings !== 'none') peer.settings(...settings);
  });
  const manager = new ClusterManager(system);
  const { typedExtensionProtocolOptions } = httpOptions(options) as Pick<ClusterMessage, 'typedExtensionProtocolOptions'>;
  const message = { ...ClusterMessage.fromJSON({ name: 'echo', connectTimeout: '1s', ...config }), typedExtensionProtocolOptions };
  const endpoint = { address: { socketAddress: { address: AT.address, portValue: AT.port } } };
  const assignment = ClusterLoadAssignment.fromJSON({ clusterName: 'echo', endpoints: [{ lbEndpoints: [{ endpoint }] }] });
  manager.reconcile(new Map([['echo', { config: compileCluster(message), endpoints: compileEndpoints(assignment) }]]));
  const cluster = manager.slot('echo').current;
  if (!cluster) throw new Error('the cluster does not run');
  const settle = () => system.clock.advance(0);
  const call = async (request: Partial<HttpRequest> = {}, protocol?: 'HTTP/2'): Promise<Call> => {
    const made: Call = { stream: new StreamRecord(1, { id: 1, local: AT, remote: AT, ...(protocol && { protocol }) }, 0, 0) };
    cluster.send({ ...REQUEST, ...request }, made.stream, { repicks: 0 }).then(
      (response) => {
        made.response = response;
      },
      (error: StreamError) => {
        made.error = error;
      },
    );
    await settle();
    return made;
  };
  const stat = (name: string) => (system.metrics as MetricRegistry).value(`cluster.echo.${name}`);
  return { system, peers, cluster, call, settle, stat };
};

const opened = (peers: readonly Peer[]) => peers.map((peer) => peer.of('headers').map(({ id }) => id));

describe('connections that speak HTTP/2', () => {
  it('carry as many requests as the host allows; those beyond get another', async () => {
    const { peers, call, settle, stat } = await setUp(HTTP2, {}, [[SETTING.maxStreams, 2]]);
    const calls = [await call(), await call(), await call()];
    expect(opened(peers)).toEqual([[1, 3], [1]]);
    expect([stat('upstream_cx_http2_total'), stat('upstream_rq_active'), stat('upstream_cx_http1_total')]).toEqual([2, 3, 0]);
    peers[0]?.headers(3, OK);
    await settle();
    expect(calls.map(({ response }) => response?.status)).toEqual([undefined, 200, undefined]);
    await call();
    expect([opened(peers), stat('upstream_rq_active')]).toEqual([[[1, 3, 5], [1]], 3]);
  });

  it('are not opened again and again to a host that allows no request at all', async () => {
    const { peers, call, settle, stat } = await setUp(HTTP2, {}, [[SETTING.maxStreams, 0]]);
    const waiting = await call();
    for (let turn = 0; turn < 5; turn++) await settle();
    expect([stat('upstream_cx_total'), waiting.response, waiting.error]).toEqual([1, undefined, undefined]);
    peers[0]?.settings([SETTING.maxStreams, 1]);
    await settle();
    expect(opened(peers)).toEqual([[1]]);
  });

  it('say what is asked, in the words of HTTP/2', async () => {
    const { peers, call } = await setUp();
    const flat = ['connection', 'x', 'transfer-encoding', 'chunked', 'te', 'trailers', 'x-forwarded-proto', 'https', 'x-a', 'b'];
    await call({ headers: new HeaderMap(flat), authority: 'echo:80', path: '/x?y' });
    expect(peers[0]?.of('headers')[0]?.fields).toEqual(
      `:method GET :scheme https :authority echo:80 :path /x?y te trailers x-forwarded-proto https x-a b`.split(' '),
    );
  });

  it('keep the rest when one exchange is taken back', async () => {
    const { peers, call, settle } = await setUp();
    const [first, second] = [await call(), await call()];
    first.stream.abortWith('DC', 'downstream_remote_disconnect');
    peers[0]?.headers(3, OK);
    await settle();
    expect([peers[0]?.of('reset', 1)[0]?.code, first.error?.flag, second.response?.status]).toEqual([ERROR.cancel, 'DC', 200]);
  });

  it('that say goodbye finish what they took; what they did not take is refused, and others begin elsewhere', async () => {
    const { peers, call, settle, stat } = await setUp();
    const [taken, refused] = [await call(), await call()];
    peers[0]?.frame(FRAME.goaway, 0, 0, numbers(1, 0));
    await settle();
    expect(refused.error).toMatchObject({
      flag: 'UR',
      status: 503,
      codeDetails: 'upstream_reset_before_response_started{remote_refused_stream_reset}',
    });
    await call();
    peers[0]?.headers(1, OK);
    await settle();
    expect([taken.response?.status, opened(peers)]).toEqual([200, [[1, 3], [1]]]);
    expect([peers[0]?.ended, stat('upstream_cx_active')]).toEqual([true, 1]);
  });

  it.each([
    [ERROR.refusedStream, 'remote refused stream reset'],
    [ERROR.internal, 'remote reset'],
  ])('hand on why the host reset: %i', async (code, reason) => {
    const { peers, call, settle } = await setUp();
    const { stream } = await call();
    const again = await call();
    peers[0]?.reset(3, code);
    await settle();
    expect(again.error).toMatchObject({
      flag: 'UR',
      codeDetails: `upstream_reset_before_response_started{${reason.replaceAll(' ', '_')}}`,
    });
    expect([again.error?.text, stream.flags.size]).toEqual([
      `upstream connect error or disconnect/reset before headers. reset reason: ${reason}`,
      0,
    ]);
  });

  it('that break off break the bodies under way, never end them', async () => {
    const { peers, call, settle } = await setUp();
    const made = await call();
    peers[0]?.headers(1, OK, 'more').data(1, 'half', 'more');
    await settle();
    peers[0]?.close();
    const read = async () => {
      for await (const _piece of made.response?.body ?? []);
    };
    await expect(read()).rejects.toMatchObject({
      flag: 'UC',
      codeDetails: 'upstream_reset_after_response_started{connection_termination}',
    });
  });

  it.each<[string, (peer: Peer) => void]>([
    ['another protocol', (peer) => peer.raw(Buffer.from('HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n'))],
    ['a head that is none', (peer) => peer.headers(1, ['x', 'y'])],
    ['a body of another length', (peer) => peer.headers(1, [...OK, 'content-length', '3'], 'more').data(1, 'xx')],
    ['a body before its head', (peer) => peer.data(1, 'xx')],
    ['a switch of protocols', (peer) => peer.headers(1, [':status', '101'])],
    ['a push', (peer) => peer.frame(5, 4, 1, numbers(2))],
  ])('fail with a protocol error: %s', async (_, act) => {
    const { peers, call, settle } = await setUp();
    const made = await call();
    act(peers[0] as Peer);
    await settle();
    expect(made.error ?? (await made.response?.trailers.then(() => made.response))).toBeDefined();
    if (made.error) expect(made.error).toMatchObject({ flag: 'UPE', status: 502 });
  });

  it('answer with trailers, whole or in pieces', async () => {
    const { peers, call, settle } = await setUp();
    const made = await call();
    peers[0]?.headers(1, OK, 'more').data(1, 'msg', 'more').headers(1, ['grpc-status', '0']);
    await settle();
    const pieces: Uint8Array[] = [];
    for await (const piece of made.response?.body ?? []) pieces.push(piece);
    expect(Buffer.concat(pieces).toString()).toBe('msg');
    expect((await made.response?.trailers)?.flat).toEqual(['grpc-status', '0']);
  });

  it('send no more of a body than the host takes', async () => {
    const { peers, call, settle } = await setUp(HTTP2, {}, [[SETTING.streamWindow, 10]]);
    const body = { whole: Buffer.from('x'.repeat(25)), async *[Symbol.asyncIterator]() {} };
    await call({ method: 'POST', headers: HeaderMap.of(['content-length', '25']), body });
    expect(peers[0]?.answer(1)).toMatchObject({ text: 'x'.repeat(10), end: undefined });
    peers[0]?.frame(FRAME.windowUpdate, 0, 1, numbers(15));
    await settle();
    expect(peers[0]?.answer(1)).toMatchObject({ text: 'x'.repeat(25), end: 'whole' });
  });
});

describe('limits', () => {
  it('of requests count streams; those that wait for a connection count as waiting', async () => {
    const config = { circuitBreakers: { thresholds: [{ maxRequests: 2, maxConnections: 1 }] } };
    const { call, stat } = await setUp(HTTP2, config);
    await call();
    await call();
    expect((await call()).error).toMatchObject({ flag: 'UO' });
    expect([stat('upstream_rq_active_overflow'), stat('upstream_cx_total'), stat('upstream_rq_pending_active')]).toEqual([1, 1, 0]);
  });

  it('of connections make requests wait for a stream', async () => {
    const config = { circuitBreakers: { thresholds: [{ maxConnections: 1 }] } };
    const { peers, call, settle, stat } = await setUp(HTTP2, config, [[SETTING.maxStreams, 1]]);
    await call();
    const second = await call();
    expect([stat('upstream_rq_pending_active'), stat('upstream_cx_overflow')]).toEqual([1, 1]);
    peers[0]?.headers(1, OK);
    await settle();
    peers[0]?.headers(3, OK);
    await settle();
    expect([second.response?.status, stat('upstream_rq_pending_active'), stat('upstream_rq_active')]).toEqual([200, 0, 0]);
  });

  it('of requests on one connection move on to the next', async () => {
    const { peers, call, settle, stat } = await setUp({ ...HTTP2, commonHttpProtocolOptions: { maxRequestsPerConnection: 2 } });
    await call();
    await call();
    await call();
    expect([opened(peers), stat('upstream_cx_max_requests')]).toEqual([[[1, 3], [1]], 1]);
    peers[0]?.headers(1, OK).headers(3, OK);
    await settle();
    expect(peers.map(({ ended }) => ended)).toEqual([true, false]);
  });

  it('of idleness end a connection without exchanges', async () => {
    const { system, peers, call, settle, stat } = await setUp({ ...HTTP2, commonHttpProtocolOptions: { idleTimeout: '10s' } });
    await call();
    await system.clock.advance(20_000);
    peers[0]?.headers(1, OK);
    await settle();
    await system.clock.advance(9_999);
    expect(peers[0]?.ended).toBe(false);
    await system.clock.advance(1);
    expect([peers[0]?.ended, stat('upstream_cx_idle_timeout'), stat('upstream_cx_active')]).toEqual([true, 1, 0]);
  });

  it('of time end one exchange, not its connection', async () => {
    const { system, peers, call } = await setUp({ ...HTTP2, commonHttpProtocolOptions: { maxStreamDuration: '3s' } });
    const made = await call();
    await system.clock.advance(3_000);
    expect([made.error?.flag, peers[0]?.of('reset', 1)[0]?.code, peers[0]?.ended]).toEqual(['UMSDR', ERROR.cancel, false]);
  });

  it('of silence: a host that accepts and says nothing fails who waits', async () => {
    const { system, peers, call } = await setUp(HTTP2, {}, 'none');
    const made = await call();
    await system.clock.advance(1000);
    expect([made.error?.flag, made.error?.codeDetails, peers[0]?.ended]).toEqual([
      'UF',
      'upstream_reset_before_response_started{connection_timeout}',
      true,
    ]);
  });

  it('of silence: a host that does not answer a PING is gone', async () => {
    const keepalive = { explicitHttpConfig: { http2ProtocolOptions: { connectionKeepalive: { interval: '10s', timeout: '2s' } } } };
    const { system, call, stat } = await setUp(keepalive);
    const made = await call();
    await system.clock.advance(12_000);
    expect([made.error?.flag, stat('http2.keepalive_timeout'), stat('upstream_cx_active')]).toEqual(['UPE', 1, 0]);
  });
});

it('speaks to hosts as the client speaks, where the cluster says so', async () => {
  const { peers, call, stat } = await setUp({ explicitHttpConfig: undefined, useDownstreamProtocolConfig: {} });
  await call();
  await call({}, 'HTTP/2');
  expect([stat('upstream_cx_http1_total'), stat('upstream_cx_http2_total'), peers.length]).toEqual([1, 1, 2]);
});
