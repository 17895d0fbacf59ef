/** A failed dial in Envoy's words. */
import { ConnectError } from '#system/network.ts';
import { TlsHandshakeError } from '#system/tls/tls.ts';
import { StreamError } from '../../http/stream-error.ts';
import { RESET_TEXT } from './pool.ts';

const SYSTEM_WORDS: Readonly<Record<string, string>> = { refused: 'Connection refused', unreachable: 'No route to host' };

/** Words for `%UPSTREAM_TRANSPORT_FAILURE_REASON%`; empty for a timeout. */
export const transportFailure = (cause: unknown): string => {
  if (cause instanceof TlsHandshakeError) return cause.message;
  if (!(cause instanceof ConnectError)) return '';
  const words = SYSTEM_WORDS[cause.reason];
  return words === undefined ? '' : `delayed connect error: ${words}`;
};

/** The reply's text has no transport reason; the details have. (Envoy 1.40) */
export const connectFailure = (cause: unknown): StreamError => {
  if (cause instanceof ConnectError && cause.reason === 'timeout') {
    const codeDetails = 'upstream_reset_before_response_started{connection_timeout}';
    return new StreamError('UF', { text: `${RESET_TEXT}connection timeout`, codeDetails, cause });
  }
  const transport = transportFailure(cause);
  const suffix = transport === '' ? '' : `|${transport.replaceAll(' ', '_')}`;
  const codeDetails = `upstream_reset_before_response_started{remote_connection_failure${suffix}}`;
  return new StreamError('UF', { text: `${RESET_TEXT}remote connection failure`, codeDetails, cause });
};
