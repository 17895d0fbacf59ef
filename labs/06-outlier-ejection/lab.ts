/** Lab 6: a host that fails again and again is left out for a while, and comes back by itself. */
import type { Lab, LabEvent } from '../lab.ts';

const EJECTIONS = { kind: 'ejections', from: 'productpage-v1', service: 'reviews' } as const;

/** Nobody else asks meanwhile: an answer of the load's would end a run of failures. meanwhile: at even distances. */
const reviews = (count: number, rehearsal: string, ...meanwhile: readonly LabEvent[]) => ({
  from: 'productpage-v1',
  url: 'http://reviews:9080/reviews/0',
  headers: rehearsal === '' ? {} : { 'rehearse-reviews': rehearsal },
  count,
  alone: true as const,
  meanwhile,
});

/** Past an ejection of thirty seconds and the next look, ten seconds later at most. */
const PAST_EJECTION = { kind: 'skip', hours: 40 / 3600 } as const;

const V1_FAILS = 'fail=503;only=v1';

/** Outlier ejection. */
export const outlierEjection: Lab = {
  id: '06-outlier-ejection',
  number: 6,
  title: 'Outlier ejection: five strikes and out',
  proves: 'Five failures in a row eject a host, for longer each time, and never more hosts than the rule allows.',
  minutes: 11,
  afterwards:
    'set maxEjectionPercent to 100, let all three fail again, and send one more: nobody is left, so the proxy itself answers 503 UH',
  steps: [
    {
      id: 'trap',
      title: 'The field that nobody reads',
      apply: 'trap.yaml',
      predict: {
        kind: 'choice',
        question: 'consecutiveErrors is 2, and v1 fails three times in a row. What becomes of v1?',
        options: ['It is ejected at its second failure', 'It is ejected at its third', 'Nothing: it stays in'],
        answer: 2,
      },
      send: reviews(9, V1_FAILS),
      stage: EJECTIONS,
      claims: [],
    },
    {
      id: 'five',
      title: 'Five strikes',
      apply: 'five.yaml',
      predict: {
        kind: 'count',
        question: 'Of your next 30 requests, each third would go to v1, which fails each time. How many will v1 get?',
        max: 30,
        counted: 'reviews-v1',
      },
      send: reviews(30, V1_FAILS),
      stage: EJECTIONS,
      claims: ['RES-EJECT-060'],
    },
    {
      id: 'back',
      title: 'Thirty seconds later',
      predict: {
        kind: 'choice',
        question: 'Half way through your 24 requests the clock goes forward by 40 seconds. How does v1 come back?',
        options: [
          'One request tries it; it comes back if that goes well',
          'By itself, at the first look after its time is over',
          'Not before you apply the rule again',
        ],
        answer: 1,
      },
      send: reviews(24, '', PAST_EJECTION),
      stage: EJECTIONS,
      claims: [],
    },
    {
      id: 'longer',
      title: 'Out again, for longer',
      predict: {
        kind: 'choice',
        question: 'v1 is ejected for 30 s, comes back, and fails five times in a row once more. For how long is it out now?',
        options: ['30 s, as before', '60 s', '5 minutes'],
        answer: 1,
      },
      send: reviews(40, V1_FAILS, PAST_EJECTION),
      stage: EJECTIONS,
      claims: ['RES-EJECT-060'],
    },
    {
      id: 'all-fail',
      title: 'When all of them fail',
      predict: {
        kind: 'choice',
        question: 'v1 is out. Now v2 and v3 fail, too, whatever they get. How many of the three are out in the end?',
        options: ['One', 'Two', 'All three'],
        answer: 0,
      },
      send: reviews(30, 'fail=503'),
      stage: EJECTIONS,
      claims: [],
    },
  ],
};
