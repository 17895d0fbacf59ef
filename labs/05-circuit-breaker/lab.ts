/** Lab 5: what a circuit breaker lets through, counted to the single request: none is answered before the learner says so. */
import type { Lab } from '../lab.ts';

const HELD = { kind: 'held' } as const;

const reviews = (count: number, from = 'productpage-v1', headers: Readonly<Record<string, string>> = { 'rehearse-reviews': 'hold' }) => ({
  from,
  url: 'http://reviews:9080/reviews/0',
  headers,
  count,
});

/** Circuit breaker. */
export const circuitBreaker: Lab = {
  id: '05-circuit-breaker',
  number: 5,
  title: 'Circuit breaker, exact, by held requests',
  proves: 'So many requests have a place, so many may wait, and the next one is refused at once: in each caller’s proxy, not over all.',
  minutes: 10,
  afterwards: 'set http1MaxPendingRequests to 1 and send six once more: predict first how many are refused',
  steps: [
    {
      id: 'seed',
      title: 'A hundred places, fifty seats',
      apply: 'seed-breaker.yaml',
      predict: {
        kind: 'count',
        question: 'You send 160 requests, and reviews answers none of them yet. How many are refused?',
        max: 160,
        counted: '',
      },
      send: reviews(160),
      stage: HELD,
      claims: [],
    },
    {
      id: 'three',
      title: 'Three places, two seats',
      apply: 'three-and-two.yaml',
      predict: {
        kind: 'count',
        question: 'Now three connections and two that may wait. Of six requests that stay open, how many are refused?',
        max: 6,
        counted: '',
      },
      send: reviews(6),
      stage: HELD,
      claims: ['RES-BREAK-060'],
    },
    {
      id: 'next',
      title: 'One is answered',
      predict: {
        kind: 'choice',
        question: 'All places and seats are taken, and one was refused. Now reviews answers the first. Who gets its place?',
        options: ['The one that was refused: it is tried again', 'The one that has waited longest', 'Whoever comes next'],
        answer: 1,
      },
      send: reviews(6),
      stage: { kind: 'held', release: 1 },
      claims: [],
    },
    {
      id: 'other',
      title: 'Another caller',
      predict: {
        kind: 'choice',
        question: 'productpage holds three places and two seats before reviews. Now details asks reviews, too. What does it get?',
        options: ['503 at once: reviews is full', 'A seat: it waits until a place is free', 'An answer, as if nobody else were there'],
        answer: 2,
      },
      send: reviews(1, 'details-v1', {}),
      stage: { kind: 'held', before: reviews(5) },
      claims: ['RES-BREAK-060'],
    },
  ],
};
