/** Lab 7: who gets the next request: four algorithms on one tape, then two of them on the mesh. */
import type { Lab } from '../lab.ts';

const reviews = (count: number, headers: Readonly<Record<string, string>> = {}) => ({
  from: 'productpage-v1',
  url: 'http://reviews:9080/reviews/0',
  headers,
  count,
  alone: true as const,
});

/** Load balancing. */
export const loadBalancing: Lab = {
  id: '07-load-balancing',
  number: 7,
  title: 'Load balancing: four algorithms, one tape',
  proves: 'Round robin counts turns, least request counts what is under way, and a hash keeps users where they are.',
  minutes: 10,
  afterwards: 'send the requests of step 3 as other users, and find one that goes to another version',
  steps: [
    {
      id: 'race',
      title: 'One slow host',
      predict: {
        kind: 'choice',
        question: 'Four hosts, and one of them takes four times as long. Which algorithm lets the fewest requests wait?',
        options: ['ROUND_ROBIN: everybody gets the same', 'RANDOM: nothing is predictable', 'LEAST_REQUEST: it looks at what is under way'],
        answer: 2,
      },
      send: reviews(12),
      stage: { kind: 'race', shows: 'race' },
      claims: [],
    },
    {
      id: 'turns',
      title: 'Round robin on the mesh',
      apply: 'round-robin.yaml',
      predict: { kind: 'count', question: 'Of your next 30 requests, how many will v1 answer?', max: 30, counted: 'reviews-v1' },
      send: reviews(30),
      stage: { kind: 'versions' },
      claims: ['LB-RR-060'],
    },
    {
      id: 'sticky',
      title: 'The same user, the same host',
      apply: 'sticky.yaml',
      predict: {
        kind: 'choice',
        question: 'Twenty requests carry end-user: jason. How many of the three versions answer?',
        options: ['One', 'Two', 'All three'],
        answer: 0,
      },
      send: reviews(20, { 'end-user': 'jason' }),
      stage: { kind: 'versions' },
      claims: ['LB-HASH-060'],
    },
    {
      id: 'leaves',
      title: 'A host leaves',
      predict: {
        kind: 'choice',
        question: 'One of four hosts leaves. What becomes of the users of the other three?',
        options: ['All are dealt anew', 'Most stay where they are', 'None is moved, and those of the lost host fail'],
        answer: 1,
      },
      send: reviews(20, { 'end-user': 'jason' }),
      stage: { kind: 'race', shows: 'leaving' },
      claims: ['LB-HASH-060'],
    },
  ],
};
