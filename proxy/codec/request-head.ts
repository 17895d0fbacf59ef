/** Request line and what a request's head must satisfy. Throws HeadError with the answer that Envoy would give. */
import { type Fields, HeadError, type HeadLimits, isToken, parseFields } from './head.ts';

/** A request head, understood. */
export interface RequestHead extends Fields {
  readonly method: string;
  readonly path: string;
  readonly authority: string;
}

const bad = (details = 'http1.codec_error'): HeadError => new HeadError(400, details);

const checkTarget = (target: string): void => {
  for (let i = 0; i < target.length; i++) {
    const code = target.charCodeAt(i);
    if (code <= 32 || code === 127) throw bad('http1.invalid_url');
    if (code === 35) throw bad('path_normalization_failed');
  }
};

const checkAuthority = (authority: string): void => {
  if (authority === '') throw bad('missing_host_header');
  for (let i = 0; i < authority.length; i++) {
    const code = authority.charCodeAt(i);
    const fine = (code >= 48 && code <= 58) || (code >= 65 && code <= 91) || (code >= 97 && code <= 122);
    if (!fine && !"-._~!$&'()*+,;=]".includes(authority[i] as string)) throw bad('http1.invalid_authority');
  }
};

const checkVersion = (version: string): void => {
  if (version === 'HTTP/1.1' || version === 'HTTP/1.2') return;
  if (version === 'HTTP/1.0') throw new HeadError(426, 'low_version');
  throw bad();
};

/** Absolute form → authority and path; origin form → as it is. */
const splitTarget = (target: string, method: string): { authority?: string; path: string } => {
  if (target.charCodeAt(0) === 47 || (target === '*' && method === 'OPTIONS')) return { path: target };
  const scheme = target.slice(0, 8).toLowerCase();
  const from = scheme.startsWith('http://') ? 7 : scheme === 'https://' ? 8 : 0;
  if (from === 0) throw bad('http1.invalid_url');
  let end = target.length;
  for (let i = from; i < target.length; i++) {
    const char = target[i];
    if (char !== '/' && char !== '?') continue;
    end = i;
    break;
  }
  const rest = target.slice(end);
  return { authority: target.slice(from, end), path: rest.startsWith('/') ? rest : `/${rest}` };
};

/** text: from the request line up to and with the CRLF of the last field line. */
export const parseRequestHead = (text: string, limits: HeadLimits): RequestHead => {
  const lineEnd = text.indexOf('\r\n');
  const methodEnd = text.indexOf(' ');
  const targetEnd = text.indexOf(' ', methodEnd + 1);
  if (lineEnd < 0 || methodEnd <= 0 || targetEnd < 0 || targetEnd > lineEnd) throw bad();
  const method = text.slice(0, methodEnd);
  const target = text.slice(methodEnd + 1, targetEnd);
  if (!isToken(method) || target === '') throw bad();
  checkTarget(target);
  checkVersion(text.slice(targetEnd + 1, lineEnd));
  const fields = parseFields(text, lineEnd + 2, limits);
  if (method === 'CONNECT') throw new HeadError(403, 'upgrade_failed');
  if (fields.host === undefined) throw bad('missing_host_header');
  const { authority = fields.host, path } = splitTarget(target, method);
  checkAuthority(authority);
  if (fields.upgrade !== undefined && (fields.chunked || (fields.contentLength ?? 0) > 0)) throw bad('upgrade_with_body');
  return { ...fields, method, path, authority };
};
