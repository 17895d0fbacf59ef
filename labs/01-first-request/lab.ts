/** Lab 1: what happens to one request on its way through two proxies. */
import type { Lab } from '../lab.ts';

const reviews = { from: 'productpage-v1', url: 'http://reviews:9080/reviews/0', headers: {}, count: 1 };

/** First request through two proxies. */
export const firstRequest: Lab = {
  id: '01-first-request',
  number: 1,
  title: 'First request through two proxies',
  proves: 'A call between two services passes two proxies, and neither program knows.',
  minutes: 8,
  steps: [
    {
      id: 'one-request',
      title: 'Send one request',
      predict: {
        kind: 'choice',
        question: 'productpage calls http://reviews:9080. How many proxies does that one call pass?',
        options: [
          'None: it is a plain HTTP call',
          'One, in front of reviews',
          'Two: one beside each program',
          'Three: there is one in the middle',
        ],
        answer: 2,
      },
      send: reviews,
      stage: 'hops',
      claims: [],
    },
    {
      id: 'front-door',
      title: 'Come in through the front door',
      predict: {
        kind: 'choice',
        question: 'Now load the whole page from outside. Which program does the gateway run?',
        options: ['productpage', 'None: a gateway is a proxy with no program beside it', 'A copy of each service'],
        answer: 1,
      },
      send: { from: 'gateway', url: '/productpage', headers: {}, count: 1 },
      stage: 'hops',
      claims: [],
    },
    {
      id: 'who-decided',
      title: 'Find out who decided',
      predict: {
        kind: 'choice',
        question: 'Who chose the address that the request went to?',
        options: [
          'productpage, by asking DNS',
          'The proxy beside productpage',
          'The proxy beside reviews',
          'The control plane, for each request',
        ],
        answer: 1,
      },
      send: reviews,
      stage: 'hops',
      claims: [],
    },
    {
      id: 'three-versions',
      title: 'Three versions behind one name',
      predict: {
        kind: 'choice',
        question: 'Nothing says which version to use. Thirty requests to reviews: who answers?',
        options: ['v1 only, it is the first', 'v3 only, it is the newest', 'All three'],
        answer: 2,
      },
      send: { ...reviews, count: 30 },
      stage: 'versions',
      claims: ['TRAF-SUBSET-001'],
    },
  ],
};
