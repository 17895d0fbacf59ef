/** CommonTlsContext → settings: certificates, trust, versions, protocols. Pure but for the slots of secrets that it takes from the store. */
import { ConfigError, inField, refuseUnsupported } from '#api/config-error.ts';
import type { CommonTlsContext, TlsParameters as ProtoParameters } from '#envoy';
import type { TlsParameters } from '#system/tls/tls.ts';
import type { TlsSettings } from './live-context.ts';
import { secretRefOf } from './secret-ref.ts';
import { type CertificateSecret, fixedSecret, type LiveSecret, type PeerTest, type SecretStore, type TrustSecret } from './secret-store.ts';
import { certificateIn, fileRefOf, trustIn } from './secret-values.ts';

/** Which end it is for: Envoy's defaults differ. */
export type TlsEnd = 'client' | 'server';

/** Throws ConfigError with a path relative to the context. */
export const compileCommon = (common: CommonTlsContext, end: TlsEnd, secrets: SecretStore): TlsSettings => {
  refuseUnsupported(common, {
    read: ['tlsParams', 'alpnProtocols', 'tlsCertificates', 'tlsCertificateSdsSecretConfigs', 'validationContextType'],
  });
  const certificate = certificateOf(common, secrets);
  const validation = validationOf(common, secrets);
  return {
    ...(certificate && { certificate }),
    ...validation,
    parameters: parametersOf(common.tlsParams, common.alpnProtocols, end),
  };
};

const certificateOf = (common: CommonTlsContext, secrets: SecretStore): LiveSecret<CertificateSecret> | undefined => {
  const { tlsCertificates, tlsCertificateSdsSecretConfigs } = common;
  if (tlsCertificates.length > 0 && tlsCertificateSdsSecretConfigs.length > 0)
    throw new ConfigError('tls_certificate_sds_secret_configs', 'cannot stand beside tls_certificates');
  if (tlsCertificates.length > 1) throw new ConfigError('tls_certificates[1]', 'only one certificate is supported by this proxy');
  if (tlsCertificateSdsSecretConfigs.length > 1)
    throw new ConfigError('tls_certificate_sds_secret_configs[1]', 'only one certificate is supported by this proxy');
  const [inline] = tlsCertificates;
  if (inline)
    return inField('tls_certificates[0]', () => {
      const ref = fileRefOf(inline);
      return ref ? secrets.certificate(ref) : fixedSecret('inline certificate', certificateIn(inline));
    });
  const [config] = tlsCertificateSdsSecretConfigs;
  return config && inField('tls_certificate_sds_secret_configs[0]', () => secrets.certificate(secretRefOf(config)));
};

type Validation = Pick<TlsSettings, 'trust' | 'refuses'>;

const validationOf = (common: CommonTlsContext, secrets: SecretStore): Validation => {
  const type = common.validationContextType;
  switch (type?.$case) {
    case undefined:
      return {};
    case 'validationContext':
      return inField('validation_context', () => {
        const read = trustIn(type.value);
        const trust = read.ref ? secrets.trust(read.ref) : read.trust && fixedSecret('inline trust', read.trust);
        if (!trust && read.names.length + read.certificates.length > 0)
          throw new ConfigError('trusted_ca', 'is needed to judge names and hashes of a peer');
        return trust ? judgedBy(trust, read) : {};
      });
    case 'validationContextSdsSecretConfig':
      return inField('validation_context_sds_secret_config', () => judgedBy(secrets.trust(secretRefOf(type.value))));
    case 'combinedValidationContext':
      return inField('combined_validation_context', () => combined(type.value, secrets));
    default:
      throw new ConfigError(type?.$case.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`) ?? '', 'not supported by this proxy');
  }
};

const combined = (
  value: Extract<CommonTlsContext['validationContextType'], { $case: 'combinedValidationContext' }>['value'],
  secrets: SecretStore,
): Validation => {
  refuseUnsupported(value, { read: ['defaultValidationContext', 'validationContextSdsSecretConfig'] });
  const { defaultValidationContext: defaults, validationContextSdsSecretConfig: config } = value;
  if (!config) throw new ConfigError('validation_context_sds_secret_config', 'is required');
  const trust = inField('validation_context_sds_secret_config', () => secrets.trust(secretRefOf(config)));
  if (!defaults) return judgedBy(trust);
  return inField('default_validation_context', () => {
    const read = trustIn(defaults);
    if (read.ref || read.trust) throw new ConfigError('trusted_ca', 'not supported by this proxy beside a secret that brings its own');
    return judgedBy(trust, read);
  });
};

type Judged = Pick<TrustSecret, 'names' | 'certificates'>;
const NOTHING: Judged = { names: [], certificates: [] };

/** The words are Envoy's. What the configuration asks for and what the secret asks for are one list, as Envoy merges them. */
const judgedBy = (trust: LiveSecret<TrustSecret>, own: Judged = NOTHING): Validation => ({
  trust,
  refuses: (peer) => {
    const now = trust.current;
    if (!now) return 'there is no trust to verify it by';
    const fromSecret = now.names === own.names ? NOTHING : now;
    const passes = (tests: readonly PeerTest[]): boolean => tests.length === 0 || tests.some((test) => test(peer));
    if (!passes([...own.certificates, ...fromSecret.certificates])) return 'cert hash and spki';
    if (passes([...own.names, ...fromSecret.names])) return undefined;
    return `SAN matcher, certificate SANs are [${[...peer.uris, ...peer.dnsNames].join(', ')}]`;
  },
});

const VERSIONS = { 0: undefined, 1: 'TLSv1.0', 2: 'TLSv1.1', 3: 'TLSv1.2', 4: 'TLSv1.3' } as const;

/** Envoy's defaults: a server speaks TLS 1.2 and 1.3, a client TLS 1.2 only unless it is told more. */
const parametersOf = (params: ProtoParameters | undefined, alpn: readonly string[], end: TlsEnd): TlsParameters =>
  inField('tls_params', () => {
    if (params)
      refuseUnsupported(params, {
        read: ['tlsMinimumProtocolVersion', 'tlsMaximumProtocolVersion', 'cipherSuites'],
      });
    const min = versionOf('tls_minimum_protocol_version', params?.tlsMinimumProtocolVersion ?? 0) ?? 'TLSv1.2';
    const max = versionOf('tls_maximum_protocol_version', params?.tlsMaximumProtocolVersion ?? 0) ?? defaultMax(end, min);
    if (min > max) throw new ConfigError('tls_maximum_protocol_version', `${max} is below the least version, ${min}`);
    return { minVersion: min, maxVersion: max, cipherSuites: suitesOf(params?.cipherSuites ?? []), alpn };
  });

const defaultMax = (end: TlsEnd, min: 'TLSv1.2' | 'TLSv1.3') => (end === 'server' ? 'TLSv1.3' : min);

const versionOf = (field: string, number: number): 'TLSv1.2' | 'TLSv1.3' | undefined => {
  const version = VERSIONS[number as keyof typeof VERSIONS];
  if (version === 'TLSv1.0' || version === 'TLSv1.1') throw new ConfigError(field, `${version} is not supported by this proxy`);
  return version;
};

const SUITE = /^[A-Z0-9-]{3,64}$/;

/** Envoy's groups of equally good ones (`[A|B]`) become their members in order. */
const suitesOf = (suites: readonly string[]): string[] =>
  suites.flatMap((text, index) =>
    text
      .replace(/^\[(.*)\]$/, '$1')
      .split('|')
      .map((suite) => {
        if (!SUITE.test(suite)) throw new ConfigError(`cipher_suites[${index}]`, `${text.slice(0, 100)} is not a cipher suite`);
        return suite;
      }),
  );
