/** Why a handshake failed, in the words that Envoy 1.40 logs. */
import { TlsHandshakeError } from './tls.ts';

const failure = (words: string, cause?: unknown): TlsHandshakeError =>
  new TlsHandshakeError(`TLS_error:|${words}:TLS_error_end`, cause === undefined ? undefined : { cause });

const VERIFY_FAILED = '268435581:SSL routines:OPENSSL_internal:CERTIFICATE_VERIFY_FAILED:verify cert failed';

/** BoringSSL stops at the first of two errors, OpenSSL at the second. */
const CHAIN_WORDS: Readonly<Record<string, string>> = {
  'unable to verify the first certificate': 'unable to get local issuer certificate',
};

/** The chain leads nowhere, or is past its time. reason: OpenSSL's sentence. */
export const chainRefused = (reason: string): TlsHandshakeError =>
  failure(`${VERIFY_FAILED}: X509_verify_cert: certificate verification error at depth 0: ${CHAIN_WORDS[reason] ?? reason}`);

/** Expiry is judged by this world's clock as well as by OpenSSL's: somebody may have put it forward. Undefined: it is in force. */
export const timeRefusal = (
  { notBeforeMs, notAfterMs }: { readonly notBeforeMs: number; readonly notAfterMs: number },
  nowMs: number,
): string | undefined => {
  if (nowMs > notAfterMs) return 'certificate has expired';
  return nowMs < notBeforeMs ? 'certificate is not yet valid' : undefined;
};

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

/** Numbers and names of BoringSSL for what happens every day. */
const BORING: Readonly<Record<string, readonly [number: string, name: string]>> = {
  WRONG_VERSION_NUMBER: ['268435703', 'WRONG_VERSION_NUMBER'],
  SSL_TLS_ALERT_HANDSHAKE_FAILURE: ['268436496', 'SSLV3_ALERT_HANDSHAKE_FAILURE'],
  SSLV3_ALERT_HANDSHAKE_FAILURE: ['268436496', 'SSLV3_ALERT_HANDSHAKE_FAILURE'],
};

/** What OpenSSL or the socket says. */
export const handshakeBroken = (error: OpenSslError): TlsHandshakeError => {
  if (error.code === 'ECONNRESET' || error.code === 'EPIPE') return handshakeCut(error);
  const reason = error.reason ?? error.message;
  if (MISSING.test(reason)) return certificateMissing(error);
  const word = reason.toUpperCase().replaceAll(/[^A-Z0-9]+/g, '_');
  const [number = '', named = word] = BORING[word] ?? [];
  return failure(`${number}${number && ':'}SSL routines:OPENSSL_internal:${named}`, error);
};
