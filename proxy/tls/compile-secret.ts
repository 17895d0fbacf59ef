/** An SDS secret → what the store keeps; and the trial that it passes first. */
import { ConfigError, inField, refuseUnsupported } from '#api/config-error.ts';
import type { Secret } from '#envoy';
import type { Tls, TlsParameters } from '#system/tls.ts';
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
  if (secret.kind === 'certificate') await tls.context(secret.certificate, TRIAL);
  else {
    await tls.read(secret.trust.trustedRoots);
    await tls.context({ trustedRoots: secret.trust.trustedRoots }, TRIAL);
  }
};

/** Puts it in force, under the given reference. */
export const putSecret = (store: SecretStore, ref: SecretRef, secret: CompiledSecret): void => {
  if (secret.kind === 'certificate') store.putCertificate(ref, secret.certificate);
  else store.putTrust(ref, secret.trust);
};
