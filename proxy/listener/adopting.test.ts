/** What a change of configuration does to connections that are open. */
import { expect, test } from 'vitest';
import { type HttpConnectionManager, Listener } from '#envoy';
import { textBody } from '../http/body.ts';
import { HeaderMap } from '../http/header-map.ts';
import { localReply } from '../http/local-reply.ts';
import { NO_TRAILERS } from '../http/message.ts';
import { SERVER_DEFAULTS, type ServeHttp } from '../http/serve.ts';
import { settle } from '../system/simulated-clock.ts';
import { simulatedSystem } from '../system/simulated-system.ts';
import { type CompiledListener, compileListener } from './compile-listener.ts';
import { ListenerManager } from './listener-manager.ts';

const HCM = 'type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager';
const INSPECTOR = 'type.googleapis.com/envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector';

/** Answers every request with its own name. */
const saying = (text: string): ServeHttp => ({
  settings: SERVER_DEFAULTS,
  draining: false,
  serve: () => ({
    response: Promise.resolve({
      status: 200,
      headers: HeaderMap.of(['content-length', String(text.length)]),
      body: textBody(text),
      trailers: NO_TRAILERS,
    }),
    abort: () => {},
    giveUp: (error) => localReply(error),
    note: () => {},
    finish: () => {},
  }),
  refuse: (error) => localReply(error),
  connectionOpened: () => {},
  connectionClosed: () => {},
});

const listener = (text: string, match: object = {}): CompiledListener =>
  compileListener(
    Listener.fromJSON({
      name: 'in',
      address: { socket_address: { address: '0.0.0.0', port_value: 80 } },
      listener_filters: [{ name: 'tls', typed_config: { '@type': INSPECTOR } }],
      filter_chains: [{ filter_chain_match: match, filters: [{ name: 'http', typed_config: { '@type': HCM, stat_prefix: text } }] }],
    }),
    {
      httpConnectionManager: (config: HttpConnectionManager) => saying(config.statPrefix),
      networkRbac: () => () => undefined,
      downstreamTls: () => {
        throw new Error('no TLS here');
      },
      refusals: () => () => {},
      tcpProxy: () => () => {},
    },
  );

const setUp = async () => {
  const system = simulatedSystem();
  const manager = new ListenerManager(system);
  const reconcile = (next: CompiledListener) => manager.reconcile(new Map([[next.name, next]]));
  await reconcile(listener('old'));
  const connection = await system.network.connect({ address: '10.0.0.1', port: 80 }, { timeoutMs: 1 });
  const heard = { text: '', ended: false };
  connection.on('data', (chunk: Buffer) => {
    heard.text += chunk.toString();
  });
  connection.on('end', () => {
    heard.ended = true;
  });
  const ask = async (): Promise<string> => {
    heard.text = '';
    connection.write('GET / HTTP/1.1\r\nhost: a\r\n\r\n');
    await settle();
    return heard.text.slice(heard.text.indexOf('\r\n\r\n') + 4);
  };
  return { reconcile, ask, heard };
};

test('the next request on an open connection is served by what the configuration says now', async () => {
  const { reconcile, ask, heard } = await setUp();
  expect(await ask()).toBe('old');
  await reconcile(listener('new'));
  expect(await ask()).toBe('new');
  expect(heard.ended).toBe(false);
});

test('a connection for which there is no chain any more is ended', async () => {
  const { reconcile, ask, heard } = await setUp();
  expect(await ask()).toBe('old');
  await reconcile(listener('new', { transport_protocol: 'tls' }));
  await settle();
  expect(heard.ended).toBe(true);
});
