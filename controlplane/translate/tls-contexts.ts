/** How connections in the mesh are made safe: transport sockets as istiod writes them. Pure. Keys are made where they are used (`default`); trust comes with the rest (`ROOTCA`). */
import type { Any, TransportSocket } from '#envoy';
import { type MeshConfig, trustDomainsOf } from '../mesh/mesh.ts';
import type { TrafficPolicy } from '../resources/destination-rule.ts';
import { ADS, AGENT } from './config-source.ts';
import { pack } from './pack.ts';

/** The label that injection gives to a workload whose proxy has a certificate of the mesh. Source: istio pkg/model TLSModeLabelName. */
const TLS_MODE = 'security.istio.io/tlsMode';

/** Only such a workload can be spoken to, or speak, under mutual TLS. */
export const hasIdentity = (labels: Readonly<Record<string, string>>): boolean => labels[TLS_MODE] === 'istio';

/** What clients of the mesh offer; by it a server that takes plain TLS too knows them. */
export const MESH_PROTOCOLS = ['istio', 'istio-peer-exchange', 'istio-http/1.0', 'istio-http/1.1', 'istio-h2'] as const;

/** One of them must be among what the mesh's clients offer: a server that finds none may end the handshake. */
const SERVER_PROTOCOLS = ['h2', 'http/1.1', 'istio'];
const CLIENT_PROTOCOLS = {
  http: ['istio-http/1.1', 'istio', 'http/1.1'],
  http2: ['istio-h2', 'istio', 'h2'],
  any: ['istio'],
  tcp: ['istio'],
} as const;

const VERSIONS = { TLSV1_2: 3, TLSV1_3: 4 } as const;

/** SubjectAltNameMatcher.SanType. */
const SAN_TYPE = { dns: 2, uri: 3 } as const;

const TLS = 'envoy.extensions.transport_sockets.tls.v3';

const socket = (message: string, fields: object): TransportSocket => ({
  name: 'envoy.transport_sockets.tls',
  configType: { $case: 'typedConfig', value: pack(`${TLS}.${message}`, fields) as Any },
});

const tlsParams = (minimum: MeshConfig['minProtocolVersion']) => ({
  tlsMinimumProtocolVersion: VERSIONS[minimum],
  tlsMaximumProtocolVersion: VERSIONS.TLSV1_3,
});

const uri = (pattern: object) => ({ sanType: SAN_TYPE.uri, matcher: { matchPattern: pattern } });

/** Any identity of this mesh. */
const ofThisMesh = (config: MeshConfig) => trustDomainsOf(config).map((domain) => uri({ $case: 'prefix', value: `spiffe://${domain}/` }));

const meshContext = (config: MeshConfig, names: readonly object[], alpnProtocols: readonly string[]) => ({
  tlsParams: tlsParams(config.minProtocolVersion),
  tlsCertificateSdsSecretConfigs: [{ name: 'default', sdsConfig: AGENT }],
  validationContextType: {
    $case: 'combinedValidationContext',
    value: {
      defaultValidationContext: { matchTypedSubjectAltNames: names },
      validationContextSdsSecretConfig: { name: 'ROOTCA', sdsConfig: ADS },
    },
  },
  alpnProtocols: [...alpnProtocols],
});

/** A server that wants to know who its clients are. */
export const serverTls = (config: MeshConfig): TransportSocket =>
  socket('DownstreamTlsContext', {
    commonTlsContext: meshContext(config, ofThisMesh(config), SERVER_PROTOCOLS),
    requireClientCertificate: { value: true },
  });

/** Whom a client wants to reach. names: the identities that may answer; without any, accounts (`NAMESPACE/ACCOUNT`); without both, anybody of this mesh. */
export interface Peer {
  readonly sni: string;
  readonly names: readonly string[];
  readonly accounts: readonly string[];
  readonly protocol: keyof typeof CLIENT_PROTOCOLS;
}

/** A client that shows who it is, and takes no answer from anybody but those. */
export const meshClientTls = (config: MeshConfig, peer: Peer): TransportSocket => {
  const exact = peer.names.length > 0 ? peer.names : identitiesOf(config, peer.accounts);
  const names = exact.length > 0 ? exact.map((value) => uri({ $case: 'exact', value })) : ofThisMesh(config);
  return socket('UpstreamTlsContext', { commonTlsContext: meshContext(config, names, CLIENT_PROTOCOLS[peer.protocol]), sni: peer.sni });
};

/** Accounts as they stand in certificates, under every name of the trust domain. */
export const identitiesOf = (config: MeshConfig, accounts: readonly string[]): string[] =>
  trustDomainsOf(config).flatMap((domain) =>
    accounts.map((account) => {
      const [namespace, name] = account.split('/');
      return `spiffe://${domain}/ns/${namespace}/sa/${name}`;
    }),
  );

/** Where Linux keeps the authorities that everybody believes. */
const SYSTEM_ROOTS = '/etc/ssl/certs/ca-certificates.crt';

const file = (filename: string) => ({ specifier: { $case: 'filename', value: filename } });

/** SIMPLE and MUTUAL: with files of the proxy's own machine. names: whose certificate it should be, where the rule gives none. */
export const ownClientTls = (
  tls: NonNullable<TrafficPolicy['tls']>,
  { host, names }: { readonly host: string; readonly names: readonly string[] },
): TransportSocket => {
  const { clientCertificate, privateKey, caCertificates, subjectAltNames, sni, insecureSkipVerify } = tls;
  const wanted = subjectAltNames?.length ? subjectAltNames : names.length > 0 ? names : [host];
  const trust = {
    trustedCa: file(caCertificates || SYSTEM_ROOTS),
    matchTypedSubjectAltNames: wanted.map((name) => ({
      sanType: name.includes('://') ? SAN_TYPE.uri : SAN_TYPE.dns,
      matcher: { matchPattern: { $case: 'exact', value: name } },
    })),
  };
  return socket('UpstreamTlsContext', {
    commonTlsContext: {
      tlsParams: tlsParams('TLSV1_2'),
      ...(clientCertificate &&
        privateKey && { tlsCertificates: [{ certificateChain: file(clientCertificate), privateKey: file(privateKey) }] }),
      ...(!insecureSkipVerify && { validationContextType: { $case: 'validationContext', value: trust } }),
    },
    sni: sni || host,
  });
};

/** Endpoints choose between them by their metadata. */
export const automaticSockets = (secured: TransportSocket) => [
  { name: 'tlsMode-istio', match: { tlsMode: 'istio' }, transportSocket: secured },
  {
    name: 'tlsMode-disabled',
    match: {},
    transportSocket: {
      name: 'envoy.transport_sockets.raw_buffer',
      configType: { $case: 'typedConfig', value: pack('envoy.extensions.transport_sockets.raw_buffer.v3.RawBuffer', {}) },
    } as TransportSocket,
  },
];
