import { expect, test } from 'vitest';
import { type EchoCarrier, EchoProgram } from './program.ts';
import { type EchoRequest, type EchoStep, planEcho } from './script.ts';

const request = (...headers: [string, string][]): EchoRequest => ({ method: 'GET', path: '/x?y', headers, body: 'hi' });
const behave = (script: string, attempt = '1'): EchoRequest => request(['x-lab-behave', script], ['x-envoy-attempt-count', attempt]);
const plan = (script: string, attempt?: string): readonly EchoStep[] => planEcho('a', behave(script, attempt));
const statusOf = (steps: readonly EchoStep[]): number | undefined => steps.find((step) => step.kind === 'head')?.status;

/** Carries out what the program plans and keeps it as words. */
const performed = (program: EchoProgram, script: string, path = '/'): { readonly done: string[]; readonly end: Promise<void> } => {
  const done: string[] = [];
  const carrier: EchoCarrier = {
    gone: false,
    sleep: async (ms) => void done.push(`wait ${ms}`),
    head: ({ status, headers }) => void done.push(`head ${status} ${headers.find(([name]) => name === 'x-lab-held')?.[1] ?? ''}`.trim()),
    bytes: (text) => void done.push(`bytes ${text.length}`),
    raw: () => void done.push('raw'),
    reset: () => void done.push('reset'),
    close: () => void done.push('close'),
    end: () => void done.push('end'),
  };
  return { done, end: program.answer({ ...behave(script), path }, carrier) };
};

test('the answer is the request as it came, names in their own spelling', () => {
  const [head, bytes] = planEcho('reviews-v1', request(['X-MiXeD', 'Va lue']));
  expect(head).toMatchObject({ kind: 'head', status: 200 });
  const text = bytes?.kind === 'bytes' ? bytes.text : '';
  expect(JSON.parse(text)).toEqual({ workload: 'reviews-v1', method: 'GET', path: '/x?y', headers: [['X-MiXeD', 'Va lue']], body: 'hi' });
});

test('until ends every misdeed at that try', () => {
  expect(['1', '2', '3', '4'].map((attempt) => statusOf(plan('fail=503;until=3', attempt)))).toEqual([503, 503, 200, 200]);
  expect(['1', '2'].map((attempt) => plan('reset;until=2', attempt).at(-1)?.kind)).toEqual(['reset', 'end']);
  expect(['1', '2'].map((attempt) => plan('hold=k;from=2', attempt)[0]?.kind)).toEqual(['head', 'hold']);
});

test('delay is bounded, and nonsense is no delay', () => {
  const delayOf = (text: string) => plan(`delay=${text}`)[0];
  expect(['250', '999999999', '-1', 'soon'].map(delayOf)).toMatchObject([{ ms: 250 }, { ms: 60_000 }, { ms: 0 }, { ms: 0 }]);
});

test('a status that is none is a bad script', () => {
  expect(statusOf(plan('fail=99'))).toBe(400);
});

test('a script for another workload is none', () => {
  expect(statusOf(planEcho('b', behave('only=a;fail=503')))).toBe(200);
  expect(statusOf(planEcho('a', behave('only=a;fail=503')))).toBe(503);
});

test('bodies stall, drip and are cut', () => {
  const kinds = (script: string) => plan(`size=4;${script}`).map((step) => (step.kind === 'bytes' ? step.text.length : step.kind));
  expect(kinds('stall=k')).toEqual(['head', 2, 'hold', 2, 'end']);
  expect(kinds('drip=3/20')).toEqual(['head', 3, 'wait', 1, 'wait', 'end']);
  expect(kinds('cut')).toEqual(['head', 2, 'close']);
  expect(kinds('garble')).toEqual(['raw', 'reset']);
});

test('fields of the answer, the content type too', () => {
  const [head] = plan('header=grpc-status:14;header=content-type:application/grpc');
  expect(head).toMatchObject({
    headers: [
      ['grpc-status', '14'],
      ['content-type', 'application/grpc'],
    ],
  });
});

test('who is held waits for a release, and whoever comes later does not', async () => {
  const program = new EchoProgram('a');
  const [first, second] = [performed(program, 'hold=k'), performed(program, 'hold=k')];
  const other = performed(program, 'hold=other');
  await Promise.resolve();
  expect([first.done, second.done]).toEqual([[], []]);
  const told = performed(program, 'held=k');
  await told.end;
  expect(told.done[0]).toBe('head 200 2');
  await performed(program, 'release=k').end;
  await Promise.all([first.end, second.end, performed(program, 'hold=k').end]);
  expect(first.done[0]).toBe('head 200');
  expect(other.done).toEqual([]);
});

test('answers go by a counter, and health is what was said last', async () => {
  const program = new EchoProgram('a');
  const heads: (string | undefined)[] = [];
  for (const script of [
    'answers=503,500,200;key=k',
    'answers=503,500,200;key=k',
    'answers=503,500,200;key=k',
    'answers=503,500,200;key=k',
    'health=503',
  ]) {
    const { done, end } = performed(program, script);
    await end;
    heads.push(done[0]);
  }
  expect(heads).toEqual(['head 503', 'head 500', 'head 200', 'head 200', 'head 200']);
  const ill = performed(program, '', '/healthz');
  await ill.end;
  expect(ill.done).toEqual(['head 503', 'end']);
});
