/** Listeners that speak TLS in the simulated world: the same refusals, the same numbers, time that is put forward. */
import { expect, test } from 'vitest';
import { Listener } from '#envoy';
import { settle } from '../system/simulated-clock.ts';
import { simulatedSystem } from '../system/simulated-system.ts';
import { writeCertificate, writeKey } from '../system/tls/simulated-certificate.ts';
import { compileAccessLogs } from '../telemetry/access-log.ts';
import { tlsRoom } from '../tls/live-context.ts';
import { SecretStore } from '../tls/secret-store.ts';
import { compileServerTls } from '../tls/server-context.ts';
import { compileListener } from './compile-listener.ts';
import { ListenerManager } from './listener-manager.ts';
import { compileRefusals } from './refused.ts';

const CLIENT = 'spiffe://cluster.local/ns/default/sa/productpage';
const SERVER = 'spiffe://cluster.local/ns/default/sa/reviews';
const AT = { address: '10.0.0.1', port: 9080 };
const TYPE = 'type.googleapis.com/envoy.extensions';
const MINUTE_MS = 60_000;
const SDS = (name: string) => ({ name, sds_config: { ads: {} } });
const PARAMETERS = { minVersion: 'TLSv1.2', maxVersion: 'TLSv1.3', cipherSuites: [], alpn: ['istio'] } as const;

const setUp = async () => {
  const system = simulatedSystem();
  const startMs = system.clock.wallTimeMs();
  const certificate = (uris: readonly string[], signedBy: string, minutes: number) =>
    writeCertificate({
      subject: '',
      issuer: `CN=${signedBy}`,
      uris,
      dnsNames: [],
      serial: '02',
      notBeforeMs: 0,
      notAfterMs: startMs + minutes * MINUTE_MS,
      isAuthority: uris.length === 0,
      key: uris[0] ?? signedBy,
      signedBy,
    });
  const pair = (uris: readonly string[], signedBy = 'mesh', minutes = 60) => ({
    certificateChain: certificate(uris, signedBy, minutes),
    privateKey: writeKey(uris[0] ?? ''),
  });
  const trustedRoots = certificate([], 'mesh', 1e6);
  const secrets = new SecretStore();
  secrets.putCertificate({ name: 'default', source: { kind: 'ads' } }, pair([SERVER], 'mesh', 600));
  secrets.putTrust({ name: 'ROOTCA', source: { kind: 'ads' } }, { trustedRoots, names: [], certificates: [] });
  const served: unknown[] = [];
  const compiled = compileListener(
    Listener.fromJSON({
      name: 'inbound',
      stat_prefix: 'inbound',
      address: { socket_address: { address: AT.address, port_value: AT.port } },
      access_log: [
        {
          name: 'refused',
          filter: { response_flag_filter: { flags: ['NR'] } },
          typed_config: {
            '@type': `${TYPE}.access_loggers.file.v3.FileAccessLog`,
            path: '/dev/stdout',
            log_format: {
              text_format_source: { inline_string: '%RESPONSE_FLAGS% %RESPONSE_CODE_DETAILS% %DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%' },
            },
          },
        },
      ],
      listener_filters: [{ name: 'tls', typed_config: { '@type': `${TYPE}.filters.listener.tls_inspector.v3.TlsInspector` } }],
      filter_chains: [
        {
          filter_chain_match: { transport_protocol: 'tls', application_protocols: ['istio'] },
          filters: [
            { name: 'tcp', typed_config: { '@type': `${TYPE}.filters.network.tcp_proxy.v3.TcpProxy`, stat_prefix: 's', cluster: 'c' } },
          ],
          transport_socket: {
            name: 'tls',
            typed_config: {
              '@type': `${TYPE}.transport_sockets.tls.v3.DownstreamTlsContext`,
              require_client_certificate: true,
              common_tls_context: {
                alpn_protocols: ['istio'],
                tls_certificate_sds_secret_configs: [SDS('default')],
                validation_context_sds_secret_config: SDS('ROOTCA'),
              },
            },
          },
        },
      ],
    }),
    {
      httpConnectionManager: () => {
        throw new Error('no HTTP here');
      },
      tcpProxy: () => (connection, downstream) => {
        served.push(downstream.peerIdentity);
        connection.end('hello');
      },
      networkRbac: () => () => undefined,
      downstreamTls: (config) => compileServerTls(config, tlsRoom(system, secrets), 'any'),
      refusals: (logs) => compileRefusals(logs, { system, writers: (own) => compileAccessLogs(own, system), nextExchangeId: () => 1 }),
    },
  );
  await new ListenerManager(system).reconcile(new Map([['inbound', compiled]]));
  const dial = () => system.network.connect(AT, { timeoutMs: 1000 });
  const handshake = async (material: object) => {
    const context = await system.tls.context({ ...material, trustedRoots }, PARAMETERS);
    const connection = await system.tls.connect(await dial(), context, { serverName: 'reviews', timeoutMs: 1000 });
    let text = '';
    connection.on('data', (bytes: Buffer) => {
      text += bytes.toString();
    });
    await settle();
    return text;
  };
  const value = (name: string) => system.metrics.value(`listener.inbound.${name}`);
  return { system, pair, served, dial, handshake, value };
};

test('a client of the mesh is served and known; others are refused and counted', async () => {
  const { pair, served, handshake, value } = await setUp();
  expect(await handshake(pair([CLIENT]))).toBe('hello');
  expect(await handshake({}).catch(() => '')).toBe('');
  expect(await handshake(pair([CLIENT], 'stranger')).catch(() => '')).toBe('');
  expect(served).toEqual([CLIENT]);
  expect([value('ssl.handshake'), value('ssl.fail_verify_no_cert'), value('ssl.fail_verify_error')]).toEqual([1, 1, 1]);
});

test('a certificate is good until its time by the clock', async () => {
  const { system, pair, handshake, served } = await setUp();
  await system.clock.advance(59 * MINUTE_MS);
  expect(await handshake(pair([CLIENT]))).toBe('hello');
  await system.clock.advance(2 * MINUTE_MS);
  expect(await handshake(pair([CLIENT])).catch(() => '')).toBe('');
  expect(served).toEqual([CLIENT]);
});

test('plain text is reset, and one line says who was refused', async () => {
  const { system, dial, value } = await setUp();
  const connection = await dial();
  const ended = new Promise<string>((resolve) => connection.on('error', ({ message }) => resolve(message)));
  connection.resume();
  connection.write('GET / HTTP/1.1\r\n\r\n');
  expect(await ended).toContain('ECONNRESET');
  expect(value('no_filter_chain_match')).toBe(1);
  expect(system.lines.map(({ line }) => line)).toEqual(['NR filter_chain_not_found 127.0.0.1']);
});

test('a client that stops in its greeting is cut after 10 s', async () => {
  const { system, dial } = await setUp();
  const connection = await dial();
  let isCut = false;
  connection.on('close', () => {
    isCut = true;
  });
  connection.resume();
  connection.write(Buffer.from([22, 3, 1, 1]));
  await system.clock.advance(9_000);
  expect(isCut).toBe(false);
  await system.clock.advance(1_001);
  expect(isCut).toBe(true);
});
