/** RetryPolicy → rules of the retry filter. Source: config.route.v3.RetryPolicy. */
import { ConfigError, inField, refuseUnsupported } from '#api/config-error.ts';
import { durationMs } from '#api/units.ts';
import type { RetryPolicy } from '#envoy';
import { compileHeaderMatcher, type RequestTest } from '../http/header-match.ts';
import type { Backoff } from './backoff.ts';
import { compileConditions, type RetryTest } from './retry-conditions.ts';

/** When and how to try again. */
export interface RetryRules {
  /** Undefined when nothing is retried and only the time of a try is limited. */
  readonly covers: RetryTest | undefined;
  readonly maxRetries: number;
  /** 0 = none. */
  readonly perTryTimeoutMs: number;
  /** How often to pick again when a host was tried already. */
  readonly repicks: number;
  readonly backoff: Backoff;
  /** Requests to which all of this applies; empty = all. */
  readonly requests: readonly RequestTest[];
}

const PREVIOUS_HOSTS = [
  'envoy.retry_host_predicates.previous_hosts',
  'envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate',
];

const compileRepicks = (policy: RetryPolicy): number => {
  for (const [index, predicate] of policy.retryHostPredicate.entries()) {
    const type = predicate.configType ? predicate.configType.value.typeUrl.replace(/^.*\//, '') : predicate.name;
    if (!PREVIOUS_HOSTS.includes(type)) throw new ConfigError(`retry_host_predicate[${index}]`, `${type} is not supported by this proxy`);
  }
  return policy.retryHostPredicate.length === 0 ? 0 : policy.hostSelectionRetryMaxAttempts || 1;
};

const compileBackoff = (policy: RetryPolicy): Backoff => {
  const baseMs = durationMs(policy.retryBackOff?.baseInterval) ?? 25;
  if (baseMs <= 0) throw new ConfigError('retry_back_off.base_interval', 'must be greater than 0s');
  const maxMs = durationMs(policy.retryBackOff?.maxInterval) ?? baseMs * 10;
  if (maxMs < baseMs) throw new ConfigError('retry_back_off.max_interval', 'must be at least the base_interval');
  // Envoy rounds what is shorter than a millisecond up.
  return { baseMs: Math.max(1, baseMs), maxMs: Math.max(1, maxMs) };
};

/** Throws ConfigError with a path relative to the policy. */
export const compileRetry = (policy: RetryPolicy): RetryRules => {
  refuseUnsupported(policy, {
    read: [
      'retryOn',
      'numRetries',
      'perTryTimeout',
      'retryHostPredicate',
      'hostSelectionRetryMaxAttempts',
      'retriableStatusCodes',
      'retryBackOff',
      'retriableHeaders',
      'retriableRequestHeaders',
    ],
  });
  return {
    covers: compileConditions(policy),
    maxRetries: policy.numRetries ?? 1,
    perTryTimeoutMs: durationMs(policy.perTryTimeout) ?? 0,
    repicks: compileRepicks(policy),
    backoff: compileBackoff(policy),
    requests: policy.retriableRequestHeaders.map((matcher, index) =>
      inField(`retriable_request_headers[${index}]`, () => compileHeaderMatcher(matcher)),
    ),
  };
};
