/** Blocks of fields ↔ heads of messages, to the letter of RFC 9113 §8: what is malformed is never repaired. */
import { HeaderMap } from '../../http/header-map.ts';
import { type HttpRequest, type HttpResponse, schemeOf } from '../../http/message.ts';
import type { ServerSettings } from '../../http/serve.ts';
import { FORBIDDEN_TRAILERS } from '../body-decoder.ts';
import { HeadError, isToken } from '../head.ts';
import { checkAuthority } from '../request-head.ts';
import type { FieldList } from './hpack/decoder.ts';

/** A request's head. */
export interface RequestFields {
  readonly method: string;
  readonly scheme: 'http' | 'https';
  readonly authority: string;
  readonly path: string;
  readonly headers: HeaderMap;
  readonly contentLength: number | undefined;
  /** Understood, but not to be served. */
  readonly refusal: HeadError | undefined;
}

/** A response's head. */
export interface ResponseFields {
  readonly status: number;
  readonly headers: HeaderMap;
  readonly contentLength: number | undefined;
}

/** How names with `_` are treated, and who counts them. */
export interface UnderscoreRules {
  readonly underscores: ServerSettings['underscores'];
  readonly dropped: () => void;
  readonly rejected: () => void;
}

/** Malformed (§8.1.1): the stream is reset. */
export class MalformedError extends Error {
  override readonly name = 'MalformedError';
}

const bad = (reason: string): MalformedError => new MalformedError(reason);

/** Of one connection only (§8.2.2); HTTP/2 says these things otherwise. */
const CONNECTION_FIELDS = new Set(['connection', 'keep-alive', 'proxy-connection', 'transfer-encoding', 'upgrade']);

const lengthOf = (value: string, before: number | undefined): number => {
  const length = /^\d{1,16}$/.test(value) ? Number(value) : -1;
  if (length < 0 || length > Number.MAX_SAFE_INTEGER || (before !== undefined && before !== length)) throw bad('content-length');
  return length;
};

/** What is not a pseudo-field. */
interface Regular {
  readonly flat: string[];
  host: string | undefined;
  contentLength: number | undefined;
  cookieAt: number;
}

const newRegular = (): Regular => ({ flat: [], host: undefined, contentLength: undefined, cookieAt: -1 });

/** Adds one field to what is there; `set-cookie` and others may come again, crumbs of a cookie become one (§8.2.3). */
const addField = (regular: Regular, name: string, value: string): void => {
  switch (name) {
    case 'host':
      if (regular.host !== undefined && regular.host !== value) throw bad('two hosts');
      regular.host = value;
      return;
    case 'content-length':
      if (regular.contentLength === undefined) regular.flat.push(name, String(lengthOf(value, undefined)));
      regular.contentLength = lengthOf(value, regular.contentLength);
      return;
    case 'cookie':
      if (regular.cookieAt >= 0) {
        regular.flat[regular.cookieAt] += `; ${value}`;
        return;
      }
      regular.cookieAt = regular.flat.length + 1;
      break;
    case 'te':
      if (value.toLowerCase() !== 'trailers') throw bad('te');
      break;
    case 'http2-settings':
      return;
    default:
      if (CONNECTION_FIELDS.has(name)) throw bad(name);
  }
  regular.flat.push(name, value);
};

const PSEUDO = { ':method': 0, ':scheme': 1, ':authority': 2, ':path': 3, ':protocol': 4 } as const;

const pseudoOf = (flat: readonly string[]): { readonly values: (string | undefined)[]; readonly end: number } => {
  const values: (string | undefined)[] = [undefined, undefined, undefined, undefined, undefined];
  let at = 0;
  for (; at < flat.length; at += 2) {
    const name = flat[at] as string;
    if (name.charCodeAt(0) !== 58) break;
    const index = Object.hasOwn(PSEUDO, name) ? PSEUDO[name as keyof typeof PSEUDO] : -1;
    if (index < 0 || values[index] !== undefined) throw bad(name);
    values[index] = flat[at + 1] as string;
  }
  return { values, end: at };
};

const regularOf = (flat: readonly string[], from: number, rules: UnderscoreRules | undefined): Regular => {
  const regular = newRegular();
  for (let i = from; i < flat.length; i += 2) {
    const name = flat[i] as string;
    if (name.charCodeAt(0) === 58) throw bad(`${name} after a field`);
    if (rules && rules.underscores !== 'allow' && name.includes('_')) {
      if (rules.underscores === 'reject') {
        rules.rejected();
        throw bad(name);
      }
      rules.dropped();
      continue;
    }
    addField(regular, name, flat[i + 1] as string);
  }
  return regular;
};

/** Whether the path carries a fragment. */
const checkPath = (path: string): boolean => {
  let fragment = false;
  for (let i = 0; i < path.length; i++) {
    const code = path.charCodeAt(i);
    if (code <= 32 || code >= 127) throw bad(':path');
    if (code === 35) fragment = true;
  }
  return fragment;
};

const isAuthority = (authority: string): boolean => {
  try {
    checkAuthority(authority);
    return true;
  } catch {
    return false;
  }
};

const refusalOf = (authority: string, fragment: boolean): HeadError | undefined => {
  if (authority === '') return new HeadError(400, 'missing_host_header');
  if (!isAuthority(authority)) return new HeadError(400, 'http.invalid_authority');
  return fragment ? new HeadError(400, 'path_normalization_failed') : undefined;
};

/** Throws MalformedError. */
export const requestFields = ({ flat, isFine }: FieldList, rules: UnderscoreRules): RequestFields => {
  if (!isFine) throw bad('characters that fields must not have');
  const { values, end } = pseudoOf(flat);
  const [method, scheme, named, path, protocol] = values;
  if (method === undefined || !isToken(method) || protocol !== undefined) throw bad(':method');
  const { flat: fields, host, contentLength } = regularOf(flat, end, rules);
  const authority = named ?? host ?? '';
  const headers = new HeaderMap(fields);
  if (method === 'CONNECT') {
    if (scheme !== undefined || path !== undefined || named === undefined) throw bad('CONNECT');
    return { method, scheme: 'http', authority, path: '', headers, contentLength, refusal: new HeadError(404, 'route_not_found') };
  }
  if (path === undefined || path === '') throw bad(':path');
  if (path === '*' && method !== 'OPTIONS') throw bad(':path');
  const fragment = checkPath(path);
  const lower = scheme?.toLowerCase();
  if (lower !== 'http' && lower !== 'https') throw bad(':scheme');
  return { method, scheme: lower, authority, path, headers, contentLength, refusal: refusalOf(authority, fragment) };
};

/** Throws MalformedError. */
export const responseFields = ({ flat, isFine }: FieldList): ResponseFields => {
  if (!isFine || flat[0] !== ':status') throw bad(':status');
  const text = flat[1] as string;
  if (!/^[1-9]\d\d$/.test(text) || text === '101') throw bad(':status');
  const { flat: fields, contentLength } = regularOf(flat, 2, undefined);
  return { status: Number(text), headers: new HeaderMap(fields), contentLength };
};

/** Throws MalformedError. */
export const trailerFields = ({ flat, isFine }: FieldList): HeaderMap => {
  if (!isFine) throw bad('characters that fields must not have');
  const kept: string[] = [];
  for (let i = 0; i < flat.length; i += 2) {
    const name = flat[i] as string;
    if (name.charCodeAt(0) === 58) throw bad(`${name} in trailers`);
    if (!FORBIDDEN_TRAILERS.has(name) && !CONNECTION_FIELDS.has(name)) kept.push(name, flat[i + 1] as string);
  }
  return kept.length === 0 ? HeaderMap.EMPTY : new HeaderMap(kept);
};

/** The fields of a head, without what belongs to the connection that brought them. wholeLength: bytes of a body that is here. */
const pushFields = (out: string[], flat: readonly string[], wholeLength: number | undefined): void => {
  let hasLength = false;
  for (let i = 0; i < flat.length; i += 2) {
    const name = flat[i] as string;
    if (name === 'content-length') {
      if (hasLength) continue;
      hasLength = true;
      out.push(name, wholeLength === undefined ? (flat[i + 1] as string) : String(wholeLength));
    } else if (name !== 'host' && !CONNECTION_FIELDS.has(name) && (name !== 'te' || flat[i + 1] === 'trailers'))
      out.push(name, flat[i + 1] as string);
  }
};

/** A request as it leaves. */
export const requestBlock = (request: HttpRequest, wholeLength: number | undefined): string[] => {
  const out = [':method', request.method, ':scheme', schemeOf(request), ':authority', request.authority, ':path', request.path];
  pushFields(out, request.headers.flat, wholeLength);
  return out;
};

/** A response as it leaves. */
export const responseBlock = ({ status, headers }: Pick<HttpResponse, 'status' | 'headers'>, wholeLength: number | undefined): string[] => {
  const out = [':status', String(status)];
  pushFields(out, headers.flat, wholeLength);
  return out;
};

/** What a head promises of its body; undefined = nothing. */
export const promisedLength = (headers: HeaderMap): number | undefined => {
  const value = headers.has('transfer-encoding') ? undefined : headers.get('content-length');
  return value === undefined ? undefined : Number(value);
};
