/** Keeps hostile pages out: who may talk to this server at all, and who may change something. Source: security.md 2.14, rows B-01 to B-10. */
import { randomBytes, timingSafeEqual } from 'node:crypto';
import type { Context, MiddlewareHandler } from 'hono';
import { getCookie, setCookie } from 'hono/cookie';
import { refusalOf } from '#api/loopback.ts';

const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "font-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

const LOOPBACK_NAMES = ['127.0.0.1', 'localhost', '[::1]'];

/** The secret that turns a visitor into somebody who may change things. */
export interface Guard {
  readonly token: string;
  /** Refuses foreign Host and Origin headers; on changing methods also wants the session cookie and a JSON body. */
  readonly middleware: MiddlewareHandler;
  /** Exchanges the token for a session cookie; false when it is wrong. */
  open(context: Context, token: unknown): boolean;
  /** True when the request carries this server's session cookie. */
  isOpen(context: Context): boolean;
}

const same = (a: string, b: string): boolean => {
  const [left, right] = [Buffer.from(a), Buffer.from(b)];
  return left.length === right.length && timingSafeEqual(left, right);
};

/** port: read when a request comes, as it is known only after listening. */
export const createGuard = (port: () => number, token = randomBytes(24).toString('base64url')): Guard => {
  const cookieName = () => `dinghy_session_${port()}`;
  const hosts = () => LOOPBACK_NAMES.map((name) => `${name}:${port()}`);
  const isOpen = (context: Context) => same(getCookie(context, cookieName()) ?? '', token);

  const refusal = (context: Context): string | undefined => {
    const { method, path } = context.req;
    const header = (name: string) => context.req.header(name);
    const origin = header('origin');
    const host = header('host');
    // A link from another site may lead to a page, never to the API.
    const edges = { host, origin, site: path.startsWith('/api/') ? header('sec-fetch-site') : undefined };
    const foreign = refusalOf(edges, (named) => hosts().includes(named) && named === new URL(context.req.url).host);
    if (foreign !== undefined) return foreign;
    if (method === 'GET' || method === 'HEAD') return undefined;
    if (origin === undefined) return 'Changes come from this server’s own pages.';
    if (!(header('content-type') ?? '').startsWith('application/json')) return 'Changes are sent as application/json.';
    if (path !== '/api/session' && !isOpen(context)) return 'Open the address that the terminal printed: it carries the key for changes.';
    return undefined;
  };

  return {
    token,
    isOpen,
    open: (context, offered) => {
      if (typeof offered !== 'string' || !same(offered, token)) return false;
      setCookie(context, cookieName(), token, { httpOnly: true, sameSite: 'Strict', path: '/' });
      return true;
    },
    middleware: async (context, next) => {
      const reason = refusal(context);
      if (reason === undefined) await next();
      else context.res = context.json({ error: reason }, 403);
      const headers = context.res.headers;
      headers.set('content-security-policy', CONTENT_SECURITY_POLICY);
      headers.set('x-content-type-options', 'nosniff');
      headers.set('referrer-policy', 'no-referrer');
      headers.set('cross-origin-opener-policy', 'same-origin');
      headers.set('cross-origin-resource-policy', 'same-origin');
    },
  };
};
