/** Facts of what istiod writes for the same situations. */
import { expect, test } from 'vitest';
import { messageTypes, type TransportSocket } from '#envoy';
import type { ProxyNode } from '../mesh/mesh.ts';
import { meshFrom, SIDECAR } from './translate.fixture.ts';
import { translate } from './translate.ts';

const SERVICES = `apiVersion: v1
kind: Service
metadata: {name: reviews}
spec: {selector: {app: reviews}, ports: [{port: 80, targetPort: 9080, name: http}, {port: 7000, name: tcp}]}
`;
const ME: ProxyNode = { ...SIDECAR, serviceAccount: 'bookinfo', labels: { ...SIDECAR.labels, 'security.istio.io/tlsMode': 'istio' } };

const security = (kind: string, spec: string): string =>
  `---\napiVersion: security.istio.io/v1\nkind: ${kind}\nmetadata: {name: x}\nspec: ${spec}\n`;
const rule = (fields: string): string =>
  `---\napiVersion: networking.istio.io/v1\nkind: DestinationRule\nmetadata: {name: r}\nspec: {host: reviews, ${fields}}\n`;

/** What `proxy` gets in a mesh where `ME` runs. */
const inMesh = (yaml = '', { proxy = ME, settings = {} }: { proxy?: ProxyNode; settings?: object } = {}) => {
  const mesh = meshFrom(SERVICES + yaml);
  const { ip, workload, ...rest } = ME;
  const workloads = [{ ...rest, name: workload, address: ip }];
  return translate({ ...mesh, workloads, config: { ...mesh.config, ...settings } }, proxy);
};

// biome-ignore lint/suspicious/noExplicitAny: a test knows the shape of what it looks at.
const plain = (socket: TransportSocket | undefined): any => {
  if (socket?.configType?.$case !== 'typedConfig') return undefined;
  const { typeUrl, value } = socket.configType.value;
  const codec = messageTypes()[typeUrl.slice(typeUrl.lastIndexOf('/') + 1)];
  return codec?.toJSON(codec.decode(value));
};

const chains = (yaml = '', how: Parameters<typeof inMesh>[1] = {}) =>
  (inMesh(yaml, how).listeners.find(({ name }) => name === 'virtualInbound')?.filterChains ?? []).map(
    ({ filterChainMatch: match, transportSocket }) =>
      `${match?.destinationPort} ${match?.transportProtocol || 'any'}${match?.applicationProtocols.length ? ' of the mesh' : ''}${transportSocket ? ' checked' : ''}`,
  );

const cluster = (yaml: string, how: Parameters<typeof inMesh>[1] = {}, name = 'outbound|80||reviews.default.svc.cluster.local') =>
  inMesh(yaml, how).clusters.find((one) => one.name === name);

test.each([
  ['PERMISSIVE', ['9080 tls of the mesh checked', '9080 raw_buffer', '7000 tls of the mesh checked', '7000 tls', '7000 raw_buffer']],
  ['STRICT', ['9080 tls checked', '7000 tls checked']],
  ['DISABLE', ['9080 any', '7000 any']],
])('inbound chains in mode %s', (mode, expected) => {
  expect(chains(security('PeerAuthentication', `{mtls: {mode: ${mode}}}`)).sort()).toEqual([...expected].sort());
});

test.each([
  ['STRICT', { 7000: 'STRICT', 9080: 'STRICT' }],
  ['PERMISSIVE', { 7000: 'PERMISSIVE', 9080: 'PERMISSIVE' }],
  ['DISABLE', undefined],
])('connections that no chain of mode %s takes are told, with the modes of the ports', (mode, modes) => {
  const { listeners } = inMesh(security('PeerAuthentication', `{mtls: {mode: ${mode}}}`));
  const logs = listeners.find(({ name }) => name === 'virtualInbound')?.accessLog ?? [];
  expect(logs.map(({ filter }) => filter?.filterSpecifier?.value)).toMatchObject(modes ? [{ flags: ['NR'] }] : []);
  const [log] = logs.map(({ configType }) => plain({ name: '', configType } as TransportSocket));
  expect(log?.logFormat.jsonFormat.modes).toEqual(modes);
});

test('a proxy without an identity has plain chains only, and looks for no TLS', () => {
  expect(chains('', { proxy: SIDECAR })).toEqual(['7000 any', '9080 any']);
  const { listeners } = inMesh('', { proxy: SIDECAR });
  expect(listeners.find(({ name }) => name === 'virtualInbound')?.listenerFilters).toEqual([]);
  expect(cluster('', { proxy: SIDECAR })?.transportSocketMatches).toEqual([]);
});

test('a server wants a certificate of this mesh, under any of its names', () => {
  const { listeners } = inMesh('', { settings: { trustDomainAliases: ['old.local'], minProtocolVersion: 'TLSV1_3' } });
  const chain = listeners.find(({ name }) => name === 'virtualInbound')?.filterChains.find(({ transportSocket }) => transportSocket);
  const { requireClientCertificate, commonTlsContext } = plain(chain?.transportSocket);
  expect(requireClientCertificate).toBe(true);
  const { defaultValidationContext: wanted, validationContextSdsSecretConfig: trust } = commonTlsContext.combinedValidationContext;
  expect(wanted.matchTypedSubjectAltNames.map((one: { matcher: object }) => one.matcher)).toEqual([
    { prefix: 'spiffe://cluster.local/' },
    { prefix: 'spiffe://old.local/' },
  ]);
  expect(trust).toMatchObject({ name: 'ROOTCA', sdsConfig: { ads: {} } });
  expect(commonTlsContext.tlsCertificateSdsSecretConfigs[0]).toMatchObject({ name: 'default' });
  expect(commonTlsContext.tlsParams.tlsMinimumProtocolVersion).toBe('TLSv1_3');
});

test('clients use mutual TLS with endpoints that can, and know whom they reach', () => {
  const [mutual, raw] = cluster('', { settings: { trustDomainAliases: ['old.local'] } })?.transportSocketMatches ?? [];
  expect([mutual?.match, raw?.match]).toEqual([{ tlsMode: 'istio' }, {}]);
  const { sni, commonTlsContext } = plain(mutual?.transportSocket);
  expect(sni).toBe('outbound_.80_._.reviews.default.svc.cluster.local');
  expect(
    commonTlsContext.combinedValidationContext.defaultValidationContext.matchTypedSubjectAltNames.map(
      (one: { matcher: { exact: string } }) => one.matcher.exact,
    ),
  ).toEqual(['spiffe://cluster.local/ns/default/sa/bookinfo', 'spiffe://old.local/ns/default/sa/bookinfo']);
  expect(commonTlsContext.alpnProtocols).toContain('istio');
});

const modesOf = (yaml: string) =>
  inMesh(yaml).endpoints.flatMap(({ clusterName, endpoints }) =>
    endpoints.flatMap(({ lbEndpoints }) =>
      lbEndpoints.map(
        ({ metadata }) => `${clusterName.split('|')[1]} ${metadata?.filterMetadata['envoy.transport_socket_match']?.tlsMode ?? 'plain'}`,
      ),
    ),
  );

test('endpoints say what their ports take', () => {
  expect(modesOf('')).toEqual(['80 istio', '7000 istio']);
  const ports = '{selector: {matchLabels: {app: reviews}}, mtls: {mode: STRICT}, portLevelMtls: {9080: {mode: DISABLE}}}';
  expect(modesOf(security('PeerAuthentication', ports))).toEqual(['80 plain', '7000 istio']);
});

test('without automatic mTLS only a rule secures a connection', () => {
  const settings = { enableAutoMtls: false };
  expect(cluster('', { settings })?.transportSocketMatches).toEqual([]);
  const ruled = cluster(rule('trafficPolicy: {tls: {mode: ISTIO_MUTUAL}}'), { settings });
  expect(plain(ruled?.transportSocket).sni).toBe('outbound_.80_._.reviews.default.svc.cluster.local');
});

test('a rule decides by port, then subset, then host', () => {
  const yaml = rule(
    'trafficPolicy: {tls: {mode: DISABLE}, portLevelSettings: [{port: {number: 7000}, tls: {mode: ISTIO_MUTUAL}}]}, subsets: [{name: v1, labels: {version: v1}, trafficPolicy: {tls: {mode: ISTIO_MUTUAL}}}, {name: v2, labels: {version: v1}}]',
  );
  const sni = (name: string) => plain(cluster(yaml, {}, `outbound|${name}|reviews.default.svc.cluster.local`)?.transportSocket)?.sni;
  expect([sni('80|'), sni('7000|'), sni('80|v1'), sni('80|v2')]).toEqual([
    undefined,
    'outbound_.7000_._.reviews.default.svc.cluster.local',
    'outbound_.80_.v1_.reviews.default.svc.cluster.local',
    undefined,
  ]);
  expect(cluster(yaml)?.transportSocketMatches).toEqual([]);
});

test('SIMPLE and MUTUAL use the files that the rule names', () => {
  const files =
    'clientCertificate: /c.pem, privateKey: /k.pem, caCertificates: /ca.pem, sni: s.example.com, subjectAltNames: [a.example.com]';
  const { sni, commonTlsContext } = plain(cluster(rule(`trafficPolicy: {tls: {mode: MUTUAL, ${files}}}`))?.transportSocket);
  expect(sni).toBe('s.example.com');
  expect(commonTlsContext.tlsCertificates).toMatchObject([
    { certificateChain: { filename: '/c.pem' }, privateKey: { filename: '/k.pem' } },
  ]);
  expect(commonTlsContext.validationContext).toMatchObject({
    trustedCa: { filename: '/ca.pem' },
    matchTypedSubjectAltNames: [{ sanType: 'DNS', matcher: { exact: 'a.example.com' } }],
  });
  const simple = plain(cluster(rule('trafficPolicy: {tls: {mode: SIMPLE}}'))?.transportSocket);
  expect(simple.commonTlsContext.validationContext.trustedCa.filename).toMatch(/ca-certificates/);
  const trusting = plain(cluster(rule('trafficPolicy: {tls: {mode: SIMPLE, insecureSkipVerify: true}}'))?.transportSocket);
  expect(trusting.commonTlsContext.validationContext).toBeUndefined();
});

test('what the mesh says of paths holds for every connection manager, and that a dot at the end of a host is nothing', () => {
  const { listeners } = inMesh('', { settings: { pathNormalization: 'DECODE_AND_MERGE_SLASHES' } });
  const managers = listeners
    .flatMap(({ filterChains }) => filterChains.flatMap(({ filters }) => filters))
    .filter(({ name }) => name.endsWith('http_connection_manager'))
    .map((filter) => plain({ ...filter } as unknown as TransportSocket));
  expect(managers.length).toBeGreaterThan(1);
  for (const manager of managers)
    expect(manager).toMatchObject({
      ...{ normalizePath: true, mergeSlashes: true, pathWithEscapedSlashesAction: 'UNESCAPE_AND_FORWARD', stripTrailingHostDot: true },
    });
});

test('TLS agrees on what is spoken: HTTP/2 where a rule asks for it, and nothing where the caller decides', () => {
  const offered = (http: string) =>
    plain(cluster(http && rule(`trafficPolicy: {connectionPool: {http: {${http}}}}`))?.transportSocketMatches[0]?.transportSocket)
      .commonTlsContext.alpnProtocols;
  expect(offered('')).not.toContain('h2');
  expect(offered('h2UpgradePolicy: UPGRADE')).toEqual(['istio-h2', 'istio', 'h2']);
  expect(offered('useClientProtocol: true')).toEqual(['istio']);
  const server = inMesh().listeners.find(({ name }) => name === 'virtualInbound')?.filterChains[0]?.transportSocket;
  expect(plain(server).commonTlsContext.alpnProtocols).toEqual(['h2', 'http/1.1', 'istio']);
});
