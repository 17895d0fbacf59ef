/** The simulated world's authority: the same decisions about names and lives, in certificates that are worth nothing elsewhere. */
import { formatSpiffeId } from '#api/spiffe-id.ts';
import { readRequest, type SimulatedRequest, writeCertificate } from '#system/tls/simulated-certificate.ts';
import { type Issued, lifeMsOf, RequestRefused, type Signer, type SigningOrder } from './signer.ts';

const TEN_YEARS_MS = 3_650 * 86_400_000;

/** id: of the authority, unique in its world. */
export const simulatedSigner = (id: string, nowMs: number): Signer => {
  const notAfterMs = nowMs + TEN_YEARS_MS;
  let serials = 0;
  const certificate = {
    issuer: `CN=${id}`,
    dnsNames: [],
    notBeforeMs: nowMs,
    signedBy: `authority-${id}`,
  };
  const root = writeCertificate({
    ...certificate,
    subject: `CN=${id}`,
    uris: [],
    serial: '00',
    notAfterMs,
    isAuthority: true,
    key: `authority-${id}`,
  });
  const idHex = Buffer.from(id).toString('hex');
  return {
    root,
    notAfterMs,
    sign: async (order: SigningOrder): Promise<Issued> => {
      const own = formatSpiffeId(order.identity);
      const { identity, key } = read(order.csr);
      if (identity !== own)
        throw new RequestRefused('another identity', `the certificate request names "${identity.slice(0, 256)}"; its sender is ${own}`);
      const serial = `${idHex}${(++serials).toString(16).padStart(8, '0')}`;
      const until = Math.min(order.nowMs + lifeMsOf(order.lifeSeconds), notAfterMs);
      const leaf = writeCertificate({ ...certificate, subject: '', uris: [own], serial, notAfterMs: until, isAuthority: false, key });
      return { chain: [leaf, root], serial, notAfterMs: until };
    },
  };
};

const read = (csr: string): SimulatedRequest => {
  try {
    return readRequest(csr);
  } catch {
    throw new RequestRefused('malformed', 'the certificate request cannot be read');
  }
};
