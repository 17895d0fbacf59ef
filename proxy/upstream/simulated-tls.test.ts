/** Hosts under TLS in the simulated world: the same words as over real sockets, and time that is put forward. */
import { describe, expect, it } from 'vitest';
import { ClusterLoadAssignment, Cluster as ClusterMessage } from '#envoy';
import { simulatedSystem } from '#system/simulated-system.ts';
import { writeCertificate, writeKey } from '#system/tls/simulated-certificate.ts';
import { EMPTY_BODY } from '../http/body.ts';
import { HeaderMap } from '../http/header-map.ts';
import { type HttpResponse, NO_TRAILERS } from '../http/message.ts';
import { StreamError } from '../http/stream-error.ts';
import { StreamRecord } from '../http/stream-record.ts';
import { tlsRoom } from '../tls/live-context.ts';
import { SecretStore } from '../tls/secret-store.ts';
import { ClusterManager } from './cluster-manager.ts';
import { compileCluster } from './compile-cluster.ts';
import { compileEndpoints } from './compile-endpoints.ts';

const REVIEWS = 'spiffe://cluster.local/ns/default/sa/reviews';
const PRODUCTPAGE = 'spiffe://cluster.local/ns/default/sa/productpage';
const AT = { address: '10.0.0.1', port: 9080 };
const MINUTE_MS = 60_000;
const SDS = (name: string) => ({ name, sds_config: { ads: {} } });

const certificate = (uris: readonly string[], signedBy: string, notAfterMs: number, key = uris[0] ?? signedBy): string =>
  writeCertificate({
    subject: '',
    issuer: `CN=${signedBy}`,
    uris,
    dnsNames: [],
    serial: '02',
    notBeforeMs: 0,
    notAfterMs,
    isAuthority: uris.length === 0,
    key,
    signedBy,
  });

/** uri, root and life of the host's certificate; of the own one only the life. Lives in minutes. */
const setUp = async ({ uri = REVIEWS, root = 'mesh', hostLife = 60, ownLife = 60, cluster = {} } = {}) => {
  const system = simulatedSystem();
  const startMs = system.clock.wallTimeMs();
  const pair = (identity: string, signedBy: string, minutes: number) => ({
    certificateChain: certificate([identity], signedBy, startMs + minutes * MINUTE_MS),
    privateKey: writeKey(identity),
  });
  const trustedRoots = certificate([], 'mesh', Number.MAX_SAFE_INTEGER);
  const parameters = { minVersion: 'TLSv1.2', maxVersion: 'TLSv1.3', cipherSuites: [], alpn: ['istio'] } as const;
  const context = await system.tls.context({ ...pair(uri, root, hostLife), trustedRoots }, parameters);
  const seen: string[] = [];
  await system.network.listen(AT, (raw) => {
    void system.tls.accept(raw, context, { clientCertificate: 'required', timeoutMs: 1000 }).then(
      (connection) => {
        connection.on('data', () => {
          seen.push(connection.tls?.peer?.uris[0] ?? '');
          setImmediate(() => connection.write('HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n'));
        });
      },
      () => {},
    );
  });
  const secrets = new SecretStore();
  const put = (minutes: number, identity = PRODUCTPAGE): void =>
    secrets.putCertificate({ name: 'default', source: { kind: 'ads' } }, pair(identity, 'mesh', minutes));
  put(ownLife);
  secrets.putTrust({ name: 'ROOTCA', source: { kind: 'ads' } }, { trustedRoots, names: [], certificates: [] });
  const manager = new ClusterManager(system, tlsRoom(system, secrets));
  const transport_socket = {
    name: 'envoy.transport_sockets.tls',
    typed_config: {
      '@type': 'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext',
      common_tls_context: {
        tls_params: { tls_maximum_protocol_version: 'TLSv1_3' },
        alpn_protocols: ['istio'],
        tls_certificate_sds_secret_configs: [SDS('default')],
        combined_validation_context: {
          default_validation_context: { match_typed_subject_alt_names: [{ san_type: 'URI', matcher: { exact: REVIEWS } }] },
          validation_context_sds_secret_config: SDS('ROOTCA'),
        },
      },
    },
  };
  const lb_endpoints = [{ endpoint: { address: { socket_address: { address: AT.address, port_value: AT.port } } } }];
  const config = compileCluster(ClusterMessage.fromJSON({ name: 'c', connect_timeout: '1s', transport_socket, ...cluster }));
  const endpoints = compileEndpoints(ClusterLoadAssignment.fromJSON({ cluster_name: 'c', endpoints: [{ lb_endpoints }] }));
  manager.reconcile(new Map([['c', { config, endpoints }]]));
  const send = async (): Promise<HttpResponse | string> => {
    const stream = new StreamRecord(1, { id: 1, local: AT, remote: AT }, 0, 0);
    const request = { method: 'GET', scheme: 'http', authority: 'reviews', path: '/', headers: HeaderMap.EMPTY } as const;
    const sent = manager.slot('c').current?.send({ ...request, body: EMPTY_BODY, trailers: NO_TRAILERS }, stream, { repicks: 0 });
    try {
      return (await sent) ?? 'the cluster is gone';
    } catch (error) {
      if (!(error instanceof StreamError)) throw error;
      return `${error.flag} ${stream.upstreamFailure}`;
    }
  };
  return { system, send, seen, put, secrets };
};

const VERIFY = 'UF TLS_error:|268435581:SSL_routines:OPENSSL_internal:CERTIFICATE_VERIFY_FAILED:verify_cert_failed:';

describe('in the simulated world', () => {
  it('both ends prove who they are', async () => {
    const { send, seen, system } = await setUp();
    expect(await send()).toMatchObject({ status: 200, via: { tls: { alpn: 'istio', peer: { uris: [REVIEWS] } } } });
    expect(seen).toEqual([PRODUCTPAGE]);
    expect(system.metrics.value('cluster.c.ssl.handshake')).toBe(1);
  });

  it('health checks show the same certificate, and plain ones go where they are told to', async () => {
    const check = { timeout: '1s', interval: '1s', no_traffic_interval: '1s', unhealthy_threshold: 1, healthy_threshold: 1 };
    const health_checks = [{ ...check, http_health_check: { path: '/' } }];
    const { system, seen } = await setUp({ cluster: { health_checks } });
    await system.clock.advance(0);
    expect([seen, system.metrics.value('cluster.c.health_check.healthy')]).toEqual([[PRODUCTPAGE], 1]);
    const plain = { transport_socket: { name: 'envoy.transport_sockets.raw_buffer' }, name: 'plain', match: { plain: true } };
    const told = {
      health_checks: [{ ...health_checks[0], transport_socket_match_criteria: { plain: true } }],
      transport_socket_matches: [plain],
    };
    const other = await setUp({ cluster: told });
    await other.system.clock.advance(0);
    expect([other.seen, other.system.metrics.value('cluster.c.health_check.healthy')]).toEqual([[], 0]);
  });

  it.each([
    ['another service', { uri: 'spiffe://cluster.local/ns/default/sa/wrong' }, '_SAN_matcher', 'ssl.fail_verify_san'],
    ['a stranger’s root', { root: 'stranger' }, '_X509_verify_cert', 'ssl.fail_verify_error'],
  ])('%s is refused', async (_, wishes, reason, counter) => {
    const { send, seen, system } = await setUp(wishes);
    expect(await send()).toContain(`${VERIFY}${reason}`);
    expect([seen, system.metrics.value(`cluster.c.${counter}`)]).toEqual([[], 1]);
  });

  it('an identity ends with its time, on kept connections too; a renewed one goes on', async () => {
    const { send, system, put } = await setUp({ ownLife: 10 });
    expect(await send()).toMatchObject({ status: 200 });
    await system.clock.advance(9 * MINUTE_MS);
    expect(await send()).toMatchObject({ status: 200 });
    expect(system.metrics.value('cluster.c.ssl.handshake')).toBe(1);
    await system.clock.advance(2 * MINUTE_MS);
    expect(await send()).toMatch(/^UF TLS_error:_the_certificate_of_this_proxy_expired_at_/);
    put(60);
    expect(await send()).toMatchObject({ status: 200 });
  });

  it('a kept connection to a host whose certificate is over is not used', async () => {
    const { send, system, seen } = await setUp({ hostLife: 10 });
    expect(await send()).toMatchObject({ status: 200 });
    await system.clock.advance(11 * MINUTE_MS);
    expect(await send()).toContain('certificate_has_expired');
    expect(seen).toHaveLength(1);
  });

  it('a secret that is withdrawn closes the way, until the next one comes', async () => {
    const { send, secrets, put, seen, system } = await setUp({ cluster: { max_requests_per_connection: 1 } });
    secrets.putCertificate({ name: 'default', source: { kind: 'ads' } }, undefined);
    expect(await send()).toBe('UF TLS_error:_Secret_is_not_supplied_by_SDS');
    expect(await send()).toBe('UF TLS_error:_Secret_is_not_supplied_by_SDS');
    expect(system.events.filter(({ event }) => event === 'upstream.secrets-missing')).toEqual([
      { level: 'warn', event: 'upstream.secrets-missing', fields: { cluster: 'c', secrets: ['default'] } },
    ]);
    put(60, 'spiffe://cluster.local/ns/default/sa/renewed');
    expect(await send()).toMatchObject({ status: 200 });
    expect(seen).toEqual(['spiffe://cluster.local/ns/default/sa/renewed']);
  });
});

it('when certificates end stands in the metrics', async () => {
  const { send, system } = await setUp();
  await send();
  const end = Math.floor(system.clock.wallTimeMs() / 1000) + 3600;
  expect(system.metrics.value('cluster.c.ssl.certificate.default.expiration_unix_time_seconds')).toBe(end);
  expect(system.metrics.value('server.days_until_first_cert_expiring')).toBe(0);
});
