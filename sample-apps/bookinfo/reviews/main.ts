/** Reviews of a book, in three versions: v1 has no stars, v2 black ones, v3 red ones. v2 and v3 ask ratings. */
import type { IncomingMessage } from 'node:http';
import { rehearsalOf } from '../rehearsal.ts';
import { journeyHeaders, json, serve } from '../serve.ts';

interface Stars {
  readonly stars?: number;
  readonly color?: string;
  readonly error?: string;
}

const version = process.env.SERVICE_VERSION ?? 'v1';
const STAR_COLORS: Readonly<Record<string, string>> = { v2: 'black', v3: 'red' };
const color = STAR_COLORS[version];
/** v3's patience is shorter than v2's, as in the original application. */
const patienceMs = version === 'v3' ? 2500 : 10_000;

const TEXTS = [
  'An extremely entertaining play by Shakespeare. The slapstick humour is refreshing!',
  'Absolutely fun and entertaining. The play lacks thematic depth when compared to other plays by Shakespeare.',
];

const askRatings = async (request: IncomingMessage, id: string): Promise<Record<string, number> | undefined> => {
  try {
    const answer = await fetch(`http://ratings:9080/ratings/${id}`, {
      headers: journeyHeaders(request),
      signal: AbortSignal.timeout(patienceMs),
    });
    if (!answer.ok) return undefined;
    const { ratings } = (await answer.json()) as { ratings: Record<string, number> };
    return ratings;
  } catch {
    // Reviews without stars are better than no reviews.
    return undefined;
  }
};

const starsFor = (ratings: Record<string, number> | undefined, reviewer: string): Stars => {
  const stars = ratings?.[reviewer];
  return stars === undefined ? { error: 'Ratings service is currently unavailable' } : { stars, color: color ?? '' };
};

serve('reviews', async (request, path) => {
  if (path === '/health') return json(200, { status: 'Reviews is healthy' });
  const id = /^\/reviews\/(\d{1,9})$/.exec(path)?.[1];
  if (id === undefined) return json(404, { error: 'not found' });
  const ratings = color === undefined ? undefined : await askRatings(request, id);
  // With `rehearse-reviews: strict` no stars are no reviews, as in programs that cannot do without what they call.
  if (color !== undefined && ratings === undefined && rehearsalOf(request, 'reviews', version).strict)
    return json(503, { error: 'Ratings service is currently unavailable' });
  const reviews = TEXTS.map((text, index) => {
    const reviewer = `Reviewer${index + 1}`;
    return color === undefined ? { reviewer, text } : { reviewer, text, rating: starsFor(ratings, reviewer) };
  });
  return json(200, { id, podname: `reviews-${version}`, clustername: 'null', version, reviews });
});
