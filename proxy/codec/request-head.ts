/** Request line and what a request's head must satisfy. Throws HeadError with the answer that Envoy would give. */
import { type Fields, HeadError, type HeadLimits, isToken, parseFields } from './head.ts';

/** What a connection's owner decided about heads. */
export interface RequestRules extends HeadLimits {
  /** True: any token is a method. */
  readonly customMethods?: boolean;
}

/** A request head, understood. */
export interface RequestHead extends Fields {
  readonly method: string;
  readonly path: string;
  readonly authority: string;
  /** Understood, but not to be served: the connection manager says so. */
  readonly refusal: HeadError | undefined;
}

/** Methods that Envoy's parser knows. */
const METHODS = new Set(
  `GET POST PUT DELETE HEAD OPTIONS PATCH CONNECT TRACE ACL BIND CHECKOUT COPY LINK LOCK MERGE MKACTIVITY MKCALENDAR MKCOL MOVE MSEARCH
   NOTIFY PROPFIND PROPPATCH PURGE PUT REBIND REPORT SEARCH SOURCE SUBSCRIBE UNBIND UNLINK UNLOCK UNSUBSCRIBE`.split(/\s+/),
);
/** From ten names on, Envoy takes a Connection field for an attack. */
const MAX_CONNECTION_NAMES = 10;
/** Taking these away would hide where a request came from. */
const NEVER_NOMINATED = ['x-forwarded-for', 'x-forwarded-host', 'x-forwarded-proto'];

const bad = (details = 'http1.codec_error'): HeadError => new HeadError(400, details);
const lowVersion = (): HeadError => new HeadError(426, 'low_version');

/** Whether the target carries a fragment. */
const checkTarget = (target: string): boolean => {
  let fragment = false;
  for (let i = 0; i < target.length; i++) {
    const code = target.charCodeAt(i);
    if (code < 32 || code === 127) throw bad('http1.invalid_characters');
    if (code > 127) throw bad();
    if (code === 35) fragment = true;
  }
  return fragment;
};

/** Throws HeadError. */
export const checkAuthority = (authority: string): void => {
  for (let i = 0; i < authority.length; i++) {
    const code = authority.charCodeAt(i);
    const fine = (code >= 48 && code <= 58) || (code >= 65 && code <= 91) || (code >= 97 && code <= 122);
    const escaped = code === 37 && /^%[0-9a-f]{2}/i.test(authority.slice(i, i + 3));
    if (!fine && !escaped && !"-._~!$&'()*+,;=]".includes(authority[i] as string)) throw bad('http.invalid_authority');
  }
};

interface Target {
  readonly authority?: string;
  readonly path: string;
}

/** Absolute form → authority and path; origin form and `*` → as they are. */
const splitTarget = (target: string, method: string): Target => {
  if (method === 'CONNECT') {
    if (!/^[^/?@]+:\d+$/.test(target)) throw bad('http1.invalid_url');
    return { authority: target, path: '' };
  }
  if (target.charCodeAt(0) === 47) return { path: target };
  if (target === '*') {
    if (method !== 'OPTIONS') throw bad('http1.invalid_url');
    return { path: target };
  }
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(target)?.[1];
  if (scheme === undefined) throw bad();
  if (!/^https?$/i.test(scheme)) throw bad('http1.invalid_scheme');
  const from = scheme.length + 3;
  const length = target.slice(from).search(/[/?#]/);
  const end = length < 0 ? target.length : from + length;
  if (end === from) throw bad('http1.invalid_url');
  return { authority: target.slice(from, end), path: end === target.length ? '/' : target.slice(end) };
};

interface RequestLine {
  readonly method: string;
  readonly target: string;
}

const hasControls = (text: string): boolean => {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === 127 || (code < 32 && code !== 9 && code !== 10 && code !== 13)) return true;
  }
  return false;
};

/** Bytes that never were HTTP, or an HTTP line with bytes that it must not have: Envoy tells them apart. */
const notALine = (line: string): HeadError => bad(isToken(line.slice(0, 1)) && hasControls(line) ? 'http1.invalid_characters' : undefined);

const checkMethod = (method: string, line: string, rules: RequestRules): void => {
  if (METHODS.has(method) || (rules.customMethods && isToken(method))) return;
  throw notALine(line);
};

/** text: at least the request line, without its CRLF; `end` is where it ends. */
const parseLine = (text: string, end: number, rules: RequestRules): RequestLine => {
  const methodEnd = text.indexOf(' ');
  if (methodEnd <= 0 || methodEnd > end) throw notALine(text.slice(0, end));
  const method = text.slice(0, methodEnd);
  checkMethod(method, text.slice(0, end), rules);
  const targetEnd = text.indexOf(' ', methodEnd + 1);
  if (targetEnd < 0 || targetEnd > end) throw text[methodEnd + 1] === '/' ? lowVersion() : bad();
  const version = text.slice(targetEnd + 1, end);
  if (targetEnd === methodEnd + 1) throw bad();
  if (version !== 'HTTP/1.1') throw /^HTTP\/\d\.\d$/.test(version) ? lowVersion() : bad();
  return { method, target: text.slice(methodEnd + 1, targetEnd) };
};

/** For a head that is not all here: whether what is here can still become one. Throws HeadError when it cannot. */
const checkBeginning = (text: string, rules: RequestRules): void => {
  const end = text.indexOf('\r\n');
  if (end >= 0) {
    parseLine(text, end, rules);
    return;
  }
  const space = text.indexOf(' ');
  const method = space < 0 ? text.replace(/\r$/, '') : text.slice(0, space);
  if (method !== '' && !isToken(method)) throw notALine(method);
  if (space >= 0) checkMethod(method, method, rules);
};

const checkConnection = (names: readonly string[]): void => {
  if (names.length >= MAX_CONNECTION_NAMES || names.some((name) => NEVER_NOMINATED.includes(name) || name.startsWith(':')))
    throw bad('http1.connection_header_rejected');
};

const refusalOf = (method: string, host: string | undefined, fragment: boolean): HeadError | undefined => {
  if (method === 'CONNECT') return new HeadError(404, 'route_not_found');
  if (host === undefined) return bad('missing_host_header');
  return fragment ? bad('path_normalization_failed') : undefined;
};

/** text: from the request line up to and with the CRLF of the last field line. */
export const parseRequestHead = (text: string, rules: RequestRules): RequestHead => {
  const lineEnd = text.indexOf('\r\n');
  if (lineEnd < 0) throw bad();
  const { method, target } = parseLine(text, lineEnd, rules);
  const fragment = checkTarget(target);
  const fields = parseFields(text, lineEnd + 2, rules);
  if (fields.connection.length > 0) checkConnection(fields.connection);
  const named = fields.connection.includes('host') ? undefined : fields.host;
  const { authority = named, path } = splitTarget(target, method);
  if (authority !== undefined) checkAuthority(authority);
  if (fields.upgrade !== undefined && (fields.chunked || (fields.contentLength ?? 0) > 0)) throw bad('upgrade_with_body');
  return { ...fields, method, path, authority: authority ?? '', refusal: refusalOf(method, authority, fragment) };
};

const HEAD_END = '\r\n\r\n';

/** Where the head's empty line begins; -1 while it is not here whole. Throws HeadError for what is too large, or can become no head. */
export const headEnd = (buffer: Buffer, settings: RequestRules & { readonly maxHeadBytes: number }): number => {
  const end = buffer.indexOf(HEAD_END, 0, 'latin1');
  if ((end < 0 ? buffer.length : end) > settings.maxHeadBytes) throw new HeadError(431, 'http1.headers_too_large');
  if (end < 0) checkBeginning(buffer.toString('latin1'), settings);
  return end;
};
