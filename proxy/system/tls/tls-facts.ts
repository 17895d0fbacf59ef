/** What is known of a certificate, and of a handshake that is over. */

/** What an X.509 certificate says, as far as anybody here asks. */
export interface CertificateFacts {
  /** Distinguished name in RFC 2253 form; empty for workload certificates. */
  readonly subject: string;
  readonly issuer: string;
  /** Subject alternative names, as they stand. */
  readonly uris: readonly string[];
  readonly dnsNames: readonly string[];
  /** Lower-case hexadecimal. */
  readonly serial: string;
  /** SHA-256 of the DER form, lower-case hexadecimal. */
  readonly sha256: string;
  /** Milliseconds since the Unix epoch. */
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  readonly isAuthority: boolean;
  readonly pem: string;
}

/** What was agreed in a handshake, and who the other end proved to be. */
export interface TlsFacts {
  readonly version: 'TLSv1.2' | 'TLSv1.3';
  /** OpenSSL's name. */
  readonly cipher: string;
  /** Application protocol that was chosen; empty = none. */
  readonly alpn: string;
  /** Server name that the client asked for; empty = none. */
  readonly serverName: string;
  readonly isResumed: boolean;
  /** Absent when it showed none. Its chain was verified where verification was asked for. */
  readonly peer?: CertificateFacts;
  /** The leaf that this end showed; absent when it showed none. */
  readonly local?: CertificateFacts;
  /** Everything that the peer showed, leaf first, PEM; dear, so it is asked for where it is told. Absent where only the leaf is known. */
  readonly peerChain?: () => string;
}
