/** Lab 9: what STRICT does to a client that has no sidecar. */
import type { Lab } from '../lab.ts';

const outsider = { from: 'outside', url: 'http://reviews-v2:9080/reviews/0', headers: {}, count: 1 };

/** STRICT and the client outside. */
export const strict: Lab = {
  id: '09-strict',
  number: 9,
  title: 'STRICT breaks the client outside',
  proves: 'STRICT refuses plain text before a request is read, and the mesh’s own calls go on.',
  minutes: 9,
  afterwards:
    'in the last step, call http://reviews-v1:9080/reviews/0 from outside: the exception is for one workload, and v1 must refuse you',
  steps: [
    {
      id: 'served',
      title: 'A client without a sidecar',
      predict: {
        kind: 'choice',
        question: 'A program outside the mesh calls reviews-v2 by its address, in plain text. Nothing is configured. What does it get?',
        options: ['200, and the reviews', '403: it has no identity', 'No answer: the connection is cut'],
        answer: 0,
      },
      send: outsider,
      stage: { kind: 'outsider', expects: 'answer' },
      claims: [],
    },
    {
      id: 'strict',
      title: 'Only mutual TLS, please',
      apply: 'strict.yaml',
      predict: {
        kind: 'choice',
        question: 'The same program calls again. What does it get under STRICT?',
        options: ['403 with “RBAC: access denied”', '503 from the proxy', 'No status and no body: the connection is cut'],
        answer: 2,
      },
      send: outsider,
      stage: { kind: 'outsider', expects: 'refusal' },
      claims: ['SEC-MTLS-061'],
    },
    {
      id: 'inside',
      title: 'And the calls of the mesh?',
      predict: {
        kind: 'choice',
        question: 'productpage calls reviews 20 times, under STRICT. How many calls are answered?',
        options: ['None, until its program learns TLS', 'Some, until old connections have gone', 'All'],
        answer: 2,
      },
      send: { from: 'productpage-v1', url: 'http://reviews:9080/reviews/0', headers: {}, count: 20 },
      stage: { kind: 'versions' },
      claims: [],
    },
    {
      id: 'exception',
      title: 'A way out for one port',
      apply: 'exception.yaml',
      predict: {
        kind: 'choice',
        question:
          'One more rule: reviews-v2, port 9080, PERMISSIVE. STRICT for the namespace stays. Which one decides about a call to reviews-v2?',
        options: ['STRICT: the strictest rule wins', 'The one for the port: the narrowest rule wins', 'The older one'],
        answer: 1,
      },
      send: outsider,
      stage: { kind: 'outsider', expects: 'answer' },
      claims: ['SEC-MTLS-061'],
    },
  ],
};
