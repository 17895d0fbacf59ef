/** Lab 3: a rule that looks at a header. */
import type { Lab } from '../lab.ts';

const reviews = (headers: Readonly<Record<string, string>>, count: number) => ({
  from: 'productpage-v1',
  url: 'http://reviews:9080/reviews/0',
  headers,
  count,
});

/** Header routing. */
export const headerRouting: Lab = {
  id: '03-header-routing',
  number: 3,
  title: 'Header routing: beta testers first',
  proves: 'The first rule that matches decides, and exact means exact.',
  minutes: 8,
  afterwards: 'change exact to prefix, and press Check once more: the last step must fail',
  steps: [
    {
      id: 'beta',
      title: 'Ask as a beta tester',
      apply: 'beta-testers.yaml',
      predict: {
        kind: 'count',
        question: 'Ten requests carry user-type: beta-tester. How many will v2 answer?',
        max: 10,
        counted: 'reviews-v2',
      },
      send: reviews({ 'user-type': 'beta-tester' }, 10),
      stage: { kind: 'versions' },
      claims: [],
    },
    {
      id: 'typo',
      title: 'Ask with a small mistake',
      predict: {
        kind: 'choice',
        question: 'Twenty requests carry user_type: beta-tester, with an underscore. Which rule decides?',
        options: ['The first: it is nearly right', 'The last: 90 and 10', 'None: the answer is an error'],
        answer: 1,
      },
      send: reviews({ user_type: 'beta-tester' }, 20),
      stage: { kind: 'versions' },
      claims: [],
    },
    {
      id: 'exact',
      title: 'Exact means exact',
      predict: {
        kind: 'choice',
        question: 'Now the value is beta-tester-2. Which rule decides?',
        options: ['The first: the value begins with beta-tester', 'The last: the value is another'],
        answer: 1,
      },
      send: reviews({ 'user-type': 'beta-tester-2' }, 20),
      stage: { kind: 'versions' },
      claims: ['TRAF-MATCH-001'],
    },
  ],
};
