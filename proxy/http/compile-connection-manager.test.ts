import { expect, test } from 'vitest';
import { HttpConnectionManager } from '#envoy';
import { connectionManagerSettings } from './compile-connection-manager.ts';

const compile = (config: object) => connectionManagerSettings(HttpConnectionManager.fromJSON({ stat_prefix: 'x', ...config }));

test('nothing said means what Envoy means, but that a head has 15 seconds', () => {
  expect(compile({}).server).toMatchObject({
    maxHeadBytes: 61_440,
    maxHeaders: 100,
    headTimeoutMs: 15_000,
    idleTimeoutMs: 3_600_000,
    streamIdleTimeoutMs: 300_000,
    delayedCloseMs: 1000,
    proxy100Continue: false,
    customMethods: false,
    trailers: false,
    underscores: 'allow',
    maxRequests: 0,
  });
});

test('limits and timeouts are read', () => {
  const { server } = compile({
    max_request_headers_kb: 8,
    request_headers_timeout: '0.3s',
    stream_idle_timeout: '2s',
    delayed_close_timeout: '0.2s',
    common_http_protocol_options: {
      idle_timeout: '4s',
      max_headers_count: 10,
      max_requests_per_connection: 7,
      headers_with_underscores_action: 'REJECT_REQUEST',
    },
    http_protocol_options: { allow_custom_methods: true, enable_trailers: true },
  });
  expect(server).toMatchObject({
    maxHeadBytes: 8192,
    headTimeoutMs: 300,
    streamIdleTimeoutMs: 2000,
    delayedCloseMs: 200,
    idleTimeoutMs: 4000,
    maxHeaders: 10,
    maxRequests: 7,
    underscores: 'reject',
    customMethods: true,
    trailers: true,
  });
});

test('the port of a Host is left, or taken off always, or where it is the listener’s', () => {
  expect(
    [compile({}), compile({ strip_any_host_port: true }), compile({ strip_matching_host_port: true })].map((it) => it.stripPort),
  ).toEqual(['none', 'any', 'matching']);
  expect(compile({ strip_trailing_host_dot: true }).stripTrailingDot).toBe(true);
});

test.each([
  ['codec_type', { codec_type: 'HTTP3' }],
  ['add_user_agent', { add_user_agent: true }],
  ['tracing', { tracing: {} }],
  ['http2_protocol_options.allow_connect', { http2_protocol_options: { allow_connect: true } }],
  ['http2_protocol_options.max_concurrent_streams', { http2_protocol_options: { max_concurrent_streams: 0 } }],
  ['http2_protocol_options.initial_stream_window_size', { http2_protocol_options: { initial_stream_window_size: 65534 } }],
  ['http2_protocol_options.connection_keepalive.timeout', { http2_protocol_options: { connection_keepalive: { interval: '1s' } } }],
  ['http_protocol_options.accept_http_10', { http_protocol_options: { accept_http_10: true } }],
  ['http_protocol_options.allow_absolute_url', { http_protocol_options: { allow_absolute_url: false } }],
  ['http_protocol_options.allow_chunked_length', { http_protocol_options: { allow_chunked_length: true } }],
  ['http_protocol_options.header_key_format', { http_protocol_options: { header_key_format: { proper_case_words: {} } } }],
  ['common_http_protocol_options.max_connection_duration', { common_http_protocol_options: { max_connection_duration: '3s' } }],
  ['scheme_header_transformation', { scheme_header_transformation: { scheme_to_overwrite: 'https' } }],
  ['access_log_options', { access_log_options: { flush_access_log_on_new_request: true } }],
  ['original_ip_detection_extensions', { original_ip_detection_extensions: [{ name: 'x' }] }],
  ['early_header_mutation_extensions', { early_header_mutation_extensions: [{ name: 'x' }] }],
  [
    'internal_address_config.cidr_ranges[0]',
    { internal_address_config: { cidr_ranges: [{ address_prefix: '10.0.0.0', prefix_len: 33 }] } },
  ],
  ['represent_ipv4_remote_address_as_ipv4_mapped_ipv6', { represent_ipv4_remote_address_as_ipv4_mapped_ipv6: true }],
  [
    'request_id_extension.typed_config',
    {
      request_id_extension: { typed_config: { '@type': 'type.googleapis.com/envoy.extensions.transport_sockets.raw_buffer.v3.RawBuffer' } },
    },
  ],
  ['local_reply_config', { local_reply_config: { body_format: { text_format: 'x' } } }],
  ['stream_error_on_invalid_http_message', { stream_error_on_invalid_http_message: true }],
  ['path_normalization_options', { path_normalization_options: { forwarding_transformation: {} } }],
  ['proxy_status_config', { proxy_status_config: { remove_details: true } }],
  ['append_x_forwarded_port', { append_x_forwarded_port: true }],
  ['append_local_overload', { append_local_overload: true }],
  ['upgrade_configs[0].upgrade_type', { upgrade_configs: [{ upgrade_type: 'CONNECT' }] }],
])('%s is refused by name', (field, config) => {
  expect(() => compile(config)).toThrow(field);
});
