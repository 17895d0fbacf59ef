/** Cookies that keep a client with one host: read, and made for who has none. Source: config.route.v3.RouteAction.HashPolicy.Cookie. */
import { inField, refuseUnsupported } from '#api/config-error.ts';
import type { RouteAction } from '#envoy';
import type { SocketAddress } from '#system/network.ts';
import { hex, xxh64 } from '#system/xxh64.ts';
import type { HttpRequest } from '../http/message.ts';
import type { StreamInfo } from '../http/stream-info.ts';
import { asBytes } from '../http/string-match.ts';

/** A cookie, and how one is made. */
export interface CookiePolicy {
  readonly name: string;
  /** 0 = until the browser is closed; undefined = none is made. */
  readonly ttlSeconds: number | undefined;
  /** What stands behind name and value of one that is made. */
  readonly attributes: string;
}

type Specifier = NonNullable<RouteAction['hashPolicy'][number]['policySpecifier']>;
type Cookie = Extract<Specifier, { $case: 'cookie' }>['value'];

const attributesOf = ({ path, attributes }: Cookie, ttlSeconds: number): string => {
  const parts = [
    ...(ttlSeconds > 0 ? [`Max-Age=${ttlSeconds}`] : []),
    ...(path === '' ? [] : [`Path=${path}`]),
    ...attributes.map(({ name, value }) => (value === '' ? name : `${name}=${value}`)),
    'HttpOnly',
  ];
  return parts.map((part) => `; ${part}`).join('');
};

/** Throws ConfigError with a path relative to the cookie. */
export const compileCookie = (cookie: Cookie): CookiePolicy => {
  refuseUnsupported(cookie, { read: ['name', 'ttl', 'path', 'attributes'] });
  for (const [index, attribute] of cookie.attributes.entries())
    inField(`attributes[${index}]`, () => refuseUnsupported(attribute, { read: ['name', 'value'] }));
  const ttlSeconds = cookie.ttl?.seconds;
  return { name: asBytes(cookie.name), ttlSeconds, attributes: asBytes(attributesOf(cookie, ttlSeconds ?? 0)) };
};

const unquoted = (value: string): string => (/^".*"$/s.test(value) ? value.slice(1, -1) : value);

/** Of several the first; empty when there is none. */
export const cookieValue = ({ headers }: HttpRequest, name: string): string => {
  const { flat } = headers;
  for (let i = 0; i < flat.length; i += 2) {
    if (flat[i] !== 'cookie') continue;
    for (const pair of (flat[i + 1] as string).split(';')) {
      const equals = pair.indexOf('=');
      if (equals > 0 && pair.slice(0, equals).trim() === name) return unquoted(pair.slice(equals + 1).trim());
    }
  }
  return '';
};

const written = ({ address, port }: SocketAddress): string => (address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`);

/** The same for all requests of a connection: those that race each other get the same cookie. */
export const madeValue = ({ downstream }: StreamInfo): string => hex(xxh64(written(downstream.remote) + written(downstream.local)));

/** Value of `set-cookie`. */
export const setCookie = ({ name, attributes }: CookiePolicy, value: string): string => `${name}="${value}"${attributes}`;
