/**
 * Keys, certificates and handshakes as a parameter: OpenSSL in the real world; in the simulated one readable certificates and a handshake that only compares
 * who, whose authority and until when. Both speak PEM, so that everything above them is the same code.
 */
import type { Connection } from '../network.ts';
import type { CertificateFacts } from './tls-facts.ts';

/** PEM texts that one end works with. */
export interface TlsMaterial {
  /** Leaf first. Both or none. */
  readonly certificateChain?: string;
  readonly privateKey?: string;
  /** Authorities that a peer's chain must lead to; absent: the peer's chain is not verified. */
  readonly trustedRoots?: string;
}

/** What is offered in handshakes. */
export interface TlsParameters {
  readonly minVersion: 'TLSv1.2' | 'TLSv1.3';
  readonly maxVersion: 'TLSv1.2' | 'TLSv1.3';
  /** OpenSSL names for TLS 1.2, most wanted first; empty = the world's own choice. */
  readonly cipherSuites: readonly string[];
  /** Application protocols, most wanted first; a server picks the first of its own that the client offers, and none when there is none. */
  readonly alpn: readonly string[];
}

/** Material and parameters, ready for any number of handshakes: building one is dear, using it is not. */
export interface TlsContext {
  readonly leaf: CertificateFacts | undefined;
}

/** How a server treats its clients. */
export interface AcceptTls {
  readonly clientCertificate: 'ignored' | 'wanted' | 'required';
  /** Application protocols that the client is known to offer, from its greeting. Absent: not known, and then there must be a common one. */
  readonly offered?: readonly string[];
  readonly timeoutMs: number;
  /** Judges a client whose chain is verified; a text refuses it. */
  readonly refuses?: (peer: CertificateFacts) => string | undefined;
}

/** How a client treats its server. */
export interface ConnectTls {
  /** SNI; empty = none. */
  readonly serverName: string;
  readonly timeoutMs: number;
  /** Judges a server whose chain is verified; a text refuses it. */
  readonly refuses?: (peer: CertificateFacts) => string | undefined;
  /** Connections with the same key may resume each other's sessions; identities are judged again all the same. Absent: no resumption. */
  readonly sessionKey?: string;
}

/** Material that cannot be used: does not parse, or key and certificate do not belong together. */
export class TlsMaterialError extends Error {
  override readonly name = 'TlsMaterialError';
}

/** A handshake that failed, in words like Envoy's `TLS_error:|…CERTIFICATE_VERIFY_FAILED`. */
export class TlsHandshakeError extends Error {
  override readonly name = 'TlsHandshakeError';
}

/** A fresh key and the request to certify it. */
export interface KeyAndRequest {
  /** PKCS #8, PEM. */
  readonly privateKey: string;
  /** PKCS #10, PEM. */
  readonly csr: string;
}

/** Everything that either plane does with TLS, gRPC aside. Nothing is loaded before it is asked for. */
export interface Tls {
  /** An EC P-256 key, and a request that names this identity in its URI SAN. */
  requestFor(identity: string): Promise<KeyAndRequest>;
  /** Facts of every certificate in a PEM text, in their order. Rejects with TlsMaterialError. */
  read(pem: string): Promise<readonly CertificateFacts[]>;
  /** Rejects with TlsMaterialError, also for a key that is not the leaf's. */
  context(material: TlsMaterial, parameters: TlsParameters): Promise<TlsContext>;
  /** The server's side. Owns the connection from now on; rejects with TlsHandshakeError when that is over. The result has `tls`. */
  accept(connection: Connection, context: TlsContext, how: AcceptTls): Promise<Connection>;
  /** The client's side; as `accept`. */
  connect(connection: Connection, context: TlsContext, how: ConnectTls): Promise<Connection>;
}
