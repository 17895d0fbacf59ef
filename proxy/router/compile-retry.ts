/** RetryPolicy → rules of the retry filter. Source: config.route.v3.RetryPolicy. */
import { inField, refuseUnsupported } from '#api/config-error.ts';
import { durationMs } from '#api/units.ts';
import type { RetryPolicy } from '#envoy';
import { compileHeaderMatcher, type RequestTest } from '../http/header-match.ts';
import { type Backoff, compileBackoff, compileResetHeaders, type ResetHeaders } from './backoff.ts';
import { compileHostWishes } from './host-wishes.ts';
import { compileConditions, type RetryTest } from './retry-conditions.ts';
import type { HostWishes } from './upstream-cluster.ts';

/** When and how to try again. */
export interface RetryRules {
  /** As written. */
  readonly policy: RetryPolicy;
  /** Undefined when nothing is retried and only the time of a try is limited. */
  readonly covers: RetryTest | undefined;
  readonly maxRetries: number;
  /** 0 = none. */
  readonly perTryTimeoutMs: number;
  /** How long a try may hear nothing from upstream; 0 = for ever. */
  readonly perTryIdleMs: number;
  readonly hosts: HostWishes;
  readonly backoff: Backoff;
  /** Undefined when answers are not asked for how long to wait. */
  readonly resetHeaders: ResetHeaders | undefined;
  /** Requests to which all of this applies; empty = all. */
  readonly requests: readonly RequestTest[];
}

/** Throws ConfigError with a path relative to the policy. */
export const compileRetry = (policy: RetryPolicy): RetryRules => {
  refuseUnsupported(policy, {
    read: [
      'retryOn',
      'numRetries',
      'perTryTimeout',
      'perTryIdleTimeout',
      'retryHostPredicate',
      'hostSelectionRetryMaxAttempts',
      'retryPriority',
      'retriableStatusCodes',
      'retryBackOff',
      'rateLimitedRetryBackOff',
      'retriableHeaders',
      'retriableRequestHeaders',
    ],
  });
  return {
    policy,
    covers: compileConditions(policy),
    maxRetries: policy.numRetries ?? 1,
    perTryTimeoutMs: durationMs(policy.perTryTimeout) ?? 0,
    perTryIdleMs: durationMs(policy.perTryIdleTimeout) ?? 0,
    hosts: compileHostWishes(policy),
    backoff: compileBackoff(policy),
    resetHeaders: compileResetHeaders(policy),
    requests: policy.retriableRequestHeaders.map((matcher, index) =>
      inField(`retriable_request_headers[${index}]`, () => compileHeaderMatcher(matcher)),
    ),
  };
};
