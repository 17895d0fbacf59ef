/** Who may change something: whoever carries the token. */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { MiddlewareHandler } from 'hono';

const NOT_AUTHORIZED = { error: 'this call changes the mesh and wants the header "authorization: Bearer <token>"' };

/** How long it takes says nothing about how much of it was right. */
const isSame = (given: string, wanted: string): boolean => {
  const [a, b] = [given, wanted].map((text) => createHash('sha256').update(text).digest());
  return a !== undefined && b !== undefined && timingSafeEqual(a, b);
};

/** Answers 401 to calls without `authorization: Bearer <token>`. */
export const tokenGuard =
  (token: string): MiddlewareHandler =>
  async (context, next) => {
    if (!isSame(context.req.header('authorization') ?? '', `Bearer ${token}`)) return context.json(NOT_AUTHORIZED, 401);
    return next();
  };
