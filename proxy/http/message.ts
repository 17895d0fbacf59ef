/** A request and a response as every room sees them, whatever the wire looked like. */
import type { Duplex } from 'node:stream';
import type { Connection } from '#system/network.ts';
import type { Body } from './body.ts';
import { HeaderMap } from './header-map.ts';

/** path: path and query exactly as received (or as rewritten); authority: the Host header's or `:authority`'s value, never also in headers. */
export interface HttpRequest {
  readonly method: string;
  readonly scheme: 'http' | 'https';
  readonly authority: string;
  readonly path: string;
  readonly headers: HeaderMap;
  readonly body: Body;
  /** Never rejects: a broken body says so itself, and the trailers are then empty. */
  readonly trailers: Promise<HeaderMap>;
  /** Present when the client asks to leave HTTP: the protocol's lower-case name (`websocket`). */
  readonly upgrade?: string;
  /** Takes interim answers (1xx but 101) to the client; absent when nobody wants them. */
  readonly onInterim?: (status: number, headers: HeaderMap) => void;
}

/** The trailers of a message that has none. */
export const NO_TRAILERS: Promise<HeaderMap> = Promise.resolve(HeaderMap.EMPTY);

/** upgraded: after a 101, the two open ends joined into one stream; body is then empty. close: the client's connection ends with this answer. */
export interface HttpResponse {
  readonly status: number;
  readonly headers: HeaderMap;
  readonly body: Body;
  readonly trailers: Promise<HeaderMap>;
  readonly upgraded?: Duplex;
  /** Our end of the upstream connection that brought it. */
  readonly via?: Pick<Connection, 'local' | 'tls'> & { readonly protocol?: 'HTTP/2' };
  readonly close?: true;
}

/** How the client came, as far as anybody says, for HTTP/1.1 itself does not: `x-forwarded-proto` where it is a scheme, as Envoy fills `:scheme`. */
export const schemeOf = (request: Pick<HttpRequest, 'headers' | 'scheme'>): string => {
  const told = request.headers.get('x-forwarded-proto');
  return told === 'https' || told === 'http' ? told : request.scheme;
};
