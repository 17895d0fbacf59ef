import { expect, test } from 'vitest';
import { judge, type State } from './flips.ts';
import type { Call } from './load.ts';

const STATES: readonly State[] = [
  { denies: true, fromMs: 100, untilMs: 200 },
  { denies: false, fromMs: 300, untilMs: 400 },
];

const call = (beganMs: number, endedMs: number, status: number): Call => ({
  ...{ way: 'kept', caller: 'alpha', reason: '', shown: '' },
  ...{ beganMs, endedMs, status },
});

test('a call that began after the acknowledgement of a DENY and was let through is counted', () => {
  expect(judge([call(100, 150, 200), call(110, 120, 403)], STATES)).toMatchObject({
    definite: 2,
    allowedUnderDeny: 1,
    deniedWithoutDeny: 0,
  });
});

test('a call that began after the acknowledgement of a removal and was refused is counted', () => {
  expect(judge([call(301, 399, 403), call(310, 320, 200)], STATES)).toMatchObject({
    definite: 2,
    allowedUnderDeny: 0,
    deniedWithoutDeny: 1,
  });
});

test('a call that began before an acknowledgement, or ended after the next change began, may be either', () => {
  const either = [call(99, 150, 200), call(199, 201, 200), call(250, 310, 403), call(390, 450, 403)];
  expect(judge(either, STATES)).toMatchObject({ calls: 4, definite: 0, allowedUnderDeny: 0, deniedWithoutDeny: 0 });
});

test('whatever is neither let through nor refused by a policy is a failure at any time', () => {
  expect(judge([call(110, 120, 503), call(250, 260, 0)], STATES).otherwise).toHaveLength(2);
});

test('calls may be given in any order', () => {
  expect(judge([call(310, 320, 403), call(110, 120, 200)], STATES)).toMatchObject({ allowedUnderDeny: 1, deniedWithoutDeny: 1 });
});
