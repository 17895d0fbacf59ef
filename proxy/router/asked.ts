/**
 * What a request asks of the router in its own x-envoy-… fields: of time as it came, of retries as the route's edits left it. (Envoy 1.40)
 * Only clients inside the mesh are asked, and routes whose own edits write such fields; everybody else's were dropped at the door.
 */
import { RetryPolicy } from '#envoy';
import type { HeaderMap } from '../http/header-map.ts';
import { compileRetry, type RetryRules } from './compile-retry.ts';
import { knownConditions } from './retry-conditions.ts';

/** Milliseconds; what was not asked for is absent. */
export interface AskedTimes {
  readonly timeoutMs?: number;
  readonly perTryMs?: number;
  /** Answer 204 in place of 504. */
  readonly quietly?: true;
}

const TIME_FIELDS: ReadonlySet<string> = new Set([
  'x-envoy-upstream-rq-timeout-ms',
  'x-envoy-upstream-rq-per-try-timeout-ms',
  'x-envoy-upstream-rq-timeout-alt-response',
]);
const EXPECTED = 'x-envoy-expected-rq-timeout-ms';

const RETRY_FIELDS: ReadonlySet<string> = new Set([
  'x-envoy-retry-on',
  'x-envoy-retry-grpc-on',
  'x-envoy-max-retries',
  'x-envoy-retriable-status-codes',
  'x-envoy-retriable-header-names',
  'x-envoy-hedge-on-per-try-timeout',
  'x-envoy-upstream-rq-per-try-timeout-ms',
]);

const without = (headers: HeaderMap, names: ReadonlySet<string>): HeaderMap => headers.without(...names);

const wholeNumber = (text: string | undefined): number | undefined => {
  const trimmed = text?.trim();
  return trimmed !== undefined && /^\d{1,9}$/.test(trimmed) ? Number(trimmed) : undefined;
};

/** Fields without what was asked, and what that is. expected: whether the proxy before has a say. Undefined when nothing was asked. */
export const askedTimes = (
  headers: HeaderMap,
  expected: 'heeded' | 'overwritten',
): { readonly times: AskedTimes; readonly headers: HeaderMap } | undefined => {
  if (!headers.flat.some((name, index) => index % 2 === 0 && (TIME_FIELDS.has(name) || name === EXPECTED))) return undefined;
  const before = expected === 'heeded' ? headers.get(EXPECTED) : undefined;
  const timeoutMs = wholeNumber(before ?? headers.get('x-envoy-upstream-rq-timeout-ms'));
  const perTryMs = wholeNumber(headers.get('x-envoy-upstream-rq-per-try-timeout-ms'));
  return {
    times: {
      ...(timeoutMs !== undefined && { timeoutMs }),
      ...(perTryMs !== undefined && { perTryMs }),
      ...(headers.has('x-envoy-upstream-rq-timeout-alt-response') && { quietly: true }),
    },
    headers: without(headers, TIME_FIELDS),
  };
};

/** Fields without what was asked, and a text that names it. Undefined when nothing was asked. */
export const askedRetries = (headers: HeaderMap): { readonly key: string; readonly headers: HeaderMap } | undefined => {
  const asked: string[] = [];
  for (const [name, value] of headers) if (RETRY_FIELDS.has(name)) asked.push(`${name}:${value}`);
  return asked.length === 0 ? undefined : { key: asked.join('\n'), headers: without(headers, RETRY_FIELDS) };
};

const words = (text: string | undefined): string[] => (text ?? '').split(',').flatMap((word) => word.trim() || []);

/** The route's policy and what the fields add to it; they have the last word on the number of retries. */
export const withAsked = (rules: RetryRules | undefined, headers: HeaderMap): RetryRules | undefined => {
  const policy = rules?.policy ?? RetryPolicy.fromPartial({});
  const retryOn = [
    ...words(policy.retryOn),
    ...knownConditions('http', words(headers.get('x-envoy-retry-on'))),
    ...knownConditions('grpc', words(headers.get('x-envoy-retry-grpc-on'))),
  ].join();
  if (retryOn === '') return rules;
  const codes = words(headers.get('x-envoy-retriable-status-codes')).flatMap((code) => wholeNumber(code) ?? []);
  const names = words(headers.get('x-envoy-retriable-header-names'));
  const asked = compileRetry({
    ...policy,
    retryOn,
    retriableStatusCodes: [...policy.retriableStatusCodes, ...codes],
    retriableHeaders: [
      ...policy.retriableHeaders,
      ...RetryPolicy.fromJSON({ retriableHeaders: names.map((name) => ({ name, presentMatch: true })) }).retriableHeaders,
    ],
  });
  const most = wholeNumber(headers.get('x-envoy-max-retries'));
  return { ...asked, perTryTimeoutMs: rules?.perTryTimeoutMs ?? 0, ...(most !== undefined && { maxRetries: most }) };
};
