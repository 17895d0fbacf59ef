/** What OpenSSL reads in a certificate, without being fooled by what stands in a name. */
import { X509Certificate } from 'node:crypto';
import type { CertificateFacts } from './tls-facts.ts';

/** Certificates that were read before: the same peers come again and again. */
const KEPT = 1024;
/** Larger ones are read again each time: anybody may show them, and they must not fill the memory. A workload's has less than 1 KiB. */
const MOST_KEPT_BYTES = 8 * 1024;
const known = new Map<string, CertificateFacts>();

/** Node writes a name that could be mistaken for several as a JSON string. */
const ENTRY = /(\w[\w ]*):("(?:[^"\\]|\\.)*"|[^,]*)(?:, |$)/gy;

const namesIn = (text: string): readonly (readonly [kind: string, value: string])[] => {
  const names: [string, string][] = [];
  for (const [, kind = '', value = ''] of text.matchAll(ENTRY))
    names.push([kind, value.startsWith('"') ? String(JSON.parse(value)) : value]);
  return names;
};

const inHexadecimal = (character: string): string =>
  [...Buffer.from(character)].map((byte) => `\\${byte.toString(16).toUpperCase().padStart(2, '0')}`).join('');

/** OpenSSL's lines, last first, as RFC 2253 writes them: bytes beyond ASCII in hexadecimal, for names travel in header fields. */
const distinguished = (lines: string | undefined): string =>
  (lines ?? '')
    .split('\n')
    .filter(Boolean)
    .reverse()
    .join(',')
    .replace(/[^\x20-\x7e]/gu, inHexadecimal);

const read = (certificate: X509Certificate): CertificateFacts => {
  const names = namesIn(certificate.subjectAltName ?? '');
  const of = (kind: string): string[] => names.filter(([own]) => own === kind).map(([, value]) => value);
  return {
    subject: distinguished(certificate.subject),
    issuer: distinguished(certificate.issuer),
    uris: of('URI'),
    dnsNames: of('DNS'),
    serial: certificate.serialNumber.toLowerCase(),
    sha256: certificate.fingerprint256.replaceAll(':', '').toLowerCase(),
    notBeforeMs: Date.parse(certificate.validFrom),
    notAfterMs: Date.parse(certificate.validTo),
    isAuthority: certificate.ca,
    pem: certificate.toString(),
  };
};

/** The same object for the same certificate while it is remembered; large ones are not. */
export const certificateFacts = (certificate: X509Certificate): CertificateFacts => {
  const key = certificate.fingerprint256;
  const before = known.get(key);
  if (before) return before;
  const facts = read(certificate);
  if (certificate.raw.length > MOST_KEPT_BYTES) return facts;
  if (known.size >= KEPT)
    for (const oldest of known.keys()) {
      known.delete(oldest);
      break;
    }
  known.set(key, facts);
  return facts;
};

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[\sA-Za-z0-9+/=]+-----END CERTIFICATE-----/g;

/** Every certificate of a PEM text, in order. Throws what OpenSSL says. */
export const factsIn = (pem: string): readonly CertificateFacts[] =>
  (pem.match(CERTIFICATE) ?? []).map((block) => certificateFacts(new X509Certificate(block)));
