import { expect, test } from 'vitest';
import { canary } from '../02-canary/lab.ts';
import { checkStep } from './check.ts';
import { readProgress } from './progress.ts';
import { type KeptResource, resetTo } from './reset.ts';

const resource = (name: string, yaml: string): KeptResource => ({ kind: 'VirtualService', namespace: 'default', name, yaml });

test('reset takes away what was added and restores what was changed or removed', async () => {
  const calls: string[] = [];
  const touched = await resetTo([resource('kept', 'a'), resource('changed', 'b'), resource('gone', 'c')], {
    list: async () => [resource('kept', 'a'), resource('changed', 'other'), resource('added', 'd')],
    apply: async (files) => calls.push(`apply ${Object.values(files).join(' ')}`),
    remove: async (files) => calls.push(`remove ${Object.values(files).join(' ')}`),
  });
  expect(calls).toEqual(['remove d', 'apply b c']);
  expect(touched).toBe(3);
});

test('a check fails when one of its cases does, and keeps that case’s words', async () => {
  const verdict = await checkStep(canary, 'proof', async (id) => ({ id, passed: false, reason: 'saw v3', ms: 1 }));
  expect(verdict).toEqual({ passed: false, verdicts: [{ id: 'TRAF-WEIGHT-001', passed: false, reason: 'saw v3', ms: 1 }] });
});

test('progress from a damaged or foreign file keeps only what is known', () => {
  expect(readProgress({ 'a#b': { sent: true, predicted: 'x', evil: 1 }, '<script>': { sent: true } })).toEqual({ 'a#b': { sent: true } });
  expect(readProgress('nothing')).toEqual({});
});
