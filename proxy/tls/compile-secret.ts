/** An SDS secret → what the store keeps; and the trial that it passes first. */
import { ConfigError, inField, refuseUnsupported } from '#api/config-error.ts';
import type { Secret } from '#envoy';
import { type Tls, TlsMaterialError, type TlsParameters } from '#system/tls/tls.ts';
import type { CertificateSecret, SecretRef, SecretStore, TrustSecret } from './secret-store.ts';
import { certificateIn, trustIn } from './secret-values.ts';

/** One of the two. */
export type CompiledSecret =
  | { readonly kind: 'certificate'; readonly certificate: CertificateSecret }
  | { readonly kind: 'trust'; readonly trust: TrustSecret };

/** Throws ConfigError with a path relative to the secret. */
export const compileSecret = (secret: Secret): CompiledSecret => {
  refuseUnsupported(secret, { read: ['name', 'type'] });
  const { type } = secret;
  if (type?.$case === 'tlsCertificate')
    return { kind: 'certificate', certificate: inField('tls_certificate', () => certificateIn(type.value)) };
  if (type?.$case !== 'validationContext')
    throw new ConfigError(
      (type?.$case ?? 'type').replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
      'not supported by this proxy',
    );
  return inField('validation_context', () => {
    const { trust, ref } = trustIn(type.value);
    if (ref) throw new ConfigError('trusted_ca.filename', 'not supported by this proxy in a secret that travels');
    if (!trust) throw new ConfigError('trusted_ca', 'is required');
    return { kind: 'trust', trust };
  });
};

const TRIAL: TlsParameters = { minVersion: 'TLSv1.2', maxVersion: 'TLSv1.3', cipherSuites: [], alpn: [] };

/** Rejects with TlsMaterialError when it does not parse, or key and certificate do not belong together. */
export const trySecret = async (secret: CompiledSecret, tls: Tls): Promise<void> => {
  const isOwn = secret.kind === 'certificate';
  await refuseCut(isOwn ? secret.certificate.certificateChain : secret.trust.trustedRoots, tls);
  await tls.context(isOwn ? secret.certificate : { trustedRoots: secret.trust.trustedRoots }, TRIAL);
};

/** A file that is still being written has certificates that begin and do not end. */
const refuseCut = async (pem: string, tls: Tls): Promise<void> => {
  const begun = pem.split('-----BEGIN CERTIFICATE-----').length - 1;
  const whole = (await tls.read(pem)).length;
  if (begun === 0 || whole < begun) throw new TlsMaterialError(`of ${begun} certificates ${whole} are whole`);
};

/** Puts it in force, under the given reference. */
export const putSecret = (store: SecretStore, ref: SecretRef, secret: CompiledSecret): void => {
  if (secret.kind === 'certificate') store.putCertificate(ref, secret.certificate);
  else store.putTrust(ref, secret.trust);
};
