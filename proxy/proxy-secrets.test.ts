/** Whole proxies in the simulated world: which secrets they ask for, what waits for them, what is refused, and what shows. */
import { expect, onTestFinished, test } from 'vitest';
import type { AdsClientEvents } from '#api/ads-stream.ts';
import { type Kind, TYPE_URLS } from '#api/kinds.ts';
import { Any, Bootstrap, type DiscoveryRequest, DiscoveryResponse } from '#envoy';
import { startProxy } from './proxy.ts';
import type { Identity } from './proxy-secrets.ts';
import { settle } from './system/simulated-clock.ts';
import { simulatedSystem } from './system/simulated-system.ts';
import { authority, ME, rootPem } from './tls/authority.fixture.ts';

const ADS = { ads: {}, resource_api_version: 'V3' };
const AGENT = {
  resource_api_version: 'V3',
  api_config_source: { api_type: 'GRPC', transport_api_version: 'V3', grpc_services: [{ envoy_grpc: { cluster_name: 'sds-grpc' } }] },
};

const tlsCluster = (name: string, common: object) => ({
  name,
  load_assignment: {
    cluster_name: name,
    endpoints: [{ lb_endpoints: [{ endpoint: { address: { socket_address: { address: '10.0.0.1', port_value: 1 } } } }] }],
  },
  transport_socket: {
    name: 'tls',
    typed_config: {
      '@type': 'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext',
      common_tls_context: common,
    },
  },
});

const trusting = (name = 'ROOTCA') => ({ validation_context_sds_secret_config: { name, sds_config: ADS } });
const own = { tls_certificate_sds_secret_configs: [{ name: 'default', sds_config: AGENT }] };

const trust = (name: string, pem: string) => ({ name, validation_context: { trusted_ca: { inline_string: pem } } });

const setUp = async (options: { readonly identity?: Identity; readonly secrets?: readonly object[] } = {}) => {
  const system = simulatedSystem();
  const sent: DiscoveryRequest[] = [];
  const streams: AdsClientEvents[] = [];
  const bootstrap = {
    admin: { address: { socket_address: { address: '10.0.0.1', port_value: 15000 } } },
    static_resources: { secrets: options.secrets ?? [] },
  };
  const proxy = await startProxy(Bootstrap.fromJSON(bootstrap), system, {
    ...(options.identity && { identity: options.identity }),
    openAds: (events) => {
      streams.push(events);
      return { send: (request) => void sent.push(request), close: () => {} };
    },
  });
  onTestFinished(() => proxy.close());
  const push = async (kind: Kind, version: string, ...resources: readonly object[]) => {
    const typeUrl = TYPE_URLS[kind];
    const all = resources.map((resource) => Any.fromJSON({ '@type': typeUrl, ...resource }));
    streams.at(-1)?.response(DiscoveryResponse.fromPartial({ typeUrl, versionInfo: version, nonce: `${kind}-${version}`, resources: all }));
    await settle();
    return sent.findLast((request) => request.responseNonce === `${kind}-${version}`)?.errorDetail?.message ?? 'accepted';
  };
  const asked = () => sent.findLast(({ typeUrl }) => typeUrl === TYPE_URLS.sds)?.resourceNames;
  const dump = async (): Promise<string> => {
    const connection = await system.world.network.from('10.0.0.9').connect({ address: '10.0.0.1', port: 15000 }, { timeoutMs: 1 });
    let text = '';
    connection.on('data', (chunk: Buffer) => {
      text += chunk.toString();
    });
    connection.write('GET /config_dump HTTP/1.1\r\nhost: 127.0.0.1:15000\r\nconnection: close\r\n\r\n');
    for (let turn = 0; turn < 8; turn++) await settle();
    connection.destroy();
    return text;
  };
  return { system, proxy, push, asked, dump, clusters: () => [...proxy.snapshot.clusters.keys()] };
};

test('a cluster waits for the trust that it names, and the proxy is not ready before', async () => {
  const { push, asked, clusters, proxy } = await setUp();
  expect(await push('cds', '1', tlsCluster('a', trusting()), tlsCluster('b', {}))).toBe('accepted');
  expect(asked()).toEqual(['ROOTCA']);
  await push('lds', '1');
  expect([clusters(), proxy.ready]).toEqual([['b'], false]);
  expect(await push('sds', '1', trust('ROOTCA', rootPem('root')))).toBe('accepted');
  expect([clusters(), proxy.ready]).toEqual([['a', 'b'], true]);
});

test('a secret that nobody names any more is asked for no longer', async () => {
  const { push, asked } = await setUp();
  await push('cds', '1', tlsCluster('a', trusting()));
  await push('sds', '1', trust('ROOTCA', rootPem('root')));
  await push('cds', '2', tlsCluster('a', trusting('other')));
  expect(asked()).toEqual(['other']);
});

test('trust that does not parse is refused by its name, and the last good stays', async () => {
  const { push, proxy, clusters } = await setUp();
  await push('cds', '1', tlsCluster('a', trusting()));
  await push('sds', '1', trust('ROOTCA', rootPem('root')));
  const good = proxy.resources.sds.get('ROOTCA');
  expect(await push('sds', '2', trust('ROOTCA', '-----BEGIN CERTIFICATE-----\nbm90aGluZw==\n-----END CERTIFICATE-----\n'))).toMatch(
    /^Error adding\/updating secret\(s\) ROOTCA: /,
  );
  expect(await push('sds', '3', trust('ROOTCA', 'nothing'))).toContain('validation_context.trusted_ca.inline_string');
  expect([proxy.resources.sds.get('ROOTCA'), clusters()]).toEqual([good, ['a']]);
});

const withIdentity = async () => {
  const system = simulatedSystem();
  const ca = authority(system.clock);
  const identity: Identity = { spiffeId: ME, lifeSeconds: 3600, issue: ca.issue };
  return { ca, ...(await setUp({ identity })) };
};

test('a proxy with an identity gets its own certificate only when something needs it, and is ready when it has it', async () => {
  const { ca, push, proxy, asked } = await withIdentity();
  const late = Promise.withResolvers<void>();
  ca.answer = async (request) => {
    await late.promise;
    return ca.leaf(request);
  };
  expect(ca.asked).toEqual([]);
  await push('cds', '1', tlsCluster('a', { ...own, ...trusting() }));
  await push('sds', '1', trust('ROOTCA', rootPem('root')));
  await push('lds', '1');
  expect([ca.asked.length, asked(), proxy.ready]).toEqual([1, ['ROOTCA'], false]);
  late.resolve();
  for (let turn = 0; turn < 4; turn++) await settle();
  expect(proxy.ready).toBe(true);
});

test('the authority is spoken to with the trust that arrived', async () => {
  const { ca, push, system } = await withIdentity();
  await push('cds', '1', tlsCluster('a', { ...own, ...trusting() }));
  await push('sds', '1', trust('ROOTCA', rootPem('next')));
  await system.clock.advance(3600 * 600);
  expect(ca.asked.map(({ request }) => request.trustedRoots)).toEqual([undefined, rootPem('next')]);
});

test('the dump tells which secrets are used and which are waited for, and shows no key', async () => {
  const { ca, push, dump, system } = await withIdentity();
  await push('cds', '1', tlsCluster('a', { ...own, ...trusting() }), tlsCluster('b', trusting('later')));
  await push('sds', '1', trust('ROOTCA', rootPem('root')));
  for (let turn = 0; turn < 4; turn++) await settle();
  expect(ca.asked).toHaveLength(1);
  const text = await dump();
  const { configs } = JSON.parse(text.slice(text.indexOf('{'), text.lastIndexOf('}') + 1)) as { configs: { '@type': string }[] };
  expect(configs.find((config) => config['@type'].endsWith('SecretsConfigDump'))).toMatchObject({
    dynamic_active_secrets: [
      { name: 'default', secret: { tls_certificate: { private_key: {} } } },
      { name: 'ROOTCA', version_info: '1' },
    ],
    dynamic_warming_secrets: [{ name: 'later' }],
  });
  for (const all of [text, Buffer.from(JSON.stringify(system.events)).toString()]) {
    expect(all).not.toContain('PRIVATE KEY');
    expect(all).not.toContain(Buffer.from('PRIVATE KEY').toString('base64').slice(0, 12));
  }
});

test('a secret of the bootstrap that cannot be used ends the start with its place', async () => {
  await expect(setUp({ secrets: [trust('r', 'nothing')] })).rejects.toThrow('static_resources.secrets[0].validation_context.trusted_ca');
  const broken = {
    name: 'c',
    tls_certificate: { certificate_chain: { inline_string: rootPem('a') }, private_key: { inline_string: '-----BEGIN PRIVATE KEY-----' } },
  };
  await expect(setUp({ secrets: [broken] })).rejects.toThrow('static_resources.secrets[0]');
});

/** How many contexts `GET /certs` of the admin port shows. */
const contextsOf = async ({ system }: Awaited<ReturnType<typeof setUp>>): Promise<number> => {
  const connection = await system.world.network.from('10.0.0.9').connect({ address: '10.0.0.1', port: 15000 }, { timeoutMs: 1 });
  let text = '';
  connection.on('data', (chunk: Buffer) => {
    text += chunk.toString();
  });
  connection.write('GET /certs HTTP/1.1\r\nhost: 127.0.0.1:15000\r\nconnection: close\r\n\r\n');
  for (let turn = 0; turn < 8; turn++) await settle();
  return text.split('ca_cert').length - 1;
};

const serving = (name: string, port: number) => ({
  name,
  address: { socket_address: { address: '10.0.0.1', port_value: port } },
  filter_chains: [
    {
      filters: [
        {
          name: 'tcp',
          typed_config: {
            '@type': 'type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy',
            stat_prefix: 'a',
            cluster: 'b',
          },
        },
      ],
      transport_socket: {
        name: 'tls',
        typed_config: {
          '@type': 'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext',
          common_tls_context: { ...own, ...trusting(name) },
        },
      },
    },
  ],
});

test('the certificates page shows what is in use, and nothing of listeners that are gone', async () => {
  const world = await withIdentity();
  const { push } = world;
  await push('cds', '1');
  await push('lds', '1', serving('one', 1), serving('two', 2));
  await push('sds', '1', trust('one', rootPem('one')), trust('two', rootPem('two')));
  for (let turn = 0; turn < 4; turn++) await settle();
  const both = await contextsOf(world);
  await push('lds', '2', serving('two', 2));
  expect([both, await contextsOf(world)]).toEqual([2, 1]);
});
