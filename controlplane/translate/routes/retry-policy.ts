/** `retries` of a rule → RetryPolicy. Pure. Source: istio pilot/pkg/networking/core/route/retry. */
import type { RetryPolicy } from '#envoy';
import { durationMs } from '../../resources/checks.ts';
import type { HttpRule } from '../../resources/virtual-service.ts';
import { pack, toDuration } from '../pack.ts';

type Retries = NonNullable<HttpRule['retries']>;

/** Istio's default: connection trouble is tried twice more, answers are not. */
const DEFAULT_RETRY_ON = 'connect-failure,refused-stream,unavailable,cancelled,retriable-status-codes';

const DEFAULT_RETRIES: Retries = { attempts: 2 };

const STATUS_CODES = 'retriable-status-codes';
const PREVIOUS_HOSTS = 'envoy.retry_host_predicates.previous_hosts';

/** Each try goes on to the next priority after so many. */
const UPDATE_FREQUENCY = 2;

/**
 * Undefined: nothing is tried again. choice: a host that is chosen by hash would be chosen again, so without a word on it, it is not avoided either.
 * What is not said is the default's, and no `retries` at all is the default.
 */
export const retryPolicyOf = (retries: Retries = DEFAULT_RETRIES, choice: 'free' | 'by hash' = 'free'): RetryPolicy | undefined => {
  if ((retries.attempts ?? 0) <= 0) return undefined;
  const { retryOn, codes } = conditionsOf(retries.retryOn ?? '');
  const previousHosts = {
    name: PREVIOUS_HOSTS,
    configType: { $case: 'typedConfig', value: pack('envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate', {}) },
  } as const;
  const avoids = retries.retryIgnorePreviousHosts ?? choice === 'free';
  return {
    retryOn,
    numRetries: retries.attempts,
    ...(retries.perTryTimeout === undefined ? {} : { perTryTimeout: toDuration(durationMs(retries.perTryTimeout)) }),
    ...(retries.retryRemoteLocalities && { retryPriority: otherPriorities() }),
    retryHostPredicate: avoids ? [previousHosts] : [],
    retryOptionsPredicates: [],
    hostSelectionRetryMaxAttempts: 5,
    retriableStatusCodes: codes,
    ...(retries.backoff === undefined ? {} : { retryBackOff: { baseInterval: toDuration(durationMs(retries.backoff)) } }),
    retriableHeaders: [],
    retriableRequestHeaders: [],
  };
};

const otherPriorities = () => ({
  name: 'envoy.retry_priorities.previous_priorities',
  configType: {
    $case: 'typedConfig',
    value: pack('envoy.extensions.retry.priority.previous_priorities.v3.PreviousPrioritiesConfig', { updateFrequency: UPDATE_FREQUENCY }),
  } as const,
});

/** Numbers are status codes, and want the condition that looks at them. */
const conditionsOf = (text: string): { retryOn: string; codes: number[] } => {
  const words = text
    .split(',')
    .map((word) => word.trim())
    .filter((word) => word !== '');
  if (words.length === 0) return { retryOn: DEFAULT_RETRY_ON, codes: [] };
  const codes = words.filter((word) => /^\d+$/.test(word)).map(Number);
  const named = words.filter((word) => !/^\d+$/.test(word));
  const wanted = codes.length > 0 && !named.includes(STATUS_CODES) ? [...named, STATUS_CODES] : named;
  return { retryOn: wanted.join(','), codes };
};
