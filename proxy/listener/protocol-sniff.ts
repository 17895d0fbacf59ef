/** First bytes → what is spoken. Only looks; the bytes stay for whoever serves the connection. */

/** undetermined: more bytes are needed. */
export type Sniffed = 'tls' | 'http1' | 'http2' | 'opaque' | 'undetermined';

const PREFACE = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n';
const MAX_LINE = 8192;

/** Which inspectors look. */
export interface Looks {
  readonly tls: boolean;
  readonly http: boolean;
}

/** Envoy's http_inspector and tls_inspector in one look. */
export const sniff = (bytes: Buffer, looks: Looks = { tls: true, http: true }): Sniffed => {
  if (bytes.length === 0) return 'undetermined';
  if (looks.tls && bytes[0] === 0x16) return bytes.length < 2 ? 'undetermined' : bytes[1] === 3 ? 'tls' : 'opaque';
  return looks.http ? sniffHttp(bytes) : 'opaque';
};

const sniffHttp = (bytes: Buffer): Sniffed => {
  const text = bytes.toString('latin1', 0, Math.min(bytes.length, MAX_LINE));
  if (text.startsWith(PREFACE) || PREFACE.startsWith(text)) return text.length >= PREFACE.length ? 'http2' : 'undetermined';
  const end = text.indexOf('\r\n');
  if (end >= 0) return /^[!#$%&'*+\-.^_`|~\w]+ \S+ HTTP\/1\.[01]$/.test(text.slice(0, end)) ? 'http1' : 'opaque';
  return text.length < MAX_LINE && /^[!#$%&'*+\-.^_`|~\w]+( [^\r\n]*)?\r?$/.test(text) ? 'undetermined' : 'opaque';
};
