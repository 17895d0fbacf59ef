import { expect, test } from 'vitest';
import { firstRequest } from '../01-first-request/lab.ts';
import { canary } from '../02-canary/lab.ts';
import { checkedSteps, checkStep } from './check.ts';
import { differences } from './differences.ts';
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

const checked = (passed: boolean) => {
  let asked = 0;
  const causes = async () => {
    asked++;
    return ['v3 is there'];
  };
  const run = async (id: string) => ({ id, passed, reason: passed ? '' : 'saw v3', ms: 1 });
  return { mesh: { run, causes, count: () => () => ({ 'reviews-v3': 1 }) }, asked: () => asked };
};

test('a check fails when one of its cases does, keeps that case’s words, and names the cause', async () => {
  expect(await checkStep(canary, 'proof', checked(false).mesh)).toEqual({
    passed: false,
    verdicts: [{ id: 'TRAF-WEIGHT-001', passed: false, reason: 'saw v3', ms: 1 }],
    causes: ['v3 is there'],
    answered: { 'reviews-v3': 1 },
  });
});

test('one check proves the earlier steps too, each by its own claims', () => {
  const verdicts = [
    { id: 'TRAF-HOP-001', passed: true, reason: '', ms: 1 },
    { id: 'TRAF-SUBSET-001', passed: false, reason: 'x', ms: 1 },
  ];
  expect(checkedSteps(firstRequest, 'three-versions', { verdicts }).map(([{ id }, held]) => [id, held])).toEqual([
    ['one-request', true],
    ['three-versions', false],
  ]);
});

test('a check that holds looks for no cause', async () => {
  const { mesh, asked } = checked(true);
  expect(await checkStep(canary, 'proof', mesh)).toMatchObject({ passed: true, causes: [] });
  expect(asked()).toBe(0);
});

test('progress from a damaged or foreign file keeps only what is known', () => {
  const given = {
    'a#b': { checked: true, predicted: 'x', evil: 1, rounds: [{ 'reviews-v1': 9, '<b>': 1, 'reviews-v2': -1 }] },
    '<script>': { checked: true },
  };
  expect(readProgress(given)).toEqual({ 'a#b': { checked: true, rounds: [{ 'reviews-v1': 9 }] } });
  expect(readProgress('nothing')).toEqual({});
});

test('of many rounds the first, which was predicted, is never forgotten', () => {
  const rounds = Array.from({ length: 100 }, (_, i) => ({ v: i + 1 }));
  const kept = readProgress({ 'a#b': { rounds } })['a#b']?.rounds;
  expect(kept?.length).toBe(30);
  expect([kept?.[0], kept?.at(-1)]).toEqual([{ v: 1 }, { v: 100 }]);
});

const CANARY_YAML = `kind: VirtualService
metadata: { name: reviews-route }
spec: { http: [{ route: [{ weight: 90 }, { weight: 10 }] }] }
`;
const START = [{ kind: 'Service', namespace: 'default', name: 'reviews', yaml: 'kind: Service\nmetadata: { name: reviews }\n' }];
const against = (present: readonly KeptResource[]) => ({ initial: START, present, read: async () => CANARY_YAML });

test('what a step has applied and the mesh has not is the cause of a failed check', async () => {
  expect(await differences(canary, 'proof', against(START))).toEqual([
    'VirtualService default/reviews-route is not there: apply canary.yaml (step 1).',
  ]);
});

test('a changed value is told with its path, whatever the comments and the order of keys', async () => {
  const yaml =
    '# mine\nspec: { http: [{ route: [{ weight: 50 }, { weight: 10 }] }] }\nmetadata: { name: reviews-route }\nkind: VirtualService\n';
  expect(await differences(canary, 'proof', against([...START, resource('reviews-route', yaml)]))).toEqual([
    'VirtualService default/reviews-route is not as canary.yaml has it: spec.http[0].route[0].weight is 50, the step wants 90. To mend it, apply canary.yaml (step 1).',
  ]);
  const reordered = yaml.replace('50', '90');
  expect(await differences(canary, 'proof', against([...START, resource('reviews-route', reordered)]))).toEqual([]);
});

test('what an earlier lab has left is told before the check of a lab that starts from nothing', async () => {
  expect(await differences(firstRequest, 'three-versions', against([...START, resource('reviews-route', CANARY_YAML)]))).toEqual([
    'VirtualService default/reviews-route is there, and this step does not want it: "Reset lab" takes it away.',
  ]);
});
