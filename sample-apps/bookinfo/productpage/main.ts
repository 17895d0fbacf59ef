/** The page of a book: asks details and reviews, and shows what it got. */
import type { IncomingMessage } from 'node:http';
import { html, journeyHeaders, json, type Reply, readBody, serve } from '../serve.ts';
import type { Details, Reviews } from './pages.ts';
import { loginPage, productPage } from './pages.ts';

const PATIENCE_MS = 3000;
/** As in the original: reviews gets a second chance, details does not. */
const REVIEW_TRIES = 2;

type Outcome<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly status: number; readonly error: string };

const ask = async <T>(url: string, headers: Record<string, string>): Promise<Outcome<T>> => {
  try {
    const answer = await fetch(url, { headers, signal: AbortSignal.timeout(PATIENCE_MS) });
    return answer.ok ? { ok: true, value: (await answer.json()) as T } : { ok: false, status: answer.status, error: await answer.text() };
  } catch {
    return { ok: false, status: 500, error: 'no answer' };
  }
};

const askReviews = async (id: string, headers: Record<string, string>): Promise<Outcome<Reviews>> => {
  let outcome: Outcome<Reviews> = { ok: false, status: 500, error: 'not asked' };
  for (let tries = 0; tries < REVIEW_TRIES && !outcome.ok; tries++)
    outcome = await ask<Reviews>(`http://reviews:9080/reviews/${id}`, headers);
  return outcome;
};

const userOf = (request: IncomingMessage): string | undefined => {
  const user = /(?:^|;\s*)session=([\w.-]{1,64})/.exec(request.headers.cookie ?? '')?.[1];
  return user;
};

const headersFor = (request: IncomingMessage): Record<string, string> => {
  const user = userOf(request);
  return user === undefined ? journeyHeaders(request) : { ...journeyHeaders(request), 'end-user': user };
};

const page = async (request: IncomingMessage): Promise<Reply> => {
  const headers = headersFor(request);
  const [details, reviews] = await Promise.all([ask<Details>('http://details:9080/details/0', headers), askReviews('0', headers)]);
  return html(
    200,
    productPage({
      user: userOf(request),
      details: details.ok ? details.value : undefined,
      reviews: reviews.ok ? reviews.value : undefined,
    }),
  );
};

const login = async (request: IncomingMessage): Promise<Reply> => {
  const user = new URLSearchParams(await readBody(request)).get('username')?.match(/^[\w.-]{1,64}$/)?.[0];
  if (user === undefined) return html(400, loginPage('Letters, digits, dot and dash only.'));
  return html(303, '', { location: '/productpage', 'set-cookie': `session=${user}; Path=/; HttpOnly; SameSite=Lax` });
};

const api = async (request: IncomingMessage, path: string): Promise<Reply> => {
  const [, id, part] = /^\/api\/v1\/products(?:\/(\d{1,9})(?:\/(reviews|ratings))?)?$/.exec(path) ?? ['', undefined, undefined];
  const headers = headersFor(request);
  if (id === undefined) return json(200, [{ id: 0, title: 'The Comedy of Errors' }]);
  if (part === 'reviews') return relay(await askReviews(id, headers), 'Sorry, product reviews are currently unavailable for this book.');
  if (part === 'ratings')
    return relay(
      await ask(`http://ratings:9080/ratings/${id}`, headers),
      'Sorry, product ratings are currently unavailable for this book.',
    );
  return relay(await ask(`http://details:9080/details/${id}`, headers), 'Sorry, product details are currently unavailable for this book.');
};

const relay = (outcome: Outcome<unknown>, sorry: string): Reply =>
  outcome.ok ? json(200, outcome.value) : json(outcome.status, { error: sorry });

serve('productpage', (request, path) => {
  if (path === '/health') return html(200, 'Product page is healthy');
  if (path === '/' || path === '/productpage') return page(request);
  if (path === '/login') return request.method === 'POST' ? login(request) : html(200, loginPage());
  if (path === '/logout') return html(303, '', { location: '/productpage', 'set-cookie': 'session=; Path=/; Max-Age=0' });
  if (path.startsWith('/api/v1/products')) return api(request, path);
  return html(404, 'not found');
});
