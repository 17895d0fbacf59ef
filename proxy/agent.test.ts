/** The agent as a process, on real sockets, with a signing service that is not ours; and a real Envoy that takes its certificate from it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { TYPE_URLS } from '#api/kinds.ts';
import { DiscoveryRequest, type DiscoveryResponse, Secret } from '#envoy';
import { realClock } from '#system/clock.ts';
import { readIdentityFile } from './identity-file.ts';
import { folder, ME, signingService } from './signing-service.fixture.ts';
import { realSystem } from './system/real-system.ts';
import { grpcAdsStream } from './xds/grpc-ads-stream.ts';
import { ownSecret, SdsServer } from './xds/sds-server.ts';

const AGENT = fileURLToPath(new URL('./agent.ts', import.meta.url));
const ENVOY = fileURLToPath(new URL('../.cache/envoy/envoy-1.40.0', import.meta.url));

const start = (command: string, args: readonly string[]): ChildProcess => {
  const child = spawn(command, args, { stdio: 'ignore' });
  onTestFinished(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await ended;
  });
  return child;
};

/** Tries until it succeeds, as somebody who waits for a program to come up must. */
const eventually = async <T>(attempt: () => Promise<T> | T): Promise<T> => {
  for (let tries = 0; ; tries++)
    try {
      return await attempt();
    } catch (error) {
      if (tries > 150) throw error;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
};

const agentFor = async (identity: string) => {
  const directory = folder();
  const socket = join(directory, 'sds.sock');
  const log = join(directory, 'agent.log');
  start(process.execPath, [AGENT, '--identity', identity, '--socket', socket, '--log-path', log]);
  await eventually(() => statSync(socket));
  return { directory, socket, log };
};

const secretFrom = (socket: string): Promise<DiscoveryResponse> => {
  const response = Promise.withResolvers<DiscoveryResponse>();
  const stream = grpcAdsStream(
    { pipe: socket },
    realClock(),
    'sds',
  )({ response: response.resolve, ended: (why) => response.reject(new Error(why)) });
  onTestFinished(() => stream.close());
  stream.send(DiscoveryRequest.fromPartial({ typeUrl: TYPE_URLS.sds, resourceNames: ['default'] }));
  return response.promise;
};

test('the first call shows the token, a later one the certificate in its place; the root does not travel', {
  timeout: 30_000,
}, async () => {
  const { identity, shown, roots } = await signingService();
  const { issue } = await readIdentityFile(identity, realClock());
  const { tls } = realSystem({ logLevel: 'off' });
  const first = await tls.requestFor(ME);
  const certificateChain = await issue({ csr: first.csr, lifeSeconds: 60 });
  const facts = await tls.read(certificateChain);
  expect(facts.map(({ uris }) => uris)).toEqual([[ME]]);
  const next = await tls.requestFor(ME);
  await issue({ csr: next.csr, lifeSeconds: 60, current: { certificateChain, privateKey: first.privateKey }, trustedRoots: roots });
  expect(shown).toEqual([
    { token: 'Bearer one-use-token', uri: '' },
    { token: '', uri: `URI:${ME}` },
  ]);
});

test('an authority with another name or another root is not asked, and the token does not leave', { timeout: 30_000 }, async () => {
  const { identity, shown } = await signingService();
  const other = await signingService();
  const { csr } = await realSystem({ logLevel: 'off' }).tls.requestFor(ME);
  const issue = async (changes: object): Promise<string> => {
    writeFileSync(identity, JSON.stringify({ ...JSON.parse(readFileSync(identity, 'utf8')), ...changes }));
    return (await readIdentityFile(identity, realClock())).issue({ csr, lifeSeconds: 60 });
  };
  await expect(issue({ caName: 'other.istio-system.svc' })).rejects.toThrow('does not match');
  await expect(issue({ caName: 'istiod.istio-system.svc', caRoots: join(other.directory, 'root.pem') })).rejects.toThrow(
    /certificate|issuer/,
  );
  expect(shown).toEqual([]);
});

test('the agent serves the certificate on a socket of its owner, and no key in its log', { timeout: 30_000 }, async () => {
  const { identity } = await signingService();
  const { socket, log } = await agentFor(identity);
  const { resources, typeUrl } = await secretFrom(socket);
  expect(typeUrl).toBe(TYPE_URLS.sds);
  const [secret] = resources.map(({ value }) => Secret.decode(value));
  expect(secret).toMatchObject({ name: 'default', type: { $case: 'tlsCertificate' } });
  expect((statSync(socket).mode & 0o777).toString(8)).toBe('600');
  expect(await eventually(() => readFileSync(log, 'utf8'))).not.toContain('PRIVATE');
});

const freePort = async (): Promise<number> => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
};

const envoyBootstrap = (socket: string, port: number): object => {
  const sdsConfig = {
    resource_api_version: 'V3',
    api_config_source: { api_type: 'GRPC', transport_api_version: 'V3', grpc_services: [{ envoy_grpc: { cluster_name: 'sds-grpc' } }] },
  };
  const TYPE = 'type.googleapis.com/envoy.extensions';
  return {
    node: { id: 'n', cluster: 'c' },
    static_resources: {
      listeners: [
        {
          name: 'l',
          address: { socket_address: { address: '127.0.0.1', port_value: port } },
          filter_chains: [
            {
              transport_socket: {
                name: 'tls',
                typed_config: {
                  '@type': `${TYPE}.transport_sockets.tls.v3.DownstreamTlsContext`,
                  common_tls_context: { tls_certificate_sds_secret_configs: [{ name: 'default', sds_config: sdsConfig }] },
                },
              },
              filters: [{ name: 'echo', typed_config: { '@type': `${TYPE}.filters.network.echo.v3.Echo` } }],
            },
          ],
        },
      ],
      clusters: [
        {
          name: 'sds-grpc',
          type: 'STATIC',
          connect_timeout: '1s',
          typed_extension_protocol_options: {
            'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': {
              '@type': `${TYPE}.upstreams.http.v3.HttpProtocolOptions`,
              explicit_http_config: { http2_protocol_options: {} },
            },
          },
          load_assignment: {
            cluster_name: 'sds-grpc',
            endpoints: [{ lb_endpoints: [{ endpoint: { address: { pipe: { path: socket } } } }] }],
          },
        },
      ],
    },
  };
};

/** Serial and names of what a server shows. */
const shownBy = (port: number, ca: string): Promise<{ readonly serial: string; readonly names: string }> =>
  new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port, ca, checkServerIdentity: () => undefined }, () => {
      const { serialNumber, subjectaltname = '' } = socket.getPeerCertificate();
      socket.destroy();
      resolve({ serial: serialNumber, names: subjectaltname });
    });
    socket.once('error', reject);
  });

/** A real Envoy whose listener takes its certificate from the socket; gives its port. */
const envoyOn = async (socket: string): Promise<number> => {
  const port = await freePort();
  const config = join(folder(), 'envoy.json');
  writeFileSync(config, JSON.stringify(envoyBootstrap(socket, port)));
  start(ENVOY, ['-c', config, '--disable-hot-restart', '--concurrency', '1', '--log-level', 'error']);
  return port;
};

const withEnvoy = test.skipIf(!existsSync(ENVOY));

withEnvoy('a real Envoy shows the certificate that the agent got', { timeout: 60_000 }, async () => {
  const { identity, roots } = await signingService();
  const { socket } = await agentFor(identity);
  const port = await envoyOn(socket);
  expect((await eventually(() => shownBy(port, roots))).names).toBe(`URI:${ME}`);
});

withEnvoy(
  'a real Envoy shows the next certificate as soon as it is served, and keeps it when there is none any more',
  { timeout: 60_000 },
  async () => {
    const { identity, roots } = await signingService();
    const { issue } = await readIdentityFile(identity, realClock());
    const { tls, log } = realSystem({ logLevel: 'off' });
    const server = new SdsServer(log);
    onTestFinished(() => server.close());
    const socket = join(folder(), 'sds.sock');
    await server.listen(socket);
    const put = async (): Promise<string> => {
      const { privateKey, csr } = await tls.requestFor(ME);
      const certificateChain = await issue({ csr, lifeSeconds: 60 });
      server.put(ownSecret({ certificateChain, privateKey }));
      return (await tls.read(certificateChain))[0]?.serial ?? '';
    };
    const port = await envoyOn(socket);
    const serial = async (): Promise<string> => (await shownBy(port, roots)).serial.toLowerCase();
    const first = await put();
    expect(await eventually(serial)).toBe(first);
    const second = await put();
    await eventually(async () => {
      if ((await serial()) !== second) throw new Error('not yet');
    });
    server.withdraw('default');
    expect(await serial()).toBe(second);
  },
);
