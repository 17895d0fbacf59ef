/** The four files of an authority, as istiod's `cacerts` folder has them: read, and checked to fit together. */
import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { join } from 'node:path';
import { readPrivateFile } from './private-files.ts';
import type { AuthorityFiles } from './x509-signer.ts';

const NAMES = ['ca-cert.pem', 'ca-key.pem', 'cert-chain.pem', 'root-cert.pem'] as const;
const MAX_CHARACTERS = 256 * 1_024;
const MAX_CERTIFICATES = 10;
const BLOCK = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/** Throws with the file and what is wrong with it. */
export const readAuthorityFiles = (folder: string, nowMs: number): AuthorityFiles => {
  const files = Object.fromEntries(NAMES.map((name) => [name, readOne(folder, name)])) as Record<(typeof NAMES)[number], string>;
  try {
    checkAuthority(files, nowMs);
  } catch (error) {
    throw new Error(`${folder}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
  return files;
};

const readOne = (folder: string, name: string): string => {
  const text = readPrivateFile(join(folder, name));
  if (text === undefined) throw new Error(`${folder}: ${name} is missing; an authority consists of ${NAMES.join(', ')}`);
  if (text.length > MAX_CHARACTERS) throw new Error(`${folder}: ${name} is longer than ${MAX_CHARACTERS} characters`);
  return text;
};

/** Throws with the file and what is wrong with it. */
export const checkAuthority = (files: AuthorityFiles, nowMs: number): void => {
  const [signer, ...others] = certificatesOf(files, 'ca-cert.pem');
  const [root, ...moreRoots] = certificatesOf(files, 'root-cert.pem');
  if (signer === undefined || others.length > 0) throw new Error('ca-cert.pem: exactly one certificate is expected');
  if (root === undefined || moreRoots.length > 0) throw new Error('root-cert.pem: exactly one certificate is expected');
  const key = keyOf(files['ca-key.pem']);
  if (!signer.checkPrivateKey(key)) throw new Error('ca-key.pem: the key is not the one of ca-cert.pem');
  if (!root.ca || !root.checkIssued(root) || !root.verify(root.publicKey))
    throw new Error('root-cert.pem: not a root: it has not signed itself');
  const chain = files['cert-chain.pem'].trim() === '' ? [signer] : certificatesOf(files, 'cert-chain.pem');
  checkChain(signer, root, chain);
  for (const [file, certificate] of [
    ['ca-cert.pem', signer],
    ['root-cert.pem', root],
    ...chain.map((one) => ['cert-chain.pem', one]),
  ] as const)
    checkTime(String(file), certificate as X509Certificate, nowMs);
};

const certificatesOf = (files: AuthorityFiles, name: keyof AuthorityFiles): X509Certificate[] => {
  const blocks = files[name].match(BLOCK) ?? [];
  if (blocks.length > MAX_CERTIFICATES) throw new Error(`${name}: more than ${MAX_CERTIFICATES} certificates`);
  return blocks.map((block) => {
    try {
      return new X509Certificate(block);
    } catch {
      throw new Error(`${name}: a certificate cannot be read`);
    }
  });
};

const keyOf = (pem: string): KeyObject => {
  try {
    const key = createPrivateKey(pem);
    if (key.asymmetricKeyType === 'rsa' && (key.asymmetricKeyDetails?.modulusLength ?? 0) < 2_048)
      throw new Error('ca-key.pem: an RSA key needs at least 2048 bits');
    return key;
  } catch (error) {
    if (error instanceof Error && error.message.startsWith('ca-key.pem')) throw error;
    throw new Error('ca-key.pem: the key cannot be read', { cause: error });
  }
};

/** From what signs, one after another, up to the root. */
const checkChain = (signer: X509Certificate, root: X509Certificate, chain: readonly X509Certificate[]): void => {
  if (chain[0]?.fingerprint256 !== signer.fingerprint256)
    throw new Error('cert-chain.pem: it does not begin with the certificate of ca-cert.pem');
  const path = chain.at(-1)?.fingerprint256 === root.fingerprint256 ? chain : [...chain, root];
  for (const [index, certificate] of path.entries()) {
    if (!certificate.ca) throw new Error(`cert-chain.pem: certificate ${index + 1} is not an authority's (CA:true is missing)`);
    const issuer = path[index + 1];
    if (issuer && !(certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey)))
      throw new Error(`cert-chain.pem: certificate ${index + 1} is not signed by ${issuer === root ? 'root-cert.pem' : 'the next one'}`);
  }
};

const checkTime = (file: string, certificate: X509Certificate, nowMs: number): void => {
  if (certificate.validToDate.getTime() <= nowMs) throw new Error(`${file}: expired on ${certificate.validToDate.toISOString()}`);
  if (certificate.validFromDate.getTime() > nowMs) throw new Error(`${file}: not valid before ${certificate.validFromDate.toISOString()}`);
};
