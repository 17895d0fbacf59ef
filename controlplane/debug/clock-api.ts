/** Puts the control plane's time forward, for meshes in which people want to see what takes hours: `POST /clock {"advanceMs": N}`; `GET /clock` tells how far it is. */

import type { MiddlewareHandler } from 'hono';
import { Hono } from 'hono';

/** Where the clock is the machine's there is no such page. */
export interface ClockApiOptions {
  /** Gives how far it is ahead afterwards, milliseconds. */
  readonly shift: (ms: number) => number;
  /** Lets only those through that may change something. */
  readonly guard: MiddlewareHandler;
}

const MOST_MS = 366 * 86_400_000;

const isStep = (value: unknown): value is number => typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= MOST_MS;

/** Routes: GET and POST /clock. */
export const createClockApi = ({ shift, guard }: ClockApiOptions): Hono => {
  const api = new Hono();
  api.get('/clock', (context) => context.json({ aheadMs: shift(0) }));
  api.post('/clock', guard, async (context) => {
    const body: unknown = await context.req.json().catch(() => undefined);
    const advanceMs = typeof body === 'object' && body !== null && 'advanceMs' in body ? body.advanceMs : undefined;
    if (!isStep(advanceMs)) return context.json({ error: `expected {"advanceMs": whole milliseconds, at most ${MOST_MS}}` }, 400);
    return context.json({ aheadMs: shift(advanceMs) });
  });
  return api;
};
