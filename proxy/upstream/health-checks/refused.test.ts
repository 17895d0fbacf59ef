import { expect, it } from 'vitest';
import { Cluster } from '#envoy';
import { compileCluster } from '../compile-cluster.ts';

const CHECK = { timeout: '1s', interval: '1s', unhealthyThreshold: 1, healthyThreshold: 1 };
const http = (more: object) => ({ ...CHECK, httpHealthCheck: { path: '/', ...more } });

it.each([
  [[http({}), http({})], 'health_checks[1]'],
  [[{ ...http({}), altPort: 1 }], 'health_checks[0].alt_port'],
  [[{ ...http({}), tlsOptions: { alpnProtocols: ['h2'] } }], 'health_checks[0].tls_options'],
  [[{ ...http({}), eventLogger: [{ name: 'x' }] }], 'health_checks[0].event_logger'],
  [[http({ codecClientType: 1 })], 'health_checks[0].http_health_check.codec_client_type'],
  [[http({ method: 6 })], 'health_checks[0].http_health_check.method'],
  [[http({ send: { text: '00' } })], 'health_checks[0].http_health_check.send'],
  [[http({ receive: [{ text: 'xy' }] })], 'health_checks[0].http_health_check.receive[0].text'],
  [[http({ receive: [{ text: '0000' }], responseBufferSize: 1 })], 'health_checks[0].http_health_check.receive'],
  [[http({ expectedStatuses: [{ start: 300, end: 200 }] })], 'health_checks[0].http_health_check.expected_statuses[0]'],
  [
    [http({ requestHeadersToAdd: [{ header: { key: 'a', value: '%B%' } }] })],
    'health_checks[0].http_health_check.request_headers_to_add[0]',
  ],
  [[{ ...CHECK, tcpHealthCheck: { proxyProtocolConfig: {} } }], 'health_checks[0].tcp_health_check.proxy_protocol_config'],
  [[{ ...CHECK, grpcHealthCheck: {} }], 'health_checks[0].grpc_health_check'],
  [[{ ...CHECK, customHealthCheck: { name: 'x' } }], 'health_checks[0].custom_health_check'],
])('%j is refused at %s', (healthChecks, path) => {
  const cluster = Cluster.fromJSON({ name: 'c', healthChecks });
  expect(() => compileCluster(cluster)).toThrow(path);
});

it('checks of a cluster of type ORIGINAL_DST are refused', () => {
  const cluster = Cluster.fromJSON({ name: 'c', type: 'ORIGINAL_DST', lbPolicy: 'CLUSTER_PROVIDED', healthChecks: [http({})] });
  expect(() => compileCluster(cluster)).toThrow('health_checks: not supported by this proxy in an ORIGINAL_DST cluster');
});
