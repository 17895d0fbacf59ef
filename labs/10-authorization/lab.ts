/** Lab 10: from "nobody may do anything" to exactly the calls that Bookinfo needs. */
import type { Lab } from '../lab.ts';

const VERDICT = { kind: 'verdict' } as const;

const reviews = (from: string, path = '/reviews/0', count = 1) => ({ from, url: `http://reviews:9080${path}`, headers: {}, count });

/** Authorization. */
export const authorization: Lab = {
  id: '10-authorization',
  number: 10,
  title: 'Authorization: from default deny to least privilege',
  proves: 'Once a policy allows anything, whatever no rule allows is refused, and the caller is who its certificate says.',
  minutes: 12,
  afterwards: 'add reviews to the principals of reviews-viewer, and press Check once more: it must fail, and say who got through',
  steps: [
    {
      id: 'nothing',
      title: 'Allow nothing',
      apply: 'allow-nothing.yaml',
      predict: {
        kind: 'choice',
        question: 'This policy has no rules and names nobody. Which calls to the programs of its namespace are still served?',
        options: ['All: it refuses nothing', 'Those between programs of the namespace', 'None'],
        answer: 2,
      },
      send: reviews('productpage-v1'),
      stage: VERDICT,
      claims: [],
    },
    {
      id: 'viewer',
      title: 'One caller, one method',
      apply: 'reviews-viewer.yaml',
      predict: {
        kind: 'choice',
        question: 'productpage may now GET reviews. What comes back?',
        options: [
          'A refusal: allow-nothing still stands',
          'Reviews, but v2 and v3 have no stars to show',
          'Reviews, with the stars of v2 and v3',
        ],
        answer: 1,
      },
      send: reviews('productpage-v1', '/reviews/0', 9),
      stage: VERDICT,
      claims: [],
    },
    {
      id: 'rest',
      title: 'The rest of Bookinfo',
      apply: 'the-rest.yaml',
      predict: {
        kind: 'choice',
        question: 'Whom must ratings let in, so that the page is whole again?',
        options: ['productpage', 'reviews', 'The gateway'],
        answer: 1,
      },
      send: { from: 'gateway', url: '/productpage', headers: {}, count: 6 },
      stage: VERDICT,
      claims: [],
    },
    {
      id: 'wrong-caller',
      title: 'A wrong caller',
      predict: {
        kind: 'choice',
        question: 'details asks reviews. What is it told of the reason?',
        options: ['The name of the policy', 'Four words: RBAC: access denied', 'Nothing: the connection is cut'],
        answer: 1,
      },
      send: reviews('details-v1'),
      stage: VERDICT,
      claims: [],
    },
    {
      id: 'post',
      title: 'The right caller, the wrong method',
      predict: {
        kind: 'choice',
        question: 'productpage sends a POST to reviews. Who answers, and what?',
        options: ['reviews, 200', 'reviews, 405', 'The sidecar of reviews, 403'],
        answer: 2,
      },
      send: { ...reviews('productpage-v1'), method: 'POST' },
      stage: VERDICT,
      claims: ['SEC-AUTHZ-060'],
    },
    {
      id: 'deny',
      title: 'One policy allows, another denies',
      apply: 'not-thirteen.yaml',
      predict: {
        kind: 'choice',
        question: 'productpage asks for /reviews/13: reviews-viewer allows it, not-thirteen denies it. Which one wins?',
        options: ['ALLOW: it was there first', 'DENY: it is asked first', 'ALLOW: it names the caller, so it is more exact'],
        answer: 1,
      },
      send: reviews('productpage-v1', '/reviews/13'),
      stage: VERDICT,
      claims: ['SEC-AUTHZ-061'],
    },
  ],
};
