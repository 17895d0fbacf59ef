/** Lab 11: every certificate is replaced, and then the root under them, while requests go on. */
import type { Lab, LabEvent } from '../lab.ts';

const CERTIFICATES = { kind: 'certificates' } as const;

/** The page of Bookinfo, opened from outside; meanwhile: at even distances. */
const pages = (count: number, ...meanwhile: readonly LabEvent[]) => ({
  from: 'gateway',
  url: '/productpage',
  headers: {},
  count,
  meanwhile,
});

/** Past everybody's moment: a certificate of a day is replaced after 10.8 to 13.2 hours. */
const PAST_RENEWAL = { kind: 'skip', hours: 14 } as const;

/** Certificate rotation. */
export const rotation: Lab = {
  id: '11-rotation',
  number: 11,
  title: 'Certificates rotate under load',
  proves: 'Certificates are replaced long before they end, roots one after another, and no request is lost.',
  minutes: 10,
  afterwards:
    'run "npx dinghy clock skip 30h", longer than a certificate lives: everybody fails closed for a moment and comes back by a new token',
  steps: [
    {
      id: 'lives',
      title: 'Seven certificates',
      predict: {
        kind: 'choice',
        question: 'A certificate lives 24 hours here. When does its workload ask for the next one?',
        options: ['When it has ended', 'When about half of its life is over', 'One hour before its end'],
        answer: 1,
      },
      send: pages(3),
      stage: CERTIFICATES,
      claims: [],
    },
    {
      id: 'one-hour',
      title: 'One hour passes',
      predict: {
        kind: 'choice',
        question: 'The clock of the whole mesh goes forward by one hour. How many of the seven certificates are replaced?',
        options: ['None', 'About half of them', 'All'],
        answer: 0,
      },
      send: pages(20, { kind: 'skip', hours: 1 }),
      stage: CERTIFICATES,
      claims: [],
    },
    {
      id: 'half-life',
      title: 'Fourteen hours pass, under load',
      predict: {
        kind: 'count',
        question: 'All seven certificates are replaced while 100 pages are opened. How many of the 100 fail?',
        max: 100,
        counted: '',
      },
      send: pages(100, PAST_RENEWAL),
      stage: CERTIFICATES,
      claims: ['SEC-ROT-060'],
    },
    {
      id: 'begin',
      title: 'A second root',
      predict: {
        kind: 'choice',
        question: 'A second root is made and everybody is told to trust it, too. Who signs the next certificate?',
        options: ['The new root', 'Still the old one', 'Both'],
        answer: 1,
      },
      send: pages(40, { kind: 'rotate', step: 'begin' }),
      stage: CERTIFICATES,
      claims: [],
    },
    {
      id: 'switch',
      title: 'The new root signs',
      predict: {
        kind: 'choice',
        question: 'Now the new root signs. What becomes of the certificates under the old one?',
        options: ['They are refused at once', 'They stay good until they are replaced', 'They are signed again at once'],
        answer: 1,
      },
      send: pages(100, { kind: 'rotate', step: 'switch' }, PAST_RENEWAL),
      stage: CERTIFICATES,
      claims: [],
    },
    {
      id: 'finish',
      title: 'The old root goes',
      predict: {
        kind: 'count',
        question: 'The old root is trusted no more. Of 60 pages opened meanwhile, how many fail?',
        max: 60,
        counted: '',
      },
      send: pages(60, { kind: 'rotate', step: 'finish' }),
      stage: CERTIFICATES,
      claims: ['SEC-ROT-060'],
    },
  ],
};
