/** What the log is told of exchanges that end otherwise than with an answer from upstream: one record each, with Envoy's flag and details. */
import assert from 'node:assert/strict';
import { expect, test } from 'vitest';
import { ConnectionManager, type ConnectionManagerSettings, type FinishedStream } from '../http/connection-manager.ts';
import type { Handler } from '../http/filter.ts';
import { SERVER_DEFAULTS } from '../http/serve.ts';
import { settle } from '../system/simulated-clock.ts';
import { simulatedSystem } from '../system/simulated-system.ts';
import { connectionPair, fixedAnswer } from './codec.fixture.ts';
import { Http1Server } from './http1-server.ts';

const AT = { address: '10.0.0.1', port: 80 };
const SETTINGS: ConnectionManagerSettings = {
  server: { ...SERVER_DEFAULTS, streamIdleTimeoutMs: 300, headTimeoutMs: 300 },
  forwarding: {
    useRemoteAddress: false,
    trustedHops: 0,
    skipXffAppend: false,
    generateRequestId: true,
    preserveExternalRequestId: false,
    via: '',
    clientCert: { mode: 'sanitize', describe: () => '' },
  },
  paths: { normalize: true, mergeSlashes: false, escapedSlashes: 'keep' },
  serverName: 'envoy',
  serverHeader: 'overwrite',
  requestIdInResponse: false,
  stripPort: 'none',
  stripTrailingDot: false,
};

const never: Handler = () => new Promise(() => {});

/** What is told of a conversation, after `act`. */
const told = async (
  bytes: string,
  handler: Handler,
  act: (client: ReturnType<typeof connectionPair>[0]) => void = () => {},
  waitMs = 0,
) => {
  const system = simulatedSystem();
  const finished: FinishedStream[] = [];
  const manager = new ConnectionManager(SETTINGS, {
    system,
    routes: { current: { match: () => ({ name: 'main', handle: handler }) } },
    observer: {
      opened: () => {},
      closed: () => {},
      http2: () => assert.fail('HTTP/1.1 only'),
      started: () => {},
      finished: [(each) => void finished.push(each)],
    },
    nextExchangeId: () => 1,
  });
  const [near, client] = connectionPair();
  new Http1Server(near, manager, { id: 1, local: AT, remote: AT }, system.clock);
  client.resume();
  client.write(bytes, 'latin1');
  for (let turn = 0; turn < 3; turn++) await settle();
  act(client);
  for (let turn = 0; turn < 3; turn++) await settle();
  if (waitMs > 0) await system.clock.advance(waitMs);
  await settle();
  return finished.map(({ request, stream, end }) => [
    end.status,
    [...stream.flags].join() || '-',
    stream.codeDetails,
    request ? `${request.method} ${request.path}` : '-',
  ]);
};

const get = (path: string, more = ''): string => `GET ${path} HTTP/1.1\r\nHost: a\r\n${more}\r\n`;
const chunked = 'POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n';

test('a client that leaves while it waits is DC with status 0', async () => {
  expect(await told(get('/x'), never, (client) => client.destroy())).toEqual([[0, 'DC', 'downstream_remote_disconnect', 'GET /x']]);
  expect(await told('GET /x HT', never, (client) => client.destroy())).toEqual([[0, 'DC', 'downstream_remote_disconnect', '-']]);
});

test('a client that leaves without a word is nothing to tell', async () => {
  expect(await told('', never, (client) => client.destroy())).toEqual([]);
});

test('an exchange in which nothing moves is SI: 504 when upstream is late, 408 when the client is', async () => {
  expect(await told(get('/x'), never, undefined, 300)).toEqual([[504, 'SI', 'stream_idle_timeout', 'GET /x']]);
  expect(await told(`${chunked}5\r\nhe`, never, undefined, 300)).toEqual([[408, 'SI', 'stream_idle_timeout', 'POST /x']]);
});

test('a head that takes too long is 408 without a flag', async () => {
  expect(await told('GET /x HT', never, undefined, 300)).toEqual([[408, '-', 'request_header_timeout', '-']]);
});

test('broken bytes are DPE, once, with the request that they belong to', async () => {
  expect(await told('NO HTTP\r\n\r\n', never)).toEqual([[400, 'DPE', 'http1.codec_error', '-']]);
  expect(await told(`${chunked}zz\r\n`, never)).toEqual([[400, 'DPE', 'http1.codec_error', 'POST /x']]);
  expect(await told(chunked, never, (client) => client.write('zz\r\n'))).toEqual([[400, 'DPE', 'http1.codec_error', 'POST /x']]);
});

test('what the connection manager refuses carries no flag', async () => {
  const answer = fixedAnswer('');
  expect(await told('GET /x HTTP/1.1\r\n\r\n', answer)).toEqual([[400, '-', 'missing_host_header', 'GET /x']]);
  expect(await told(get('/a%00'), answer)).toEqual([[400, '-', 'path_normalization_failed', 'GET /a%00']]);
  expect(await told(get('/x#y'), answer)).toEqual([[400, '-', 'path_normalization_failed', 'GET /x#y']]);
  expect(await told('OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n', answer)).toEqual([[404, '-', 'absolute_path_rejected', 'OPTIONS *']]);
  expect(await told(get('/x', 'Connection: upgrade\r\nUpgrade: foo\r\n'), answer)).toEqual([[403, '-', 'upgrade_failed', 'GET /x']]);
});

test('CONNECT finds no route', async () => {
  expect(await told('CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n', never)).toEqual([[404, 'NR', 'route_not_found', 'CONNECT ']]);
});
