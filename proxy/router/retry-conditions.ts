/** "5xx", "connect-failure", "retriable-4xx" … as predicates over an outcome. Source: Envoy retry_state_impl.cc. */
import { ConfigError, inField } from '#api/config-error.ts';
import type { RetryPolicy } from '#envoy';
import { compileResponseMatcher, type HeadTest } from '../http/header-match.ts';
import type { HttpResponse } from '../http/message.ts';
import type { ResponseFlag } from '../http/response-flags.ts';
import type { StreamError } from '../http/stream-error.ts';

/** What came of one try. */
export type Outcome =
  | { readonly kind: 'response'; readonly response: HttpResponse }
  | { readonly kind: 'error'; readonly error: StreamError };

/** Whether an outcome calls for another try. */
export type RetryTest = (outcome: Outcome) => boolean;

/** What one word of retry_on looks at. */
interface Condition {
  readonly error?: (error: StreamError) => boolean;
  readonly status?: (status: number) => boolean;
  /** A gRPC status counts when it stands in the head, as in an answer that is trailers only. */
  readonly grpcStatus?: string;
  readonly head?: HeadTest;
}

/** A reset of any kind. Overflow is none: trying again would add to the load that caused it. */
const RESETS: ReadonlySet<ResponseFlag> = new Set<ResponseFlag>(['UF', 'UC', 'UR', 'UPE', 'UT', 'LR']);

const isReset = ({ flag }: StreamError): boolean => RESETS.has(flag);
const isConnectFailure = ({ flag }: StreamError): boolean => flag === 'UF';
const isRateLimited: HeadTest = (headers) => headers.has('x-envoy-ratelimited');

const CONDITIONS: Readonly<Record<string, Condition>> = {
  '5xx': { status: (status) => status >= 500, error: isReset },
  'gateway-error': { status: (status) => status >= 502 && status <= 504, error: isReset },
  reset: { error: isReset },
  'reset-before-request': { error: isConnectFailure },
  'connect-failure': { error: isConnectFailure },
  'refused-stream': { error: ({ codeDetails }) => codeDetails.includes('remote_refused_stream') },
  'retriable-4xx': { status: (status) => status === 409 },
  'envoy-ratelimited': { head: isRateLimited },
  cancelled: { grpcStatus: '1' },
  'deadline-exceeded': { grpcStatus: '4' },
  'resource-exhausted': { grpcStatus: '8' },
  internal: { grpcStatus: '13' },
  unavailable: { grpcStatus: '14' },
  // HTTP/3 only: accepted, as it never happens here.
  'http3-post-connect-failure': {},
};

/** Those of the words that are conditions, each kind in its own field. */
export const knownConditions = (kind: 'http' | 'grpc', words: readonly string[]): string[] =>
  words.filter((word) => {
    if (word === 'retriable-status-codes' || word === 'retriable-headers') return kind === 'http';
    const known = Object.hasOwn(CONDITIONS, word) ? CONDITIONS[word] : undefined;
    return known !== undefined && (known.grpcStatus !== undefined) === (kind === 'grpc');
  });

const conditionOf = (token: string, policy: RetryPolicy): Condition => {
  if (token === 'retriable-status-codes') {
    const codes = new Set(policy.retriableStatusCodes);
    return codes.size === 0 ? {} : { status: (status) => codes.has(status) };
  }
  if (token === 'retriable-headers') {
    const matchers = policy.retriableHeaders.map((matcher, index) =>
      inField(`retriable_headers[${index}]`, () => compileResponseMatcher(matcher)),
    );
    return { head: (headers, status) => matchers.some((matches) => matches(headers, status)) };
  }
  const known = Object.hasOwn(CONDITIONS, token) ? CONDITIONS[token] : undefined;
  if (!known) throw new ConfigError('retry_on', `${JSON.stringify(token)} is not supported by this proxy`);
  return known;
};

/** Every request with a policy comes through here, so what looks at fields does so once, and the rate limit only when all else says yes. */
const joined = (conditions: readonly Condition[], mayWhenLimited: boolean): RetryTest => {
  const errors = conditions.flatMap(({ error }) => error ?? []);
  const statuses = conditions.flatMap(({ status }) => status ?? []);
  const heads = conditions.flatMap(({ head }) => head ?? []);
  const grpc = new Set(conditions.flatMap(({ grpcStatus }) => grpcStatus ?? []));
  const covered = ({ status, headers }: HttpResponse): boolean => {
    for (const test of statuses) if (test(status)) return true;
    for (const test of heads) if (test(headers, status)) return true;
    const grpcStatus = grpc.size > 0 ? headers.get('grpc-status') : undefined;
    return grpcStatus !== undefined && grpc.has(grpcStatus);
  };
  return (outcome) => {
    if (outcome.kind === 'error') return errors.some((test) => test(outcome.error));
    const { response } = outcome;
    return covered(response) && (mayWhenLimited || !isRateLimited(response.headers, response.status));
  };
};

/** Undefined when nothing is retried. Throws ConfigError with a path relative to the policy. */
export const compileConditions = (policy: RetryPolicy): RetryTest | undefined => {
  const tokens = policy.retryOn
    .split(',')
    .map((token) => token.trim())
    .filter((token) => token !== '');
  if (tokens.length === 0) return undefined;
  return joined(
    tokens.map((token) => conditionOf(token, policy)),
    tokens.includes('envoy-ratelimited'),
  );
};
