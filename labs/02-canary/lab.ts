/** Lab 2: a 90/10 split, and why ten requests are not nine and one. */
import type { Lab } from '../lab.ts';

const reviews = (count: number) => ({ from: 'productpage-v1', url: 'http://reviews:9080/reviews/0', headers: {}, count });

const TENTH = { kind: 'chance', of: 'reviews-v2', share: 0.1, among: ['reviews-v1', 'reviews-v2'] } as const;

/** Canary 90/10. */
export const canary: Lab = {
  id: '02-canary',
  number: 2,
  title: 'Canary 90/10, and why your ten requests were not 9 and 1',
  proves: 'A weight is a chance for each request, not a quota.',
  minutes: 10,
  afterwards: 'make it 50 and 50, send two hundred, and press Check once more: it must fail, and say by how much',
  steps: [
    {
      id: 'apply',
      title: 'Send a tenth of the traffic to v2',
      apply: 'canary.yaml',
      predict: {
        kind: 'choice',
        question: 'After this change, how much traffic will reach v3?',
        options: ['About as much as before', 'A tenth', 'None'],
        answer: 2,
      },
      send: reviews(20),
      stage: { kind: 'versions' },
      claims: [],
    },
    {
      id: 'ten',
      title: 'Ten requests',
      predict: { kind: 'count', question: 'Of your next 10 requests, how many will v2 answer?', max: 10, counted: 'reviews-v2' },
      send: reviews(10),
      stage: TENTH,
      claims: [],
    },
    {
      id: 'two-hundred',
      title: 'Two hundred requests',
      predict: { kind: 'count', question: 'Of your next 200 requests, how many will v2 answer?', max: 200, counted: 'reviews-v2' },
      send: reviews(200),
      stage: TENTH,
      claims: [],
    },
    {
      id: 'proof',
      title: 'Three thousand, and a verdict',
      predict: {
        kind: 'choice',
        question: 'One connection stays open for many requests. Can its requests go to different versions?',
        options: ['No: the connection goes to one version', 'Yes: each request is drawn on its own'],
        answer: 1,
      },
      send: reviews(100),
      stage: TENTH,
      claims: ['TRAF-WEIGHT-001'],
    },
  ],
};
