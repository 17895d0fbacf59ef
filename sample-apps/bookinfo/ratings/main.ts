/**
 * Stars of a book, kept in memory. SERVICE_VERSION makes it misbehave, to practise on:
 * `v-faulty` fails half of the requests, `v-delayed` takes 7 s for half, `v-unavailable` answers 503 for a minute in every two, `v-unhealthy` does so and says so at /health.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { json, type Reply, readBody, serve } from '../serve.ts';
import { startSpan } from './tracing.ts';

const version = process.env.SERVICE_VERSION ?? 'v1';
const stars = new Map<number, Record<string, number>>();
const startedAt = Date.now();

const isDown = (): boolean => Math.floor((Date.now() - startedAt) / 60_000) % 2 === 1;

const ratingsOf = (id: number) => ({ id, ratings: stars.get(id) ?? { Reviewer1: 5, Reviewer2: 4 } });

const misbehave = async (): Promise<Reply | undefined> => {
  if (version === 'v-faulty' && Math.random() < 0.5) return json(500, { error: 'Service unavailable' });
  if (version === 'v-delayed' && Math.random() < 0.5) await sleep(7000);
  if ((version === 'v-unavailable' || version === 'v-unhealthy') && isDown()) return json(503, { error: 'Service unavailable' });
  return undefined;
};

const parseRatings = (text: string): Record<string, number> | undefined => {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== 'object' || value === null || !Object.values(value).every((count) => typeof count === 'number')) return undefined;
    return value as Record<string, number>;
  } catch {
    return undefined;
  }
};

serve('ratings', async (request, path) => {
  if (path === '/health') {
    return version === 'v-unhealthy' && isDown()
      ? json(500, { status: 'Ratings is not healthy' })
      : json(200, { status: 'Ratings is healthy' });
  }
  const id = /^\/ratings\/(\d{1,9})$/.exec(path)?.[1];
  if (id === undefined) return json(path.startsWith('/ratings/') ? 400 : 404, { error: 'please provide numeric product ID' });
  const span = await startSpan(request.headers);
  try {
    if (request.method === 'POST') {
      const ratings = parseRatings(await readBody(request));
      if (ratings === undefined) return json(400, { error: 'please provide valid ratings JSON' });
      stars.set(Number(id), ratings);
    }
    return (await misbehave()) ?? json(200, ratingsOf(Number(id)));
  } finally {
    span.finish();
  }
});
