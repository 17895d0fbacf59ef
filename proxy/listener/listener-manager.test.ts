import { expect, test } from 'vitest';
import { Listener, type TcpProxy } from '#envoy';
import type { Network, SocketAddress } from '../system/network.ts';
import { settle } from '../system/simulated-clock.ts';
import { simulatedSystem } from '../system/simulated-system.ts';
import { type CompiledListener, compileListener } from './compile-listener.ts';
import { ListenerManager } from './listener-manager.ts';
import { compileRefusals } from './refused.ts';

const ORIGINAL_DST = 'type.googleapis.com/envoy.extensions.filters.listener.original_dst.v3.OriginalDst';
const TCP = 'type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy';

/** A listener that greets with its cluster's name. */
const greeting = (name: string, port: number, text: string, extra: object = {}): CompiledListener =>
  compileListener(
    Listener.fromJSON({
      name,
      address: { socket_address: { address: '0.0.0.0', port_value: port } },
      filter_chains: [{ filters: [{ name: 'tcp', typed_config: { '@type': TCP, stat_prefix: 's', cluster: text } }] }],
      ...extra,
    }),
    {
      httpConnectionManager: () => {
        throw new Error('no HTTP here');
      },
      networkRbac: () => () => undefined,
      downstreamTls: () => {
        throw new Error('no TLS here');
      },
      refusals: (logs) => compileRefusals(logs, { system: simulatedSystem(), writers: () => [], nextExchangeId: () => 1 }),
      tcpProxy: (config: TcpProxy) => (connection) => void connection.end(String(config.clusterSpecifier?.value)),
    },
  );

/** A network whose packet filter says of every connection that it was going to `redirect`. */
const redirecting = (inner: Network): Network & { redirect: SocketAddress | undefined } => {
  const network = {
    ...inner,
    redirect: undefined as SocketAddress | undefined,
    listen: ((at, accept) =>
      inner.listen(at, (connection) => accept(Object.assign(connection, { redirectedFrom: () => network.redirect })))) as Network['listen'],
  };
  return network;
};

const setUp = () => {
  const simulated = simulatedSystem();
  const network = redirecting(simulated.network);
  const system = { ...simulated, network };
  const manager = new ListenerManager(system);
  const reconcile = (...all: readonly CompiledListener[]) => manager.reconcile(new Map(all.map((each) => [each.name, each])));
  const greet = async (port: number, first = '') => {
    const connection = await system.network.connect({ address: '10.0.0.1', port }, { timeoutMs: 1 });
    let text = '';
    connection.on('data', (chunk: Buffer) => {
      text += chunk.toString();
    });
    if (first !== '') connection.write(first);
    await settle();
    connection.destroy();
    return text;
  };
  return { manager, network, reconcile, greet };
};

test('a changed listener serves new connections in the new way on the same socket; a removed one is closed', async () => {
  const { reconcile, greet } = setUp();
  await reconcile(greeting('a', 80, 'old'));
  expect(await greet(80)).toBe('old');
  expect(await reconcile(greeting('a', 80, 'new'))).toEqual([]);
  expect(await greet(80)).toBe('new');
  await reconcile();
  await expect(greet(80)).rejects.toThrow('ECONNREFUSED');
});

test('a listener that moves is never closed: the new address opens first, and one that it keeps stays open', async () => {
  const { network, reconcile, greet } = setUp();
  await reconcile(greeting('a', 80, 'old'));
  const { listen } = network;
  const opened: number[] = [];
  network.listen = async (at, accept) => {
    opened.push(at.port);
    expect(await greet(80)).toBe('old');
    return listen(at, accept);
  };
  expect(await reconcile(greeting('a', 81, 'moved'))).toEqual([]);
  await expect(greet(80)).rejects.toThrow('ECONNREFUSED');
  network.listen = listen;
  const both = { additional_addresses: [{ address: { socket_address: { address: '0.0.0.0', port_value: 82 } } }] };
  expect(await reconcile(greeting('a', 81, 'both', both))).toEqual([]);
  expect([await greet(81), await greet(82)]).toEqual(['both', 'both']);
  expect(opened).toEqual([81]);
});

test('a listener that cannot have its new address keeps the old one', async () => {
  const { reconcile, greet } = setUp();
  await reconcile(greeting('a', 80, 'a'), greeting('b', 81, 'b'));
  const failures = await reconcile(greeting('a', 81, 'moved'), greeting('b', 81, 'b'));
  expect(failures.map(({ listener }) => listener)).toEqual(['a']);
  expect(await greet(80)).toBe('a');
});

test('a redirected connection goes to the listener of its original destination, else stays', async () => {
  const { reconcile, greet } = setUp();
  const proxyProtocol = 'type.googleapis.com/envoy.extensions.filters.listener.proxy_protocol.v3.ProxyProtocol';
  const front = { use_original_dst: true, listener_filters: [{ name: 'p', typed_config: { '@type': proxyProtocol } }] };
  await reconcile(greeting('front', 15001, 'front', front), greeting('inner', 9080, 'inner', { bind_to_port: false }));
  expect(await greet(15001, 'PROXY TCP4 10.0.0.9 240.240.0.1 1 9080\r\n')).toBe('inner');
  expect(await greet(15001, 'PROXY TCP4 10.0.0.9 240.240.0.1 1 9999\r\n')).toBe('front');
  await expect(greet(9080)).rejects.toThrow('ECONNREFUSED');
});

test.each([
  [
    'its original_dst filter',
    { listener_filters: [{ name: 'envoy.filters.listener.original_dst', typed_config: { '@type': ORIGINAL_DST } }] },
  ],
  ['use_original_dst alone', {}],
])('where the packet filter took a connection from is where it was going: %s', async (_, filters) => {
  const { network, reconcile, greet } = setUp();
  network.redirect = { address: '240.240.0.1', port: 9080 };
  await reconcile(
    greeting('front', 15001, 'front', { use_original_dst: true, ...filters }),
    greeting('inner', 9080, 'inner', { bind_to_port: false }),
  );
  expect(await greet(15001)).toBe('inner');
  network.redirect = undefined;
  expect(await greet(15001)).toBe('front');
});

test('a drained listener does not come back with the next configuration', async () => {
  const { manager, reconcile, greet } = setUp();
  await reconcile(greeting('a', 80, 'a'));
  await manager.drain(10, () => true);
  await reconcile(greeting('a', 80, 'again'));
  await expect(greet(80)).rejects.toThrow('ECONNREFUSED');
});
