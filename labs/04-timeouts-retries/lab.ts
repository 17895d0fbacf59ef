/** Lab 4: how long a caller waits, how often its proxy tries again, and what that does to whoever is down already. */
import type { Lab } from '../lab.ts';

const TRIES = { kind: 'tries' } as const;

/** What reviews, or ratings behind it, is asked to do stands in the headers. */
const reviews = (headers: Readonly<Record<string, string>>, count = 1) => ({
  from: 'productpage-v1',
  url: 'http://reviews:9080/reviews/0',
  headers,
  count,
});

const SLOW = { 'rehearse-reviews': 'delay=5000' };
const STORM = { 'rehearse-ratings': 'fail=503', 'rehearse-reviews': 'strict' };

/** Timeouts and retries. */
export const timeoutsRetries: Lab = {
  id: '04-timeouts-retries',
  number: 4,
  title: 'Timeouts, and the retry that makes it worse',
  proves: 'attempts: 3 is up to four tries, layers of retries multiply, and a limit on retries at a time stops the storm.',
  minutes: 12,
  afterwards:
    'give the request of step 5 to the gateway (address /productpage): the program of productpage asks reviews twice by itself, so that one page is 32 requests to ratings',
  steps: [
    {
      id: 'timeout',
      title: 'How long is long enough?',
      apply: 'slow.yaml',
      predict: {
        kind: 'choice',
        question: 'reviews takes 5 s for its answer, and the rule allows 2 s. What does the caller get?',
        options: ['200 after 5 s', '504 after 2 s', '200 after 2 s, with half of the answer'],
        answer: 1,
      },
      send: reviews(SLOW),
      stage: TRIES,
      claims: [],
    },
    {
      id: 'attempts',
      title: 'attempts: 3',
      apply: 'retries.yaml',
      predict: {
        kind: 'count',
        question: 'Every answer of reviews is 503. How many requests reach reviews for your one?',
        max: 20,
        counted: 'reviews',
      },
      send: reviews({ 'rehearse-reviews': 'fail=503' }),
      stage: TRIES,
      claims: ['RES-RETRY-060'],
    },
    {
      id: 'per-try',
      title: 'Two seconds a try, ten in all',
      predict: {
        kind: 'choice',
        question: 'reviews takes 5 s again. When does the caller hear of it?',
        options: ['After 2 s: the first try', 'After 5 s: reviews is ready', 'After 8 s: four tries', 'After 10 s: the cap'],
        answer: 2,
      },
      send: reviews(SLOW),
      stage: TRIES,
      claims: [],
    },
    {
      id: 'no-room',
      title: 'Three seconds a try do not fit',
      apply: 'three-seconds.yaml',
      predict: {
        kind: 'choice',
        question: 'Now each try may take 3 s, and the cap is still 10 s. How does it end?',
        options: ['After 9 s, with three tries', 'After 10 s, in the middle of the fourth try', 'After 12 s, with four tries'],
        answer: 1,
      },
      send: reviews(SLOW),
      stage: TRIES,
      claims: [],
    },
    {
      id: 'storm',
      title: 'Two layers that try again',
      apply: 'storm.yaml',
      predict: {
        kind: 'count',
        question:
          'productpage tries reviews up to four times, reviews tries ratings up to four times, and ratings always fails. How many requests reach ratings for your ten?',
        max: 1000,
        counted: 'ratings',
      },
      send: reviews(STORM, 10),
      stage: TRIES,
      claims: ['RES-RETRY-060'],
    },
    {
      id: 'budget',
      title: 'One retry at a time',
      apply: 'budget.yaml',
      predict: {
        kind: 'choice',
        question: 'Each caller’s proxy may now have one retry under way at a time. The same ten requests: how many reach ratings?',
        options: ['160, as before', 'More than ten, but far fewer than 160', 'Exactly ten'],
        answer: 1,
      },
      send: reviews(STORM, 10),
      stage: TRIES,
      claims: ['RES-RETRY-061'],
    },
  ],
};
