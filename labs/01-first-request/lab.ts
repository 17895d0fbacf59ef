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
  afterwards:
    'send a request to an address that does not exist, such as http://reviews:9080/nothing, and see which of the two proxies answers',
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
      stage: { kind: 'hops' },
      claims: ['TRAF-HOP-001'],
    },
    {
      id: 'front-door',
      title: 'Come in through the front door',
      predict: {
        kind: 'choice',
        question: 'A request comes in through the gateway. How many proxies does it pass before the program of productpage reads it?',
        options: [
          'One: the gateway',
          'Two: the gateway, then the one beside productpage',
          'Three: the gateway, then the one beside productpage, twice',
        ],
        answer: 1,
      },
      send: { from: 'gateway', url: '/productpage', headers: {}, count: 1 },
      stage: { kind: 'hops' },
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
      stage: { kind: 'hops' },
      claims: [],
    },
    {
      id: 'three-versions',
      title: 'Three versions behind one name',
      predict: {
        kind: 'count',
        question: 'Nothing says which version to use. Of 30 requests to reviews, how many will v1 answer?',
        max: 30,
        counted: 'reviews-v1',
      },
      send: { ...reviews, count: 30 },
      stage: { kind: 'versions' },
      claims: ['TRAF-SUBSET-001'],
    },
  ],
};
