import { expect, test } from 'vitest';
import { LABS, type Lab, type LabStep } from '#labs';
import { chooseLab, chooseStep } from './lab-place.ts';
import { openLabSite } from './lab-site.ts';
import { nextWords, plain, stepWords, textOf, verdictWords } from './lab-words.ts';

const place = (lab: string, step: string): readonly [Lab, LabStep] => {
  const chosen = chooseLab(LABS, lab, {});
  return [chosen, chooseStep(chosen, step, {})];
};

test('a lab goes by its folder, its name and its number', () => {
  for (const word of ['02-canary', 'canary', '2']) expect(chooseLab(LABS, word, {}).id).toBe('02-canary');
});

test('an unknown lab is answered with the nearest names, and with all when none is near', () => {
  expect(() => chooseLab(LABS, 'canry', {})).toThrow('no lab called canry; did you mean 02-canary?');
  expect(() => chooseLab(LABS, 'gardening', {})).toThrow('there are 01-first-request, 02-canary, 03-header-routing');
});

test('an unknown step is answered with the steps of its lab', () => {
  expect(() => place('2', 'apply-it')).toThrow('no step called apply-it; did you mean apply?');
});

test('without a name it is the first lab, and in it the first step, that is not done', () => {
  const sent = { predicted: 0, rounds: [{ 'reviews-v1': 1 }], checked: true };
  const done = Object.fromEntries((LABS[0]?.steps ?? []).map(({ id }) => [`01-first-request#${id}`, sent]));
  const lab = chooseLab(LABS, undefined, { ...done, '02-canary#apply': sent });
  expect([lab.id, chooseStep(lab, undefined, { '02-canary#apply': sent }).id]).toEqual(['02-canary', 'ten']);
});

test('every step of every lab has its text, and none shows its answer before it was sent', () => {
  for (const lab of LABS)
    for (const step of lab.steps) {
      const { do: text, why, hints } = textOf(lab, step).step;
      expect([text !== '', why !== '', hints.length]).toEqual([true, true, 3]);
      expect(stepWords(lab, step, { predicted: 0 })).not.toContain(plain(why).slice(0, 60));
      expect(stepWords(lab, step, { predicted: 0, rounds: [{ 'reviews-v1': 1 }] })).toContain(plain(why).slice(0, 60));
    }
});

test('the next command is told at each turn: answer, apply and observe, prove, go on', () => {
  const [lab, step] = place('2', 'apply');
  expect(nextWords(lab, step, undefined)).toContain('lab predict 2 ANSWER --step apply');
  expect(nextWords(lab, step, { predicted: 2 })).toContain('apply -f labs/02-canary/canary.yaml && npx dinghy lab observe 2 --step apply');
  expect(nextWords(lab, step, { predicted: 2, rounds: [{}] })).toContain('lab start 2 --step ten');
  expect(nextWords(...place('2', 'proof'), { predicted: 1, rounds: [{}] })).toContain('lab check 2');
});

test('Markdown becomes plain text, and what looks like a name stays as it is', () => {
  expect(plain('A _canary_ is **new**: see [the page](/mesh), `user_type` and a_b_c.\n\n@quote proxy/x.ts#pick')).toBe(
    'A canary is new: see the page, `user_type` and a_b_c.\n\nSee pick in proxy/x.ts.',
  );
});

test('a failed check ends with its nearest cause', () => {
  const verdicts = [{ id: 'TRAF-WEIGHT-001', passed: false, reason: 'expected 0.9', ms: 1 }];
  const words = verdictWords({ passed: false, verdicts, causes: ['reviews-route is not there'], answered: { 'reviews-v1': 1 } });
  expect(words.endsWith('Most likely the cause:\n- reviews-route is not there')).toBe(true);
});

test('a mesh without its site is told as that', async () => {
  const run = { name: 'bare', pid: 1, mode: 'process', dataPlane: 'dinghy', startedAt: '', workloads: [], gateways: [] };
  await expect(openLabSite({ ...run, controlPlane: { url: '', token: '' } })).rejects.toThrow('mesh bare runs without its site');
});
