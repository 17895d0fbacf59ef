import { expect, test } from 'vitest';
import { firstRequest } from '../01-first-request/lab.ts';
import { canary } from '../02-canary/lab.ts';
import { strict } from '../09-strict/lab.ts';
import type { LabStep } from '../lab.ts';
import { calibrationWords, cameTrue, countRound, countTries, currentStep, isStepsOwn, isTelling, lockOf, outcomeWords } from './steps.ts';

const stepOf = (id: string): LabStep => {
  const step = [...firstRequest.steps, ...canary.steps].find((one) => one.id === id);
  if (step === undefined) throw new Error(`no step ${id}`);
  return step;
};

test('nothing of the outcome is told before the requests were sent', () => {
  expect(outcomeWords(stepOf('one-request'), { predicted: 2 })).toBe('');
  expect(cameTrue(stepOf('ten'), { predicted: 1 })).toBeUndefined();
});

test('sending waits for the answer, then for the YAML of a step that has some', () => {
  expect(lockOf(stepOf('apply'), undefined)).toBe('Answer the question first.');
  expect(lockOf(stepOf('apply'), { predicted: 0 })).toBe('Apply canary.yaml first.');
  expect(lockOf(stepOf('apply'), { predicted: 0, applied: true })).toBe('');
  expect(lockOf(stepOf('ten'), { predicted: 0 })).toBe('');
});

test('a count is compared with the first round alone', () => {
  const reached = { predicted: 1, rounds: [{ 'reviews-v1': 10 }, { 'reviews-v1': 9, 'reviews-v2': 1 }] };
  expect(outcomeWords(stepOf('ten'), reached)).toBe('You said 1; it was 0.');
  expect(cameTrue(stepOf('ten'), { ...reached, predicted: 0 })).toBe(true);
});

test('another count, address or header is not what the step asks about', () => {
  const { send } = stepOf('ten');
  expect(isStepsOwn(stepOf('ten'), { ...send })).toBe(true);
  expect(isStepsOwn(stepOf('ten'), { ...send, count: 50 })).toBe(false);
  expect(isStepsOwn(stepOf('ten'), { ...send, headers: { 'user-type': 'beta-tester' } })).toBe(false);
});

test('a lab goes on at the first step that is not done, and a step with a claim is done when the check held', () => {
  const sent = { predicted: 0, rounds: [{ 'reviews-v1': 1 }] };
  const most = Object.fromEntries(canary.steps.map(({ id }) => [`02-canary#${id}`, sent]));
  expect(currentStep(canary, {})?.id).toBe('apply');
  expect(currentStep(canary, { '02-canary#apply': sent })?.id).toBe('ten');
  expect(currentStep(canary, most)?.id).toBe('proof');
});

test('answers that no workload gave are counted under no name', () => {
  expect(countRound([{ servedBy: 'reviews-v1' }, { servedBy: '' }, { servedBy: 'reviews-v1' }])).toEqual({ 'reviews-v1': 2, '': 1 });
});

test('calibration counts what came true of what was sent', () => {
  expect(calibrationWords([canary], {})).toBe('');
  expect(calibrationWords([canary], { '02-canary#ten': { predicted: 0, rounds: [{ 'reviews-v1': 10 }] } })).toMatch(/^Of 1 predictions 1/);
});

test('a refusal tells something only where the step is about one, and an answer everywhere else', () => {
  const refusal = strict.steps.find(({ id }) => id === 'strict');
  const served = strict.steps.find(({ id }) => id === 'served');
  if (refusal === undefined || served === undefined) throw new Error('lab 9 has lost its steps');
  const [cut, answered] = [[{ servedBy: '', status: 0 }], [{ servedBy: 'reviews-v2', status: 200 }]];
  expect([isTelling(refusal, cut), isTelling(refusal, answered)]).toEqual([true, false]);
  expect([isTelling(served, cut), isTelling(served, answered)]).toEqual([false, true]);
});

test('tries are counted by the service that they went to, and one that never left its proxy is none', () => {
  const call = (to: string, side: string, hosts: readonly (string | undefined)[]) => ({
    to,
    side,
    attempts: hosts.length,
    attemptLog: hosts.map((host) => (host === undefined ? {} : { host })),
  });
  const calls = [
    call('reviews-v2', 'outbound', ['a', 'b', undefined]),
    call('reviews-v2', 'inbound', ['x']),
    call('ratings-v1', 'outbound', ['c']),
    { ...call('ratings', 'outbound', []), attempts: 3 },
  ];
  expect(countTries(calls)).toEqual({ reviews: 2, ratings: 4 });
});
