/** TlsCertificate and CertificateValidationContext → what the store keeps. */
import { ConfigError, inField, refuseUnsupported } from '#api/config-error.ts';
import type { CertificateValidationContext, DataSource, TlsCertificate } from '#envoy';
import { compileNameTests } from './peer-names.ts';
import type { CertificateSecret, PeerTest, SecretRef, TrustSecret } from './secret-store.ts';

/** A chain of a dozen certificates has some ten thousand characters. */
const MAX_PEM_CHARACTERS = 1_000_000;

const CERTIFICATE = ['certificateChain', 'privateKey'] as const;

/** The files that a certificate is to be read from; undefined when its texts stand in it. Throws ConfigError when it is half and half. */
export const fileRefOf = (certificate: TlsCertificate): SecretRef | undefined => {
  refuseUnsupported(certificate, { read: [...CERTIFICATE, 'watchedDirectory'] });
  const { certificateChain, privateKey, watchedDirectory } = certificate;
  const chain = fileIn(certificateChain);
  const key = fileIn(privateKey);
  if (chain === undefined && key === undefined) {
    if (watchedDirectory) throw new ConfigError('watched_directory', 'not supported by this proxy for what stands in the configuration');
    return undefined;
  }
  if (chain === undefined || key === undefined)
    throw new ConfigError('', 'certificate_chain and private_key must both be files, or neither');
  return {
    name: chain,
    source: { kind: 'files', certificateChain: chain, privateKey: key, watched: watchedDirectory?.path ?? '' },
  };
};

/** The texts of a certificate. Throws ConfigError; its words never contain what was read. */
export const certificateIn = (certificate: TlsCertificate): CertificateSecret => {
  refuseUnsupported(certificate, { read: [...CERTIFICATE] });
  const { certificateChain, privateKey } = certificate;
  return {
    certificateChain: inField('certificate_chain', () => textIn(certificateChain, 'CERTIFICATE')),
    privateKey: inField('private_key', () => textIn(privateKey, 'PRIVATE KEY')),
  };
};

/** What a validation context says: roots by file, or roots themselves, or none; and tests of peers. */
export interface ReadTrust {
  readonly ref?: SecretRef;
  readonly trust?: TrustSecret;
  readonly names: readonly PeerTest[];
  readonly certificates: readonly PeerTest[];
}

/** Throws ConfigError with a path relative to the context. */
export const trustIn = (context: CertificateValidationContext): ReadTrust => {
  refuseUnsupported(context, {
    read: ['trustedCa', 'watchedDirectory', 'matchTypedSubjectAltNames', 'matchSubjectAltNames', 'verifyCertificateHash'],
  });
  // An empty message says something too.
  if (context.systemRootCerts) throw new ConfigError('system_root_certs', 'not supported by this proxy');
  const names = compileNameTests(context);
  const certificates = context.verifyCertificateHash.map((hash, index) =>
    inField(`verify_certificate_hash[${index}]`, () => hashTest(hash)),
  );
  const file = fileIn(context.trustedCa);
  if (file !== undefined)
    return {
      ref: { name: file, source: { kind: 'files', trustedRoots: file, watched: context.watchedDirectory?.path ?? '' } },
      names,
      certificates,
    };
  if (context.watchedDirectory)
    throw new ConfigError('watched_directory', 'not supported by this proxy for what stands in the configuration');
  if (!context.trustedCa) return { names, certificates };
  const trustedRoots = inField('trusted_ca', () => textIn(context.trustedCa, 'CERTIFICATE'));
  return { trust: { trustedRoots, names, certificates }, names, certificates };
};

const fileIn = (source: DataSource | undefined): string | undefined => {
  if (source?.specifier?.$case !== 'filename') return undefined;
  return source.specifier.value;
};

const textIn = (source: DataSource | undefined, what: string): string => {
  if (!source) throw new ConfigError('', 'is required');
  refuseUnsupported(source, { read: ['specifier'] });
  const { specifier } = source;
  if (specifier?.$case === 'inlineString') return pemIn(specifier.value, 'inline_string', what);
  if (specifier?.$case === 'inlineBytes') return pemIn(Buffer.from(specifier.value).toString('latin1'), 'inline_bytes', what);
  if (specifier === undefined) throw new ConfigError('', 'is required');
  throw new ConfigError(specifier.$case === 'environmentVariable' ? 'environment_variable' : 'filename', 'not supported by this proxy');
};

const pemIn = (text: string, field: string, what: string): string => {
  if (text.length > MAX_PEM_CHARACTERS) throw new ConfigError(field, `is longer than ${MAX_PEM_CHARACTERS} characters`);
  if (!text.includes('-----BEGIN ') || !text.includes(what)) throw new ConfigError(field, `is no PEM text with a ${what.toLowerCase()}`);
  return text;
};

/** SHA-256 of the DER form, hexadecimal, with or without colons. */
const hashTest = (hash: string): PeerTest => {
  const wanted = hash.replaceAll(':', '').toLowerCase();
  if (!/^[0-9a-f]{64}$/.test(wanted)) throw new ConfigError('', 'is no SHA-256 in hexadecimal');
  return ({ sha256 }) => sha256 === wanted;
};
