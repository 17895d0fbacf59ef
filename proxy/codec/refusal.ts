/** What a server says to bytes that it will not serve, in Envoy's words. */
import { StreamError } from '../http/stream-error.ts';
import type { HeadError } from './head.ts';

const TEXTS: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  426: 'Upgrade Required',
  431: 'Request Header Fields Too Large',
  501: 'Not Implemented',
};

/** The error as a refusal of the client (flag DPE). */
export const refusalOf = (error: HeadError): StreamError =>
  new StreamError('DPE', { status: error.status, text: TEXTS[error.status] ?? '', codeDetails: error.details, closes: true });

/** A head that was understood but is not served: Envoy's connection manager says so, not its codec, so without words. */
export const wordlessRefusal = ({ status, details }: HeadError): StreamError =>
  new StreamError(status === 404 ? 'NR' : 'DPE', { status, codeDetails: details, flagged: status === 404, closes: true });

/** A head that took too long. */
export const HEAD_TIMEOUT = new StreamError('DPE', {
  status: 408,
  text: 'request header timeout',
  codeDetails: 'request_header_timeout',
  flagged: false,
  closes: true,
});

/** A request that took too long to arrive. */
export const REQUEST_TIMEOUT = new StreamError('DPE', {
  status: 408,
  text: 'request timeout',
  codeDetails: 'request_overall_timeout',
  flagged: false,
  closes: true,
});

/** A client that left in the middle of a head; nobody hears the answer. */
export const LEFT_EARLY = new StreamError('DC', { status: 0, codeDetails: 'downstream_remote_disconnect' });

/** An exchange in which nothing moved. waiting: the whole request was here, so upstream is late, not the client. */
export const streamTimeout = (waiting: boolean): StreamError =>
  new StreamError('SI', { status: waiting ? 504 : 408, text: 'stream timeout', codeDetails: 'stream_idle_timeout' });

/** The far end of a tunnel left first. */
export const UPSTREAM_LEFT = new StreamError('UC', { codeDetails: 'upstream_reset_after_response_started{connection_termination}' });
