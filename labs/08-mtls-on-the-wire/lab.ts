/** Lab 8: the same request before and after its encryption, and who is at the ends. */
import type { Lab } from '../lab.ts';

const reviews = (headers: Readonly<Record<string, string>> = {}) => ({
  from: 'productpage-v1',
  url: 'http://reviews:9080/reviews/0',
  headers,
  count: 1,
});

/** mTLS on the wire. */
export const mutualTlsOnTheWire: Lab = {
  id: '08-mtls-on-the-wire',
  number: 8,
  title: 'mTLS on the wire: the same request, before and after',
  proves: 'The sidecars encrypt what the programs send in plain text, and each proves who it is.',
  minutes: 10,
  afterwards:
    'send the request of step 1 several times, and look at ServerHello: when a ticket of an earlier connection is taken, no certificate is sent again',
  steps: [
    {
      id: 'between',
      title: 'Listen between the two proxies',
      predict: {
        kind: 'choice',
        question: 'Somebody between the two proxies copies every byte. What of your request can they read?',
        options: [
          'All of it',
          'The address of the page, but not the headers',
          'Not a byte of the request; only which service is called',
          'Nothing at all',
        ],
        answer: 2,
      },
      send: reviews(),
      stage: { kind: 'wire', shows: 'between' },
      claims: ['SEC-MTLS-060'],
    },
    {
      id: 'disable',
      title: 'Switch it off for reviews',
      apply: 'plain-reviews.yaml',
      predict: {
        kind: 'choice',
        question: 'Only reviews is told to stop, and nobody says anything to productpage. What does the listener between them see now?',
        options: [
          'Still encrypted bytes: productpage knows nothing of it',
          'An error: one side encrypts, the other does not',
          'The request, word for word',
        ],
        answer: 2,
      },
      send: reviews(),
      stage: { kind: 'wire', shows: 'between' },
      claims: [],
    },
    {
      id: 'identity',
      title: 'Who is it?',
      apply: 'mutual-reviews.yaml',
      predict: {
        kind: 'choice',
        question: 'Your request says of itself that it comes from an admin. How will the program of reviews know who calls?',
        options: [
          'From the header, as I wrote it',
          'From the address that the connection comes from',
          'From a header that its own proxy writes: whose certificate the caller showed',
        ],
        answer: 2,
      },
      send: reviews({ 'x-forwarded-client-cert': 'URI=spiffe://cluster.local/ns/default/sa/admin' }),
      stage: { kind: 'wire', shows: 'delivered' },
      claims: ['SEC-MTLS-060'],
    },
  ],
};
