/** Keeps pages of other origins out of an API on loopback, DNS rebinding included. Source: security.md 2.14. */
import type { MiddlewareHandler } from 'hono';

const LOOPBACK_HOST = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d{1,5})?$/i;

/** What a browser or a program said about where a request comes from and goes to. */
export interface RequestEdges {
  readonly host: string | undefined;
  readonly origin: string | undefined;
  /** `sec-fetch-site`. */
  readonly site: string | undefined;
}

/** Why a request is not served; undefined when it is. */
export const refusalOf = ({ host, origin, site }: RequestEdges): string | undefined => {
  if (host === undefined || !LOOPBACK_HOST.test(host)) return 'this server answers to loopback addresses only';
  if (origin !== undefined && origin !== `http://${host}`) return 'this page belongs to another origin';
  if (site !== undefined && site !== 'same-origin' && site !== 'none') return 'this page belongs to another site';
  return undefined;
};

/** Answers 403 to what is refused. */
export const loopbackGuard: MiddlewareHandler = async (context, next) => {
  const { req } = context;
  const reason = refusalOf({ host: req.header('host'), origin: req.header('origin'), site: req.header('sec-fetch-site') });
  if (reason !== undefined) return context.json({ error: reason }, 403);
  await next();
  context.header('x-content-type-options', 'nosniff');
  context.header('cache-control', 'no-store');
};
