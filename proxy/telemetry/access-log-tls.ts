/** Operators about TLS and who was at the other end, both ways. Names and forms: what Envoy 1.40 writes. */
import type { CertificateFacts, TlsFacts } from '#system/tls/tls-facts.ts';
import type { FinishedStream } from '../http/connection-manager.ts';
import { timeFormat } from './log-time.ts';

type Read<V> = (finished: FinishedStream) => V | undefined;
type TextOperator = Read<string>;

const DOWNSTREAM: Read<TlsFacts> = ({ stream }) => stream.downstream.tls;
const UPSTREAM: Read<TlsFacts> = ({ stream }) => stream.attempts[stream.attempts.length - 1]?.tls;

const filled = (text: string | undefined): string | undefined => (text === '' ? undefined : text);

/** Envoy writes a certificate in percent code, as one word. */
const oneWord = (pem: string): string => encodeURIComponent(`${pem.trimEnd()}\n`);

const CERTIFICATE: Readonly<Record<string, (facts: CertificateFacts) => string>> = {
  URI_SAN: ({ uris }) => uris.join(','),
  DNS_SAN: ({ dnsNames }) => dnsNames.join(','),
  SUBJECT: ({ subject }) => subject,
};

const PEER_ONLY: Readonly<Record<string, (facts: CertificateFacts) => string>> = {
  ISSUER: ({ issuer }) => issuer,
  CERT: ({ pem }) => oneWord(pem),
};

/** Envoy has these of clients only. */
const CLIENT_ONLY: Readonly<Record<string, (facts: CertificateFacts) => string>> = {
  SERIAL: ({ serial }) => serial,
  FINGERPRINT_256: ({ sha256 }) => sha256,
};

const ofCertificate = (
  prefix: string,
  whose: Read<CertificateFacts>,
  tells: Readonly<Record<string, (facts: CertificateFacts) => string>>,
): Record<string, TextOperator> =>
  Object.fromEntries(
    Object.entries(tells).map(([name, tell]) => [
      `${prefix}_${name}`,
      (finished: FinishedStream) => {
        const facts = whose(finished);
        return facts && filled(tell(facts));
      },
    ]),
  );

const ofHandshake = (prefix: string, tls: Read<TlsFacts>): Record<string, TextOperator> => ({
  [`${prefix}_TLS_VERSION`]: (finished) => tls(finished)?.version,
  [`${prefix}_TLS_CIPHER`]: (finished) => filled(tls(finished)?.cipher),
  ...ofCertificate(`${prefix}_PEER`, (finished) => tls(finished)?.peer, { ...CERTIFICATE, ...PEER_ONLY }),
});

const local =
  (tls: Read<TlsFacts>): Read<CertificateFacts> =>
  (finished) =>
    tls(finished)?.local;
const { SUBJECT: _, ...SAN_ONLY } = CERTIFICATE;

/** Operators without an argument. */
export const TLS_OPERATORS: Readonly<Record<string, TextOperator>> = {
  ...ofHandshake('DOWNSTREAM', DOWNSTREAM),
  ...ofHandshake('UPSTREAM', UPSTREAM),
  ...ofCertificate('DOWNSTREAM_PEER', (finished) => DOWNSTREAM(finished)?.peer, CLIENT_ONLY),
  ...ofCertificate('DOWNSTREAM_LOCAL', local(DOWNSTREAM), CERTIFICATE),
  // There is no UPSTREAM_LOCAL_SUBJECT.
  ...ofCertificate('UPSTREAM_LOCAL', local(UPSTREAM), SAN_ONLY),
  UPSTREAM_SERVER_NAME: (finished) => filled(UPSTREAM(finished)?.serverName),
  REQUESTED_SERVER_NAME: ({ stream }) => filled(stream.downstream.serverName),
  DOWNSTREAM_TRANSPORT_FAILURE_REASON: ({ stream }) => filled(stream.downstream.transportFailure?.replaceAll(' ', '_')),
};

const TIMES: Readonly<Record<string, Read<number>>> = {
  DOWNSTREAM_PEER_CERT_V_START: (finished) => DOWNSTREAM(finished)?.peer?.notBeforeMs,
  DOWNSTREAM_PEER_CERT_V_END: (finished) => DOWNSTREAM(finished)?.peer?.notAfterMs,
  UPSTREAM_PEER_CERT_V_START: (finished) => UPSTREAM(finished)?.peer?.notBeforeMs,
  UPSTREAM_PEER_CERT_V_END: (finished) => UPSTREAM(finished)?.peer?.notAfterMs,
};

/** Times of certificates, in the form that the argument says. Undefined for other names; throws ConfigError for an unknown form. */
export const certificateTimeOperator = (name: string, argument: string): TextOperator | undefined => {
  const read = Object.hasOwn(TIMES, name) ? TIMES[name] : undefined;
  const format = read && timeFormat(argument);
  return (
    read &&
    format &&
    ((finished) => {
      const at = read(finished);
      return at === undefined ? undefined : format(at);
    })
  );
};
