/** What a listener may say, and what it is told when it says more. */
import { expect, test } from 'vitest';
import { Listener } from '#envoy';
import { simulatedSystem } from '../system/simulated-system.ts';
import { compileListener } from './compile-listener.ts';
import { compileRefusals } from './refused.ts';

const TYPE = 'type.googleapis.com/envoy.extensions.filters';
const filter = (name: string, config: object = {}, more: object = {}) => ({
  name,
  typed_config: { '@type': `${TYPE}.listener.${name}.v3.${name.replace(/(?:^|_)([a-z])/g, (_, c: string) => c.toUpperCase())}`, ...config },
  ...more,
});
const TCP = {
  filters: [{ name: 'tcp', typed_config: { '@type': `${TYPE}.network.tcp_proxy.v3.TcpProxy`, stat_prefix: 's', cluster: 'c' } }],
};

const compile = (listener: object, chain: object = {}) =>
  compileListener(
    Listener.fromJSON({
      name: 'l',
      address: { socket_address: { address: '0.0.0.0', port_value: 80 } },
      filter_chains: [{ ...TCP, ...chain }],
      ...listener,
    }),
    {
      httpConnectionManager: () => {
        throw new Error('no HTTP here');
      },
      tcpProxy: () => () => {},
      networkRbac: () => () => undefined,
      downstreamTls: () => {
        throw new Error('no TLS here');
      },
      refusals: (logs) => compileRefusals(logs, { system: simulatedSystem(), writers: () => [], nextExchangeId: () => 1 }),
    },
  );

test('an inspector looks at every port but those where it is disabled', () => {
  const http = filter('http_inspector', {}, { filter_disabled: { or_match: { rules: [port(3306), port(6379)] } } });
  const { looksAt } = compile({ listener_filters: [filter('tls_inspector'), http] });
  expect([looksAt(80), looksAt(3306), looksAt(6379)]).toEqual([
    { tls: true, http: true },
    { tls: true, http: false },
    { tls: true, http: false },
  ]);
  const never = filter('http_inspector', {}, { filter_disabled: { not_match: { destination_port_range: { start: 80, end: 90 } } } });
  const only = compile({ listener_filters: [never] }).looksAt;
  expect([only(80), only(90)]).toEqual([
    { tls: false, http: true },
    { tls: false, http: false },
  ]);
});

const port = (start: number) => ({ destination_port_range: { start, end: start + 1 } });

test('a PROXY line is required, or may be missing where that is said', () => {
  expect(compile({}).proxyProtocol).toBe('none');
  expect(compile({ listener_filters: [filter('proxy_protocol')] }).proxyProtocol).toBe('required');
  expect(compile({ listener_filters: [filter('proxy_protocol', { allow_requests_without_proxy_protocol: true })] }).proxyProtocol).toBe(
    'optional',
  );
});

test.each([
  ['listener_filters[0].typed_config.rules', { listener_filters: [filter('proxy_protocol', { rules: [{ tlv_type: 1 }] })] }],
  [
    'listener_filters[0].typed_config.disallowed_versions',
    { listener_filters: [filter('proxy_protocol', { disallowed_versions: ['V2'] })] },
  ],
  [
    'listener_filters[0].typed_config.enable_ja3_fingerprinting',
    { listener_filters: [filter('tls_inspector', { enable_ja3_fingerprinting: true })] },
  ],
  ['listener_filters[0].filter_disabled', { listener_filters: [filter('proxy_protocol', {}, { filter_disabled: { any_match: true } })] }],
  ['transparent', { transparent: true }],
  ['freebind', { freebind: true }],
  ['socket_options', { socket_options: [{ level: 1, name: 2, int_value: 3 }] }],
  ['access_log', { access_log: [{ name: 'x' }] }],
  ['filter_chain_matcher', { filter_chain_matcher: {} }],
  ['api_listener', { api_listener: {} }],
  ['tcp_fast_open_queue_length', { tcp_fast_open_queue_length: 5 }],
])('%s is refused by name', (field, listener) => {
  expect(() => compile(listener)).toThrow(field);
});

test.each([
  ['filter_chains[0].filter_chain_match.server_names[0]', { filter_chain_match: { server_names: ['a.*.test'] } }],
  ['filter_chains[0].filter_chain_match.prefix_ranges[0]', { filter_chain_match: { prefix_ranges: [{ address_prefix: 'x' }] } }],
  ['filter_chains[0].use_proxy_proto', { use_proxy_proto: true }],
  ['filter_chains[0].transport_socket', { transport_socket: { name: 'envoy.transport_sockets.tls' } }],
])('%s is refused by name', (field, chain) => {
  expect(() => compile({}, chain)).toThrow(field);
});
