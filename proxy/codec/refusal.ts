/** What a server says to bytes that it will not understand, in Envoy's words. */
import { StreamError } from '../http/stream-error.ts';
import type { HeadError } from './head.ts';

/** What Envoy's connection manager, not its codec, refuses: without a body. */
const WORDLESS = new Set(['low_version', 'missing_host_header', 'upgrade_failed']);
const TEXTS: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  431: 'Request Header Fields Too Large',
  501: 'Not Implemented',
};

/** The error as a refusal of the client (flag DPE). */
export const refusalOf = (error: HeadError): StreamError =>
  new StreamError('DPE', {
    status: error.status,
    text: WORDLESS.has(error.details) ? '' : (TEXTS[error.status] ?? ''),
    codeDetails: error.details,
  });

/** The answer to an exchange in which nothing moved. */
export const STREAM_TIMEOUT =
  'HTTP/1.1 408 Request Timeout\r\ncontent-length: 14\r\ncontent-type: text/plain\r\nconnection: close\r\n\r\nstream timeout';
