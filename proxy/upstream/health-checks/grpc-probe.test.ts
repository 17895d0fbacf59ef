import { createServer, type Http2Server, type ServerHttp2Stream } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { simulatedSystem } from '#system/simulated-system.ts';
import { frameMessage } from '#system/sockets/grpc-messages.ts';
import { realNetwork } from '#system/sockets/real-network.ts';
import { watchedCluster } from '../outlier-detection/watched-cluster.fixture.ts';
import { compileGrpcProbe, GrpcProbe } from './grpc-probe.ts';

const OPTIONS = 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions';
const CHECK = { timeout: '1s', interval: '1s', noTrafficInterval: '1s', unhealthyThreshold: 1, healthyThreshold: 1 };

const answerWith = (message: Uint8Array, status = '0'): string => {
  const frame = frameMessage(message).toString('latin1');
  return `HTTP/1.1 200 OK\r\ncontent-type: application/grpc\r\ngrpc-status: ${status}\r\ncontent-length: ${frame.length}\r\n\r\n${frame}`;
};

it('in a simulated world the same messages travel over HTTP/1.1', async () => {
  const config = {
    healthChecks: [{ ...CHECK, grpcHealthCheck: { serviceName: 'books', initialMetadata: [{ header: { key: 'x-a', value: 'b' } }] } }],
    typedExtensionProtocolOptions: {
      [OPTIONS]: { '@type': `type.googleapis.com/${OPTIONS}`, explicitHttpConfig: { http2ProtocolOptions: {} } },
    },
  };
  const room = await watchedCluster(config, { hosts: 1, answer: answerWith(Uint8Array.of(8, 1)) });
  const [host] = room.hosts as [(typeof room.hosts)[0]];
  const isFailed = () => room.cluster().hosts.get(host.key)?.marks.failedActiveCheck;
  await room.system.clock.advance(0);
  expect(isFailed()).toBe(false);
  const asked = host.received.join('');
  expect(asked).toContain('POST /grpc.health.v1.Health/Check HTTP/1.1\r\nhost: echo\r\n');
  expect(asked).toMatch(/content-type: application\/grpc\r\n.*x-a: b\r\ngrpc-timeout: 1000m\r\n/s);
  expect(asked.slice(asked.indexOf('\r\n\r\n') + 4)).toBe(frameMessage(Buffer.from('\n\x05books')).toString('latin1'));
  for (const bad of [answerWith(Uint8Array.of(8, 2)), answerWith(Uint8Array.of(8, 1), '5'), answerWith(Uint8Array.of())]) {
    host.answer = bad;
    await room.system.clock.advance(1_000);
    expect(isFailed()).toBe(true);
    host.answer = answerWith(Uint8Array.of(8, 1));
    await room.system.clock.advance(1_000);
    expect(isFailed()).toBe(false);
  }
  expect(room.stat('health_check.network_failure')).toBe(0);
});

let server: Http2Server | undefined;
afterEach(() => server?.close());

/** A probe of a real HTTP/2 server. */
const probeOf = async (answer: (stream: ServerHttp2Stream) => void) => {
  let sessions = 0;
  server = createServer()
    .on('session', () => sessions++)
    .on('stream', answer);
  await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const system = { ...simulatedSystem(), network: realNetwork() };
  const probe = new GrpcProbe(compileGrpcProbe({ serviceName: '', authority: 'books.example', initialMetadata: [] }), {
    system,
    dial: (signal) => system.network.connect({ address: '127.0.0.1', port }, { timeoutMs: 5_000, signal }),
    authority: 'books.example',
    isSecure: false,
    reusesConnection: true,
    timeoutMs: 5_000,
    verified: () => {},
  });
  return { probe, sessions: () => sessions };
};

const serve = (stream: ServerHttp2Stream, status: number): void => {
  stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
  stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
  stream.end(frameMessage(Uint8Array.of(8, status)));
};

const never = new AbortController().signal;

it('a real host is asked over HTTP/2, on one connection', async () => {
  const headers: object[] = [];
  let status = 1;
  const { probe, sessions } = await probeOf((stream) => {
    stream.on('error', () => {});
    headers.push({ ...stream.sentHeaders });
    serve(stream, status);
  });
  expect(await probe.ask(never)).toEqual({ kind: 'passed', degraded: false });
  status = 2;
  expect(await probe.ask(never)).toMatchObject({ kind: 'failed' });
  expect([sessions(), headers.length]).toEqual([1, 2]);
  probe.close();
});

it('an answer that says so in its only head is one', async () => {
  const { probe } = await probeOf((stream) => stream.respond({ ':status': 200, 'grpc-status': '12' }, { endStream: true }));
  expect(await probe.ask(never)).toMatchObject({ kind: 'failed' });
  probe.close();
});

it.each([
  ['a stream that is reset', (stream: ServerHttp2Stream) => stream.close(2)],
  ['a connection that breaks', (stream: ServerHttp2Stream) => stream.session?.destroy()],
])('%s is no answer', async (_, answer) => {
  const { probe } = await probeOf((stream) => {
    stream.on('error', () => {});
    answer(stream);
  });
  await expect(probe.ask(never)).rejects.toThrow();
  probe.close();
});

it('an abort ends the wait', async () => {
  const asking = new AbortController();
  const { probe } = await probeOf((stream) => {
    stream.on('error', () => {});
    asking.abort(new Error('late'));
  });
  const asked = probe.ask(asking.signal);
  await expect(asked).rejects.toThrow('late');
  probe.close();
});
