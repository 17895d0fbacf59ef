/** Real X.509: makes an authority (root and intermediate), and signs leaves in its name. Loaded only by control planes that have an authority. */
import 'reflect-metadata';
import { createPrivateKey, X509Certificate as OpenSslCertificate, randomBytes, type webcrypto } from 'node:crypto';
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  type Extension,
  KeyUsageFlags,
  KeyUsagesExtension,
  type PublicKey,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509Certificate,
  X509CertificateGenerator,
} from '@peculiar/x509';
import { formatSpiffeId } from '#api/spiffe-id.ts';
import { pemBlock } from '#system/tls/pem.ts';
import { checkRequest } from './check-request.ts';
import { type Issued, lifeMsOf, type Signer, type SigningOrder } from './signer.ts';

const EC = { name: 'ECDSA', namedCurve: 'P-256' };
const ECDSA = { name: 'ECDSA', hash: 'SHA-256' };
const YEAR_MS = 365 * 86_400_000;
const AUTHORITY_YEARS = 10;
/** Clocks of machines differ. */
const SKEW_MS = 120_000;

/** PEM texts of an authority, named as istiod's `cacerts`. What signed the intermediate is not kept: a new intermediate comes with a new root. */
export interface AuthorityFiles {
  /** What signs. */
  readonly 'ca-cert.pem': string;
  /** PKCS #8. */
  readonly 'ca-key.pem': string;
  /** From what signs up to the root. */
  readonly 'cert-chain.pem': string;
  readonly 'root-cert.pem': string;
}

/** A key pair and a certificate of the control plane's own. */
export interface OwnCertificate {
  readonly chain: string;
  readonly privateKey: string;
  readonly notAfterMs: number;
}

/** A signer that can also certify the control plane itself. */
export interface X509Signer extends Signer {
  /** When its life began. */
  readonly notBeforeMs: number;
  /** For servers of this control plane, which are called by that DNS name. */
  certifySelf(order: Omit<SigningOrder, 'csr'> & { readonly dnsName: string }): Promise<OwnCertificate>;
}

/** 128 random bits; the first bit is 0, so that the number is positive, and the next 1, so that it has no leading zeros. */
const newSerial = (): string => {
  const bytes = randomBytes(16);
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x40;
  return bytes.toString('hex');
};

const newKeys = (): Promise<webcrypto.CryptoKeyPair> => crypto.subtle.generateKey(EC, true, ['sign', 'verify']);

const pemOfKey = async (key: CryptoKey): Promise<string> =>
  pemBlock('PRIVATE KEY', Buffer.from(await crypto.subtle.exportKey('pkcs8', key)));

const pemOf = (certificate: X509Certificate): string => `${certificate.toString('pem').trim()}\n`;

const authorityExtensions = async (key: CryptoKey, pathLength: number): Promise<Extension[]> => [
  new BasicConstraintsExtension(true, pathLength, true),
  new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
  await SubjectKeyIdentifierExtension.create(key),
];

/**
 * A new root and intermediate, good for ten years. trustDomain: for their names only. noLaterMs: their lives begin then at the latest, as OpenSSL judges
 * beginnings by the machine's time and that of a mesh may be ahead.
 */
export const makeAuthority = async (trustDomain: string, nowMs: number, noLaterMs = nowMs): Promise<AuthorityFiles> => {
  const [rootKeys, keys] = await Promise.all([newKeys(), newKeys()]);
  // Two roots are in force together while the root changes: they must not have one name.
  const tag = randomBytes(4).toString('hex');
  const life = { notBefore: new Date(Math.min(nowMs - SKEW_MS, noLaterMs)), notAfter: new Date(nowMs + AUTHORITY_YEARS * YEAR_MS) };
  const root = await X509CertificateGenerator.createSelfSigned({
    serialNumber: newSerial(),
    name: [{ O: [trustDomain] }, { CN: [`Root CA ${tag}`] }],
    keys: rootKeys,
    signingAlgorithm: ECDSA,
    extensions: await authorityExtensions(rootKeys.publicKey, 1),
    ...life,
  });
  const intermediate = await X509CertificateGenerator.create({
    serialNumber: newSerial(),
    subject: [{ O: [trustDomain] }, { CN: [`Intermediate CA ${tag}`] }],
    issuer: root.subjectName.toJSON(),
    publicKey: keys.publicKey,
    signingKey: rootKeys.privateKey,
    signingAlgorithm: ECDSA,
    extensions: [...(await authorityExtensions(keys.publicKey, 0)), await AuthorityKeyIdentifierExtension.create(rootKeys.publicKey)],
    ...life,
  });
  return {
    'ca-cert.pem': pemOf(intermediate),
    'ca-key.pem': await pemOfKey(keys.privateKey),
    'cert-chain.pem': `${pemOf(intermediate)}${pemOf(root)}`,
    'root-cert.pem': pemOf(root),
  };
};

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/** Each certificate of a text. */
const certificatesIn = (pem: string): string[] => (pem.match(CERTIFICATE) ?? []).map((block) => `${block}\n`);

/** Algorithm to import the signing key with, and to sign with. */
const signingWith = (keyPem: string): { readonly key: Parameters<SubtleCrypto['importKey']>[2]; readonly signing: typeof ECDSA } => {
  const key = createPrivateKey(keyPem);
  if (key.asymmetricKeyType === 'rsa') {
    const rsa = { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' };
    return { key: rsa, signing: rsa };
  }
  const curves: Readonly<Record<string, string>> = { prime256v1: 'P-256', secp384r1: 'P-384', secp521r1: 'P-521' };
  const namedCurve = curves[key.asymmetricKeyDetails?.namedCurve ?? ''];
  if (namedCurve === undefined) throw new Error('ca-key.pem: the key is neither EC on P-256, P-384 or P-521 nor RSA');
  return { key: { name: 'ECDSA', namedCurve }, signing: ECDSA };
};

/** Ready to sign. The files fit together: authority-files.ts has looked. */
export const x509Signer = async (files: AuthorityFiles): Promise<X509Signer> => {
  const signer = new X509Certificate(files['ca-cert.pem']);
  const { key, signing } = signingWith(files['ca-key.pem']);
  const der = createPrivateKey(files['ca-key.pem']).export({ type: 'pkcs8', format: 'der' });
  const signingKey = await crypto.subtle.importKey('pkcs8', new Uint8Array(der), key, false, ['sign']);
  const root = files['root-cert.pem'];
  const isRoot = (pem: string): boolean => new OpenSslCertificate(pem).fingerprint256 === new OpenSslCertificate(root).fingerprint256;
  const above = [...new Set([...certificatesIn(files['ca-cert.pem']), ...certificatesIn(files['cert-chain.pem'])])];
  const middle = above.filter((pem) => !isRoot(pem));
  const identifier = signer.getExtension(SubjectKeyIdentifierExtension)?.keyId;
  const certify = async (publicKey: PublicKey | CryptoKey, names: SubjectAlternativeNameExtension, order: Omit<SigningOrder, 'csr'>) => {
    const notAfter = new Date(Math.min(order.nowMs + lifeMsOf(order.lifeSeconds), signer.notAfter.getTime()));
    const serial = newSerial();
    const leaf = await X509CertificateGenerator.create({
      serialNumber: serial,
      subject: '',
      issuer: signer.subjectName.toJSON(),
      // The signer's: who puts a mesh's clock forward and back again must not make certificates that OpenSSL takes for not yet valid.
      notBefore: signer.notBefore,
      notAfter,
      publicKey,
      signingKey,
      signingAlgorithm: signing,
      extensions: [
        new KeyUsagesExtension(KeyUsageFlags.digitalSignature | KeyUsageFlags.keyEncipherment, true),
        new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth, ExtendedKeyUsage.clientAuth]),
        new BasicConstraintsExtension(false, undefined, true),
        ...(identifier === undefined ? [] : [new AuthorityKeyIdentifierExtension(identifier)]),
        names,
      ],
    });
    return { leaf: pemOf(leaf), serial, notAfterMs: leaf.notAfter.getTime() };
  };
  return {
    root,
    notBeforeMs: signer.notBefore.getTime(),
    notAfterMs: signer.notAfter.getTime(),
    sign: async (order): Promise<Issued> => {
      const publicKey = await checkRequest(order.csr, order.identity);
      const names = new SubjectAlternativeNameExtension([{ type: 'url', value: formatSpiffeId(order.identity) }], true);
      const { leaf, serial, notAfterMs } = await certify(publicKey, names, order);
      return { chain: [leaf, ...middle, root], serial, notAfterMs };
    },
    certifySelf: async (order): Promise<OwnCertificate> => {
      const keys = await newKeys();
      const url = formatSpiffeId(order.identity);
      const names = new SubjectAlternativeNameExtension(
        [
          { type: 'dns', value: order.dnsName },
          { type: 'url', value: url },
        ],
        true,
      );
      const { leaf, notAfterMs } = await certify(keys.publicKey, names, order);
      return { chain: [leaf, ...middle].join(''), privateKey: await pemOfKey(keys.privateKey), notAfterMs };
    },
  };
};
