/** The same wishes in the simulated world, where whoever can write a certificate can sign with any key. */
import { readCertificates, writeCertificate, writeKey } from '#system/tls/simulated-certificate.ts';
import type { Certifier, LeafWishes } from './leaf-wishes.ts';

const DAY_MS = 86_400_000;

/** root: whose key signs, PEM; absent: somebody whom nobody knows. */
export const simulatedCertifier = (nowMs: () => number, root?: string): Certifier => {
  const signer = root === undefined ? 'somebody-else' : (readCertificates(root)[0]?.key ?? '');
  let made = 0;
  const write = (wishes: LeafWishes, key: string, signedBy: string): string => {
    const { uris = [], dnsNames = [], fromDays = -1, untilDays = 1, subject = '' } = wishes;
    return writeCertificate({
      ...{ subject, uris, dnsNames, key, signedBy },
      issuer: `CN=${signedBy}`,
      serial: `0f${(++made).toString(16).padStart(8, '0')}`,
      notBeforeMs: nowMs() + fromDays * DAY_MS,
      notAfterMs: nowMs() + untilDays * DAY_MS,
      isAuthority: false,
    });
  };
  return {
    issue: async (wishes) => {
      const between = wishes.signedByLeaf && `stranger-between-${made}`;
      const key = `stranger-${made}`;
      const leaf = write(wishes, key, between ?? signer);
      return { certificateChain: `${leaf}${between ? write(wishes, between, signer) : ''}`, privateKey: writeKey(key) };
    },
  };
};
