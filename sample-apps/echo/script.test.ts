import { expect, test } from 'vitest';
import { type EchoRequest, planEcho } from './script.ts';

const request = (...headers: [string, string][]): EchoRequest => ({ method: 'GET', path: '/x?y', headers, body: 'hi' });

test('the answer is the request as it came, names in their own spelling', () => {
  const { status, body } = planEcho('reviews-v1', request(['X-MiXeD', 'Va lue']));
  expect(status).toBe(200);
  expect(JSON.parse(body)).toEqual({ workload: 'reviews-v1', method: 'GET', path: '/x?y', headers: [['X-MiXeD', 'Va lue']], body: 'hi' });
});

test('fail with until stops failing at that try', () => {
  const statusOf = (attempt: string) =>
    planEcho('a', request(['x-lab-behave', 'fail=503;until=3'], ['x-envoy-attempt-count', attempt])).status;
  expect(['1', '2', '3', '4'].map(statusOf)).toEqual([503, 503, 200, 200]);
});

test('delay is bounded, and nonsense is no delay', () => {
  const delayOf = (text: string) => planEcho('a', request(['x-lab-behave', `delay=${text}`])).delayMs;
  expect([delayOf('250'), delayOf('999999999'), delayOf('-1'), delayOf('soon')]).toEqual([250, 60_000, 0, 0]);
});

test('a status that is none is a bad script', () => {
  expect(planEcho('a', request(['x-lab-behave', 'fail=99'])).status).toBe(400);
});
