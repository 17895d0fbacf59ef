/** Why a handshake failed, in the words that Envoy 1.40 logs. */
import { TlsHandshakeError } from './tls.ts';

const failure = (words: string, cause?: unknown): TlsHandshakeError =>
  new TlsHandshakeError(`TLS_error:|${words}:TLS_error_end`, cause === undefined ? undefined : { cause });

const VERIFY_FAILED = '268435581:SSL routines:OPENSSL_internal:CERTIFICATE_VERIFY_FAILED:verify cert failed';

/** The chain leads nowhere, or is past its time. reason: OpenSSL's sentence. */
export const chainRefused = (reason: string): TlsHandshakeError =>
  failure(`${VERIFY_FAILED}: X509_verify_cert: certificate verification error at depth 0: ${reason}`);

/** The chain is good and the name is not. */
export const nameRefused = (reason: string): TlsHandshakeError => failure(`${VERIFY_FAILED}: ${reason}`);

/** It showed no certificate where one is required. */
export const certificateMissing = (cause?: unknown): TlsHandshakeError =>
  failure('268435648:SSL routines:OPENSSL_internal:PEER_DID_NOT_RETURN_A_CERTIFICATE', cause);

/** Not finished in time. */
export const handshakeTimeout = (timeoutMs: number): TlsHandshakeError => failure(`handshake timeout: not finished within ${timeoutMs} ms`);

/** The connection ended first. */
export const handshakeCut = (cause?: unknown): TlsHandshakeError =>
  failure('33554536:system library:OPENSSL_internal:Connection reset by peer', cause);

interface OpenSslError extends Error {
  readonly code?: string;
  readonly library?: string;
  readonly reason?: string;
}

const MISSING = /peer did not return a certificate|certificate required/;

/** What OpenSSL or the socket says. */
export const handshakeBroken = (error: OpenSslError): TlsHandshakeError => {
  if (error.code === 'ECONNRESET' || error.code === 'EPIPE') return handshakeCut(error);
  const reason = error.reason ?? error.message;
  if (MISSING.test(reason)) return certificateMissing(error);
  return failure(`SSL routines:OPENSSL_internal:${reason.toUpperCase().replaceAll(/[^A-Z0-9]+/g, '_')}`, error);
};
