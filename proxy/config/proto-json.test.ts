/** Configuration as it is shown. */
import { expect, test } from 'vitest';
import { Any, Bootstrap, Cluster } from '#envoy';
import { protoJson } from './proto-json.ts';

const KEY = '-----BEGIN PRIVATE KEY-----MIGHAgEA-----END PRIVATE KEY-----';
const certificate = {
  certificate_chain: { inline_string: 'chain' },
  private_key: { inline_string: KEY },
  password: { inline_string: KEY },
};

test('keys are never shown, in secrets and in what a cluster carries; where a certificate is public it stays', () => {
  const bootstrap = Bootstrap.fromJSON({ static_resources: { secrets: [{ name: 's', tls_certificate: certificate }] } });
  const typed_config = Any.fromJSON({
    '@type': 'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext',
    common_tls_context: { tls_certificates: [certificate] },
  });
  const cluster = Cluster.fromJSON({ name: 'c', transport_socket: { name: 't', typed_config: Any.toJSON(typed_config) } });
  const shown = [protoJson(bootstrap, 'envoy.config.bootstrap.v3.Bootstrap'), protoJson(cluster, 'envoy.config.cluster.v3.Cluster')];
  const text = JSON.stringify(shown);
  expect(text).not.toContain('MIGHAgEA');
  expect(text).not.toContain(Buffer.from(KEY).toString('base64'));
  const kept = { certificate_chain: { inline_string: 'chain' }, private_key: { inline_string: '[redacted]' } };
  expect(shown).toMatchObject([
    { static_resources: { secrets: [{ tls_certificate: kept }] } },
    { transport_socket: { typed_config: { common_tls_context: { tls_certificates: [kept] } } } },
  ]);
});
