/** Keeps pages of other origins out of an API on loopback, DNS rebinding included. Source: security.md 2.14. */
import type { MiddlewareHandler } from 'hono';
import { refusalOf } from '#api/loopback.ts';

/** Answers 403 to what is refused. */
export const loopbackGuard: MiddlewareHandler = async (context, next) => {
  const { req } = context;
  const reason = refusalOf({ host: req.header('host'), origin: req.header('origin'), site: req.header('sec-fetch-site') });
  if (reason !== undefined) return context.json({ error: reason }, 403);
  await next();
  context.header('x-content-type-options', 'nosniff');
  context.header('cache-control', 'no-store');
};
