/** What the pictures of resilience are made from: ways of requests with their tries, held requests, and breakers. */
import { Hono } from 'hono';
import type { TrafficLog } from '#observability';
import { readBody } from '../http/body.ts';
import type { LiveMesh } from '../live-mesh.ts';
import { OrderError, type Sender, type SendOrder } from '../sender.ts';
import type { HeldRequests } from './held.ts';
import { readOutliers } from './outliers.ts';
import { waysOf } from './ways.ts';

/** What these calls need. */
export interface ResilienceRoom {
  readonly mesh: LiveMesh;
  readonly log: TrafficLog;
  readonly sender: Sender;
  readonly held: HeldRequests;
  /** Reads an order out of a body. */
  readonly orderOf: (body: Readonly<Record<string, unknown>>) => SendOrder;
}

/** POST /ways {"ids": […]}; GET and POST /held; POST /held/release {"count": N}; POST /held/clear; GET /outliers/FROM/SERVICE. */
export const resilienceRoutes = (room: ResilienceRoom): Hono => {
  const routes = new Hono();
  const { held } = room;
  routes.post('/ways', async (context) => {
    const { ids } = await readBody(context.req);
    if (!Array.isArray(ids)) throw new OrderError('Which requests? A list of ids is wanted.');
    return context.json(await waysOf(room, ids.map(String)));
  });
  routes.get('/held', async (context) => context.json(await held.view()));
  routes.post('/held', async (context) => context.json(await held.add(room.orderOf(await readBody(context.req)))));
  routes.post('/held/release', async (context) => {
    const count = Number((await readBody(context.req)).count ?? 1);
    if (!Number.isInteger(count) || count < 1) throw new OrderError('How many are to be released? At least one.');
    return context.json(await held.release(count));
  });
  routes.get('/outliers/:from/:service', async (context) =>
    context.json(await readOutliers(room.mesh, context.req.param('from'), context.req.param('service'))),
  );
  routes.post('/held/clear', async (context) => context.json(await held.clear()));
  return routes;
};
