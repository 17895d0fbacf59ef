/** Hosts under TLS, over real sockets, against servers of Node's own making. Texts of failures were asked of Envoy 1.40. */
import { createServer as createPlainServer, type ServerResponse } from 'node:http';
import { createServer, type Server as HttpsServer } from 'node:https';
import { type AddressInfo, createServer as createTcpServer, type Server } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { ClusterLoadAssignment, Cluster as ClusterMessage } from '#envoy';
import { type KeyPair, type TestAuthority, testAuthority } from '../../conformance/certificates/test-authority.ts';
import { EMPTY_BODY } from '../http/body.ts';
import { HeaderMap } from '../http/header-map.ts';
import { type HttpResponse, NO_TRAILERS } from '../http/message.ts';
import { StreamError } from '../http/stream-error.ts';
import { StreamRecord } from '../http/stream-record.ts';
import { realSystem } from '../system/real-system.ts';
import { tlsRoom } from '../tls/live-context.ts';
import { SecretStore } from '../tls/secret-store.ts';
import { ClusterManager } from './cluster-manager.ts';
import { type CompiledCluster, compileCluster } from './compile-cluster.ts';
import { compileEndpoints } from './compile-endpoints.ts';

const REVIEWS = 'spiffe://cluster.local/ns/default/sa/reviews';
const PRODUCTPAGE = 'spiffe://cluster.local/ns/default/sa/productpage';
const LOCAL = { address: '127.0.0.1', port: 1 };

let mesh: TestAuthority;
let stranger: TestAuthority;
let own: KeyPair;
const servers: { close(): unknown; closeAllConnections?(): void }[] = [];

beforeAll(async () => {
  [mesh, stranger] = await Promise.all([testAuthority('O=mesh'), testAuthority('O=stranger')]);
  own = await mesh.issue({ uris: [PRODUCTPAGE] });
});

afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections?.();
    server.close();
  }
});

const listening = async (server: Server | HttpsServer): Promise<number> => {
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
};

/** Answers with what it saw: the client's identity, the name that it asked for, whether the session went on. */
const startServer = (pair: KeyPair, options: object = {}): Promise<number> =>
  listening(
    createServer(
      { cert: pair.certificateChain, key: pair.privateKey, ca: mesh.roots, requestCert: true, rejectUnauthorized: true, ...options },
      ({ socket }, response) => {
        const tls = socket as TLSSocket;
        response.setHeader('x-client', tls.getPeerX509Certificate()?.subjectAltName ?? '-');
        response.setHeader('x-sni', String((tls as { servername?: string | false }).servername));
        response.setHeader('x-port', String(socket.remotePort));
        response.end();
      },
    ),
  );

interface Wishes {
  readonly sans?: readonly string[];
  readonly tls?: object;
  readonly common?: object;
  readonly cluster?: object;
}

const SDS = (name: string) => ({ name, sds_config: { ads: {}, resource_api_version: 'V3' } });

const socketOf = ({ sans = [REVIEWS], tls = {}, common = {} }: Wishes = {}) => ({
  name: 'envoy.transport_sockets.tls',
  typed_config: {
    '@type': 'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext',
    sni: 'outbound_.9080_._.reviews',
    ...tls,
    common_tls_context: {
      tls_params: { tls_maximum_protocol_version: 'TLSv1_3' },
      tls_certificate_sds_secret_configs: [SDS('default')],
      combined_validation_context: {
        default_validation_context: { match_typed_subject_alt_names: sans.map((exact) => ({ san_type: 'URI', matcher: { exact } })) },
        validation_context_sds_secret_config: SDS('ROOTCA'),
      },
      ...common,
    },
  },
});

const endpointsAt = (ports: readonly number[], labels?: object) =>
  compileEndpoints(
    ClusterLoadAssignment.fromJSON({
      cluster_name: 'c',
      endpoints: [
        {
          lb_endpoints: ports.map((port_value) => ({
            endpoint: { address: { socket_address: { address: '127.0.0.1', port_value } } },
            ...(labels && { metadata: { filter_metadata: { 'envoy.transport_socket_match': labels } } }),
          })),
        },
      ],
    }),
  );

const put = (secrets: SecretStore, { certificateChain, privateKey }: KeyPair): void =>
  secrets.putCertificate({ name: 'default', source: { kind: 'ads' } }, { certificateChain, privateKey });

const setUp = (config: object, port: number, labels?: object) => {
  const system = realSystem({ logLevel: 'off' });
  const secrets = new SecretStore();
  put(secrets, own);
  secrets.putTrust({ name: 'ROOTCA', source: { kind: 'ads' } }, { trustedRoots: mesh.roots, names: [], certificates: [] });
  const manager = new ClusterManager(system, tlsRoom(system, secrets));
  const update = (next: CompiledCluster) => manager.reconcile(new Map([['c', next]]));
  const compile = (json: object) => compileCluster(ClusterMessage.fromJSON({ name: 'c', connect_timeout: '2s', ...json }));
  update({ config: compile(config), endpoints: endpointsAt([port], labels) });
  const stream = () => new StreamRecord(1, { id: 1, local: LOCAL, remote: LOCAL }, 0, 0);
  const running = () => {
    const { current } = manager.slot('c');
    if (!current) throw new Error('the cluster is gone');
    return current;
  };
  const send = async (authority = 'reviews:9080', record = stream()): Promise<HttpResponse> => {
    const headers = HeaderMap.EMPTY;
    const request = { method: 'GET', scheme: 'http', authority, path: '/', headers, body: EMPTY_BODY, trailers: NO_TRAILERS } as const;
    return running().send(request, record, { repicks: 0 });
  };
  const seen = async (name: string, authority?: string) => (await send(authority)).headers.get(name);
  const failure = async (authority?: string) => {
    const record = stream();
    const error = await send(authority, record).then(
      ({ status }) => new Error(`answered ${status}`),
      (thrown: unknown) => thrown,
    );
    if (!(error instanceof StreamError)) throw error;
    return { flag: error.flag, text: error.text, details: error.codeDetails, reason: record.upstreamFailure };
  };
  const metric = (name: string) => system.metrics.value(`cluster.c.${name}`);
  return { system, secrets, manager, update, compile, send, seen, failure, metric, stream, running };
};

const tlsCluster = (wishes: Wishes = {}) => ({ transport_socket: socketOf(wishes), ...wishes.cluster });
const EACH_ONE_CONNECTION = { max_requests_per_connection: 1 };

describe('a host under TLS', () => {
  it('is asked by its name, and told who asks; its own identity stands in the record', async () => {
    const port = await startServer(await mesh.issue({ uris: [REVIEWS] }));
    const { seen, send, stream, metric } = setUp(tlsCluster(), port);
    expect(await seen('x-client')).toBe(`URI:${PRODUCTPAGE}`);
    expect(await seen('x-sni')).toBe('outbound_.9080_._.reviews');
    const record = stream();
    await send('reviews', record);
    expect(record.attempts[0]?.tls).toMatchObject({ version: 'TLSv1.3', peer: { uris: [REVIEWS] }, local: { uris: [PRODUCTPAGE] } });
    expect([metric('ssl.handshake'), metric('ssl.versions.TLSv1.3'), metric('upstream_cx_connect_fail')]).toEqual([1, 1, 0]);
  });

  it('resumes sessions, and judges who the host is each time', async () => {
    const port = await startServer(await mesh.issue({ uris: [REVIEWS] }));
    const { send, metric, update, compile, failure } = setUp(tlsCluster({ cluster: EACH_ONE_CONNECTION }), port);
    for (let i = 0; i < 4; i++) await send();
    expect(metric('ssl.handshake')).toBe(4);
    expect(metric('ssl.session_reused')).toBeGreaterThan(0);
    update({
      config: compile(tlsCluster({ sans: ['spiffe://x/ns/a/sa/b'], cluster: EACH_ONE_CONNECTION })),
      endpoints: endpointsAt([port]),
    });
    expect((await failure()).flag).toBe('UF');
    expect(metric('ssl.fail_verify_san')).toBe(1);
  });

  it('does not resume where no session may be kept', async () => {
    const port = await startServer(await mesh.issue({ uris: [REVIEWS] }));
    const { send, metric } = setUp(tlsCluster({ tls: { max_session_keys: 0 }, cluster: EACH_ONE_CONNECTION }), port);
    for (let i = 0; i < 3; i++) await send();
    expect([metric('ssl.handshake'), metric('ssl.session_reused')]).toEqual([3, 0]);
  });
});

const VERIFY = 'TLS_error:|268435581:SSL_routines:OPENSSL_internal:CERTIFICATE_VERIFY_FAILED:verify_cert_failed:';

describe('a handshake that fails is a connection that fails', () => {
  const TEXT = 'upstream connect error or disconnect/reset before headers. reset reason: remote connection failure';

  it.each([
    [
      'another service',
      () => mesh.issue({ uris: ['spiffe://cluster.local/ns/default/sa/wrong'] }),
      `${VERIFY}_SAN_matcher,_certificate_SANs_are_[spiffe://cluster.local/ns/default/sa/wrong]:TLS_error_end`,
      'ssl.fail_verify_san',
    ],
    [
      'an expired certificate',
      () => mesh.issue({ uris: [REVIEWS], fromDays: -3, untilDays: -1 }),
      `${VERIFY}_X509_verify_cert:_certificate_verification_error_at_depth_0:_certificate_has_expired:TLS_error_end`,
      'ssl.fail_verify_error',
    ],
    [
      'a stranger’s root',
      () => stranger.issue({ uris: [REVIEWS] }),
      `${VERIFY}_X509_verify_cert:_certificate_verification_error_at_depth_0:_unable_to_get_local_issuer_certificate:TLS_error_end`,
      'ssl.fail_verify_error',
    ],
  ])('%s', async (_, issue, reason, counter) => {
    const port = await startServer(await issue());
    const { failure, metric } = setUp(tlsCluster(), port);
    const failed = await failure();
    expect(failed).toMatchObject({ flag: 'UF', text: TEXT });
    expect(failed.reason).toContain(reason);
    expect(failed.details).toBe(`upstream_reset_before_response_started{remote_connection_failure|${failed.reason}}`);
    expect([metric(counter), metric('upstream_cx_connect_fail'), metric('ssl.handshake'), metric('upstream_cx_active')]).toEqual([
      1, 1, 0, 0,
    ]);
  });

  it('a host that speaks plain text gets no request', async () => {
    let requests = 0;
    const port = await listening(createPlainServer((_, response) => void response.end(String(requests++))));
    const { failure, metric } = setUp(tlsCluster(), port);
    expect(await failure()).toMatchObject({
      flag: 'UF',
      reason: 'TLS_error:|268435703:SSL_routines:OPENSSL_internal:WRONG_VERSION_NUMBER:TLS_error_end',
    });
    expect([requests, metric('ssl.connection_error')]).toEqual([0, 1]);
  });

  it('a host that hangs up, and one that says nothing', async () => {
    const hangsUp = await listening(createTcpServer((socket) => void socket.on('error', () => {}).destroy()));
    expect(await setUp(tlsCluster(), hangsUp).failure()).toMatchObject({
      flag: 'UF',
      reason: expect.stringContaining('Connection_reset_by_peer'),
    });
    const silent = await listening(createTcpServer((socket) => void socket.on('error', () => {}).resume()));
    const { failure, metric } = setUp(tlsCluster({ cluster: { connect_timeout: '0.1s' } }), silent);
    expect(await failure()).toMatchObject({ details: 'upstream_reset_before_response_started{connection_timeout}', reason: '' });
    expect(metric('upstream_cx_connect_timeout')).toBe(1);
  });

  it('without its secrets nothing is dialled, and nothing goes in plain text', async () => {
    let connections = 0;
    const port = await listening(
      createTcpServer((socket) => {
        connections++;
        socket.destroy();
      }),
    );
    const { failure, secrets, metric } = setUp(tlsCluster(), port);
    secrets.putCertificate({ name: 'default', source: { kind: 'ads' } }, undefined);
    expect(await failure()).toMatchObject({ flag: 'UF', reason: 'TLS_error:_Secret_is_not_supplied_by_SDS' });
    expect([connections, metric('client_ssl_socket_factory.upstream_context_secrets_not_ready')]).toEqual([0, 1]);
  });

  it('an own certificate past its time opens no connection', async () => {
    const port = await startServer(await mesh.issue({ uris: [REVIEWS] }));
    const { failure, secrets } = setUp(tlsCluster(), port);
    put(secrets, await mesh.issue({ uris: [PRODUCTPAGE], fromDays: -2, untilDays: -1 }));
    expect((await failure()).reason).toContain('the_certificate_of_this_proxy_expired_at_');
  });
});

describe('rotation', () => {
  it('leaves open connections as they are; new ones show the new certificate', async () => {
    const port = await startServer(await mesh.issue({ uris: [REVIEWS] }));
    const { seen, secrets, metric } = setUp(tlsCluster({ cluster: { max_requests_per_connection: 2 } }), port);
    const first = await seen('x-port');
    put(secrets, await mesh.issue({ uris: ['spiffe://cluster.local/ns/default/sa/renewed'] }));
    expect([await seen('x-port'), metric('ssl.handshake')]).toEqual([first, 1]);
    expect([await seen('x-client'), metric('ssl.handshake')]).toEqual(['URI:spiffe://cluster.local/ns/default/sa/renewed', 2]);
  });
});

describe('transport_socket_matches', () => {
  const matches = {
    transport_socket_matches: [
      { name: 'tlsMode-istio', match: { tlsMode: 'istio' }, transport_socket: socketOf() },
      { name: 'tlsMode-disabled', match: {}, transport_socket: { name: 'envoy.transport_sockets.raw_buffer' } },
    ],
  };

  it('an endpoint’s labels choose: the first that fits, and without labels it fits everybody', async () => {
    const secured = await startServer(await mesh.issue({ uris: [REVIEWS] }));
    const plain = await listening(createPlainServer((_, response) => void response.end()));
    expect((await setUp(matches, secured, { tlsMode: 'istio' }).send()).status).toBe(200);
    expect((await setUp(matches, plain).send()).status).toBe(200);
    expect((await setUp(matches, plain, { tlsMode: 'disabled' }).send()).status).toBe(200);
    expect((await setUp(matches, plain, { tlsMode: 'istio' }).failure()).flag).toBe('UF');
  });

  it('where none fits, the cluster’s own socket is taken', async () => {
    const plain = await listening(createPlainServer((_, response) => void response.end()));
    const [istioOnly] = matches.transport_socket_matches;
    expect((await setUp({ transport_socket_matches: [istioOnly] }, plain).send()).status).toBe(200);
    expect((await setUp({ transport_socket_matches: [istioOnly], transport_socket: socketOf() }, plain).failure()).flag).toBe('UF');
  });

  it('new labels move new connections, and cut none that serves', async () => {
    const held: ServerResponse[] = [];
    const arrived = Promise.withResolvers<void>();
    const plain = createPlainServer((_, response) => {
      held.push(response);
      arrived.resolve();
    });
    const port = await listening(plain);
    const { send, update, compile, failure } = setUp(matches, port);
    const slow = send();
    await arrived.promise;
    update({ config: compile(matches), endpoints: endpointsAt([port], { tlsMode: 'istio' }) });
    expect((await failure()).flag).toBe('UF');
    held[0]?.end('late');
    expect((await slow).status).toBe(200);
    expect((await failure()).flag).toBe('UF');
    expect(held.length).toBe(1);
  });
});

const autoName = (options: object) => ({
  typed_extension_protocol_options: {
    'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': {
      '@type': 'type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions',
      upstream_http_protocol_options: options,
      explicit_http_config: { http_protocol_options: {} },
    },
  },
});

describe('the host that a request names', () => {
  it('is asked for where auto_sni says so, without its port, and not when it is an address', async () => {
    const port = await startServer(await mesh.issue({ uris: [REVIEWS] }));
    const { seen } = setUp(tlsCluster({ tls: { sni: '' }, cluster: autoName({ auto_sni: true }) }), port);
    expect(await seen('x-sni', 'one.example:80')).toBe('one.example');
    expect(await seen('x-sni', 'two.example')).toBe('two.example');
    expect(await seen('x-sni', '10.0.0.1:80')).toBe('false');
  });

  it('must be the server’s where auto_san_validation says so', async () => {
    const port = await startServer(await mesh.issue({ dnsNames: ['*.example'] }));
    const { send, failure, metric } = setUp(
      tlsCluster({ sans: [], cluster: autoName({ auto_sni: true, auto_san_validation: true }) }),
      port,
    );
    expect((await send('one.example')).status).toBe(200);
    expect((await failure('other.test')).reason).toBe(
      `${VERIFY}_verify_SAN_list,_expected_SANs:_[other.test],_certificate_SANs:_[*.example]:TLS_error_end`,
    );
    expect(metric('ssl.fail_verify_san')).toBe(1);
  });
});

it('bytes that are only copied go under TLS, too', async () => {
  const port = await startServer(await mesh.issue({ uris: [REVIEWS] }));
  const { running } = setUp(tlsCluster(), port);
  const opened = await running().connect(LOCAL);
  expect(opened?.connection.tls?.peer?.uris).toEqual([REVIEWS]);
  opened?.connection.destroy();
  const wrong = setUp(tlsCluster({ sans: ['spiffe://x/ns/a/sa/b'] }), port);
  await expect(wrong.running().connect(LOCAL)).rejects.toThrow('CERTIFICATE_VERIFY_FAILED');
});

it.each([
  ['allow_renegotiation', { tls: { allow_renegotiation: true } }],
  ['enforce_rsa_key_usage', { tls: { enforce_rsa_key_usage: true } }],
  ['common_tls_context.key_log', { common: { key_log: { path: '/tmp/keys' } } }],
])('%s is refused by its path', (path, wishes) => {
  expect(() => compileCluster(ClusterMessage.fromJSON({ name: 'c', ...tlsCluster(wishes) }))).toThrow(
    `transport_socket.typed_config.${path}`,
  );
});
