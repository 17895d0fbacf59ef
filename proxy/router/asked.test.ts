/** What requests ask of the router in fields of their own. Seen of Envoy 1.40. */
import { expect, test } from 'vitest';
import { RetryPolicy } from '#envoy';
import { HeaderMap } from '../http/header-map.ts';
import { askedRetries, askedTimes, withAsked } from './asked.ts';
import { compileRetry } from './compile-retry.ts';

const fields = (given: Readonly<Record<string, string>>): HeaderMap =>
  HeaderMap.of(...Object.entries(given).map(([name, value]) => [`x-envoy-${name}`, value] as const));

test('nothing asked is nothing done', () => {
  const headers = HeaderMap.of(['x-envoy-internal', 'true'], ['a', 'x-envoy-retry-on']);
  expect([askedTimes(headers, 'heeded'), askedRetries(headers)]).toEqual([undefined, undefined]);
});

test.each([
  [{ 'upstream-rq-timeout-ms': '150' }, { timeoutMs: 150 }],
  [{ 'upstream-rq-timeout-ms': '0' }, { timeoutMs: 0 }],
  [{ 'upstream-rq-timeout-ms': 'abc' }, {}],
  [{ 'upstream-rq-per-try-timeout-ms': '100' }, { perTryMs: 100 }],
  [{ 'upstream-rq-timeout-alt-response': '1' }, { quietly: true }],
  [{ 'expected-rq-timeout-ms': '70' }, {}],
])('times of %o', (given, times) => {
  const asked = askedTimes(fields(given), 'overwritten');
  expect(asked?.times).toEqual(times);
  expect([...(asked?.headers ?? [])].filter(([name]) => name.includes('upstream'))).toEqual([]);
});

test('the proxy before has the last word where it is heeded', () => {
  const both = fields({ 'expected-rq-timeout-ms': '70', 'upstream-rq-timeout-ms': '150' });
  expect(askedTimes(both, 'heeded')?.times).toEqual({ timeoutMs: 70 });
});

const policy = (json: object) => compileRetry(RetryPolicy.fromJSON(json));

test('fields add to the policy, and say how many retries there are', () => {
  const rules = withAsked(
    policy({ retryOn: '5xx', numRetries: 1, perTryTimeout: '3s', retriableStatusCodes: [418] }),
    fields({ 'retry-on': 'retriable-status-codes, bogus', 'retriable-status-codes': '404,x', 'max-retries': '4' }),
  );
  expect(rules).toMatchObject({ maxRetries: 4, perTryTimeoutMs: 3000, policy: { retryOn: '5xx,retriable-status-codes' } });
  expect(rules?.policy.retriableStatusCodes).toEqual([418, 404]);
});

test.each([
  [{ 'retry-on': '5xx' }, '5xx', 1],
  [{ 'retry-on': 'cancelled' }, undefined, undefined],
  [{ 'retry-grpc-on': 'cancelled,5xx' }, 'cancelled', 1],
  [{ 'max-retries': '3' }, undefined, undefined],
])('%o without a policy', (given, retryOn, retries) => {
  const rules = withAsked(undefined, fields(given));
  expect([rules?.policy.retryOn, rules?.maxRetries]).toEqual([retryOn, retries]);
});

test('hostile fields ask for nothing', () => {
  const rules = withAsked(undefined, fields({ 'retry-on': '5xx,constructor,__proto__', 'max-retries': '99999999999' }));
  expect(rules).toMatchObject({ maxRetries: 1, policy: { retryOn: '5xx' } });
});
