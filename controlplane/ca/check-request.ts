/** What a certificate request may look like. Everything but its key is the authority's own to decide, as in istiod; only a claim to be somebody else is refused. */
import 'reflect-metadata';
import { Pkcs10CertificateRequest, type PublicKey, SubjectAlternativeNameExtension } from '@peculiar/x509';
import { formatSpiffeId, type SpiffeId } from '#api/spiffe-id.ts';
import { RequestRefused } from './signer.ts';

/** A request with an RSA key of 4096 bits has 1,800 characters. */
const MAX_CHARACTERS = 8_192;
const PEM = /^\s*-----BEGIN (?:NEW )?CERTIFICATE REQUEST-----[\sA-Za-z0-9+/=]+-----END (?:NEW )?CERTIFICATE REQUEST-----\s*$/;
const SUBJECT_ALTERNATIVE_NAME = '2.5.29.17';
const HASHES = ['SHA-256', 'SHA-384', 'SHA-512'];
const CURVES = ['P-256', 'P-384', 'P-521'];
const RSA_BITS = { least: 2_048, most: 4_096 };

const malformed = (why: string): RequestRefused => new RequestRefused('malformed', `the certificate request ${why}`);

/** The key that is to be certified. Rejects with RequestRefused. */
export const checkRequest = async (csr: string, identity: SpiffeId): Promise<PublicKey> => {
  const request = parse(csr);
  checkHash(request);
  checkKey(request.publicKey);
  if (!(await isSignedByItself(request))) throw malformed('is not signed by its own key');
  checkNames(request, formatSpiffeId(identity));
  return request.publicKey;
};

const parse = (csr: string): Pkcs10CertificateRequest => {
  if (csr.length > MAX_CHARACTERS) throw malformed(`has ${csr.length} characters; at most ${MAX_CHARACTERS} are read`);
  if (!PEM.test(csr)) throw malformed('is not one PEM block CERTIFICATE REQUEST');
  try {
    const request = new Pkcs10CertificateRequest(csr);
    // Its parts are read when they are first asked for.
    void request.extensions;
    void request.publicKey.algorithm;
    return request;
  } catch {
    throw malformed('cannot be read');
  }
};

const checkHash = ({ signatureAlgorithm }: Pkcs10CertificateRequest): void => {
  const hash = (signatureAlgorithm.hash as { readonly name: string } | undefined)?.name ?? 'no hash that is known';
  if (!HASHES.includes(hash)) throw malformed(`is signed with ${hash}; ${HASHES.join(', ')} are accepted`);
};

const checkKey = ({ algorithm }: PublicKey): void => {
  if ('namedCurve' in algorithm && CURVES.includes(String(algorithm.namedCurve))) return;
  const { least, most } = RSA_BITS;
  if (algorithm.name.startsWith('RSA') && 'modulusLength' in algorithm) {
    const bits = Number(algorithm.modulusLength);
    if (bits >= least && bits <= most) return;
    throw malformed(`has an RSA key of ${bits} bits; ${least} to ${most} are accepted`);
  }
  throw malformed(`has a key of an algorithm (${algorithm.name}) that is not accepted: EC ${CURVES.join(', ')}, RSA are`);
};

const isSignedByItself = async (request: Pkcs10CertificateRequest): Promise<boolean> => {
  try {
    return await request.verify();
  } catch {
    return false;
  }
};

/** DNS names, subject, CA:true and usages are passed over: the certificate says none of them. */
const checkNames = (request: Pkcs10CertificateRequest, own: string): void => {
  const names = request.extensions.filter(({ type }) => type === SUBJECT_ALTERNATIVE_NAME);
  for (const extension of names) {
    const uris = urisOf(extension);
    const other = uris.find((uri) => uri !== own);
    if (other !== undefined)
      throw new RequestRefused('another identity', `the certificate request names ${quoted(other)}; its sender is ${own}`);
  }
};

const urisOf = (extension: unknown): string[] => {
  if (!(extension instanceof SubjectAlternativeNameExtension)) throw malformed('has subject alternative names that cannot be read');
  return extension.names.items.filter(({ type }) => type === 'url').map(({ value }) => value);
};

const quoted = (uri: string): string => JSON.stringify(uri.slice(0, 256));
