/** "5xx", "connect-failure", "retriable-4xx" … as predicates over an outcome. Source: Envoy retry_state_impl.cc. */
import { ConfigError, inField } from '#api/config-error.ts';
import type { RetryPolicy } from '#envoy';
import { compileResponseMatcher } from '../http/header-match.ts';
import type { HttpResponse } from '../http/message.ts';
import type { ResponseFlag } from '../http/response-flags.ts';
import type { StreamError } from '../http/stream-error.ts';

/** What came of one try. */
export type Outcome =
  | { readonly kind: 'response'; readonly response: HttpResponse }
  | { readonly kind: 'error'; readonly error: StreamError };

/** Whether an outcome calls for another try. */
export type RetryTest = (outcome: Outcome) => boolean;

/** A reset of any kind. Overflow is none: trying again would add to the load that caused it. */
const RESETS: ReadonlySet<ResponseFlag> = new Set<ResponseFlag>(['UF', 'UC', 'UR', 'UPE', 'UT', 'LR']);

const onReset: RetryTest = (outcome) => outcome.kind === 'error' && RESETS.has(outcome.error.flag);
const onFlag =
  (flag: ResponseFlag): RetryTest =>
  (outcome) =>
    outcome.kind === 'error' && outcome.error.flag === flag;
const onStatus =
  (test: (status: number) => boolean): RetryTest =>
  (outcome) =>
    outcome.kind === 'response' && test(outcome.response.status);
const either =
  (...tests: readonly RetryTest[]): RetryTest =>
  (outcome) =>
    tests.some((test) => test(outcome));
/** A gRPC status counts when it stands in the head, as in an answer that is trailers only. */
const onGrpc =
  (status: number): RetryTest =>
  (outcome) =>
    outcome.kind === 'response' && outcome.response.headers.get('grpc-status') === String(status);
const rateLimited = (outcome: Outcome): boolean => outcome.kind === 'response' && outcome.response.headers.has('x-envoy-ratelimited');

const CONDITIONS: Readonly<Record<string, RetryTest>> = {
  '5xx': either(
    onStatus((status) => status >= 500),
    onReset,
  ),
  'gateway-error': either(
    onStatus((status) => status >= 502 && status <= 504),
    onReset,
  ),
  reset: onReset,
  'reset-before-request': onFlag('UF'),
  'connect-failure': onFlag('UF'),
  'refused-stream': (outcome) => outcome.kind === 'error' && outcome.error.codeDetails.includes('remote_refused_stream'),
  'retriable-4xx': onStatus((status) => status === 409),
  'envoy-ratelimited': rateLimited,
  cancelled: onGrpc(1),
  'deadline-exceeded': onGrpc(4),
  'resource-exhausted': onGrpc(8),
  internal: onGrpc(13),
  unavailable: onGrpc(14),
  // HTTP/3 only: accepted, as it never happens here.
  'http3-post-connect-failure': () => false,
};

const conditionOf = (token: string, policy: RetryPolicy): RetryTest => {
  if (token === 'retriable-status-codes') {
    const codes = new Set(policy.retriableStatusCodes);
    return onStatus((status) => codes.has(status));
  }
  if (token === 'retriable-headers') {
    const matchers = policy.retriableHeaders.map((matcher, index) =>
      inField(`retriable_headers[${index}]`, () => compileResponseMatcher(matcher)),
    );
    return (outcome) =>
      outcome.kind === 'response' && matchers.some((matches) => matches(outcome.response.headers, outcome.response.status));
  }
  const known = Object.hasOwn(CONDITIONS, token) ? CONDITIONS[token] : undefined;
  if (!known) throw new ConfigError('retry_on', `${JSON.stringify(token)} is not supported by this proxy`);
  return known;
};

/** Undefined when nothing is retried. Throws ConfigError with a path relative to the policy. */
export const compileConditions = (policy: RetryPolicy): RetryTest | undefined => {
  const tokens = policy.retryOn
    .split(',')
    .map((token) => token.trim())
    .filter((token) => token !== '');
  if (tokens.length === 0) return undefined;
  const tests = tokens.map((token) => conditionOf(token, policy));
  const mayWhenLimited = tokens.includes('envoy-ratelimited');
  const any = either(...tests);
  return (outcome) => (mayWhenLimited || !rateLimited(outcome)) && any(outcome);
};
