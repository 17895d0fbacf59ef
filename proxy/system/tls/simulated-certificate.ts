/**
 * Certificates of the simulated world: JSON in a PEM frame. They say what real ones say and are worth nothing elsewhere: whoever can write JSON can make one, and the
 * simulated handshake takes a key's name for the key. The authority of the simulation and its TLS are the only readers.
 */
import { pemBlock } from './pem.ts';
import { TlsMaterialError } from './tls.ts';
import type { CertificateFacts } from './tls-facts.ts';

/** What such a certificate says beside its facts. */
export interface SimulatedCertificate extends Omit<CertificateFacts, 'pem' | 'sha256'> {
  /** Name of its own key, and of the key that signed it. */
  readonly key: string;
  readonly signedBy: string;
}

/** A request in the same spirit. */
export interface SimulatedRequest {
  readonly identity: string;
  readonly key: string;
}

const frame = (label: string, value: object): string => pemBlock(label, Buffer.from(JSON.stringify(value)));

const FRAME = /-----BEGIN ([A-Z ]+)-----([\sA-Za-z0-9+/=]+)-----END \1-----/g;

const parse = (base64: string): Readonly<Record<string, unknown>> => {
  try {
    const value: unknown = JSON.parse(Buffer.from(base64, 'base64').toString());
    if (typeof value === 'object' && value !== null) return value as Record<string, unknown>;
  } catch {
    // Told below, with the rest that is not of this world.
  }
  throw new TlsMaterialError('not a certificate of the simulated world');
};

const blocks = (pem: string, label: string): Readonly<Record<string, unknown>>[] =>
  [...pem.matchAll(FRAME)].flatMap(([, own, base64 = '']) => (own === label ? [parse(base64)] : []));

/** PEM. */
export const writeCertificate = (certificate: SimulatedCertificate): string => frame('CERTIFICATE', certificate);

/** Every certificate of a text, in order. Throws TlsMaterialError. */
export const readCertificates = (pem: string): readonly SimulatedCertificate[] =>
  blocks(pem, 'CERTIFICATE').map((block) => {
    const certificate = block as unknown as SimulatedCertificate;
    if (typeof certificate.key !== 'string' || typeof certificate.signedBy !== 'string' || !Array.isArray(certificate.uris))
      throw new TlsMaterialError('not a certificate of the simulated world');
    return certificate;
  });

/** PEM. */
export const writeKey = (key: string): string => frame('PRIVATE KEY', { key });

/** Name of the key. Throws TlsMaterialError. */
export const readKey = (pem: string): string => {
  const name = blocks(pem, 'PRIVATE KEY')[0]?.key;
  if (typeof name !== 'string') throw new TlsMaterialError('not a private key of the simulated world');
  return name;
};

/** PEM. */
export const writeRequest = (request: SimulatedRequest): string => frame('CERTIFICATE REQUEST', request);

/** Throws TlsMaterialError. */
export const readRequest = (pem: string): SimulatedRequest => {
  const request = blocks(pem, 'CERTIFICATE REQUEST')[0];
  if (typeof request?.identity !== 'string' || typeof request.key !== 'string')
    throw new TlsMaterialError('not a certificate request of the simulated world');
  return { identity: request.identity, key: request.key };
};

/** As both planes know certificates. Its serial stands in for its hash. */
export const factsOf = (certificate: SimulatedCertificate): CertificateFacts => {
  const { key: _key, signedBy: _signedBy, ...facts } = certificate;
  return { ...facts, sha256: certificate.serial.padStart(64, '0'), pem: writeCertificate(certificate) };
};
