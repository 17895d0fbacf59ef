/** How long to wait before trying again: random below a growing ceiling, or what upstream asked for, so that callers do not come back in step. */
import { ConfigError, inField, refuseUnsupported } from '#api/config-error.ts';
import { durationMs } from '#api/units.ts';
import type { RetryPolicy } from '#envoy';
import type { Random } from '#system/random.ts';
import type { HeaderMap } from '../http/header-map.ts';

/** Milliseconds. Envoy's defaults: 25 and ten times that. */
export interface Backoff {
  readonly baseMs: number;
  readonly maxMs: number;
}

/** retries: how many were made already, 0 first. Source: Envoy JitteredExponentialBackOffStrategy. */
export const backoffMs = ({ baseMs, maxMs }: Backoff, retries: number, random: Random): number => {
  const ceiling = Math.min(maxMs, baseMs * 2 ** Math.min(retries, 30));
  return random.float() * ceiling;
};

/** What an answer may say of when to come back. Source: RetryPolicy.RateLimitedRetryBackOff. */
export interface ResetHeaders {
  /** In order of preference. */
  readonly fields: readonly { readonly name: string; readonly format: 'seconds' | 'unix-timestamp' }[];
  /** Answers that ask for longer are not heeded; milliseconds. */
  readonly maxMs: number;
}

/** Milliseconds that an answer asks for; undefined when it asks for nothing, or for too much. wallTimeMs: now. */
export const askedWaitMs = ({ fields, maxMs }: ResetHeaders, headers: HeaderMap, wallTimeMs: number): number | undefined => {
  for (const { name, format } of fields) {
    const text = headers.get(name)?.trim();
    if (text === undefined || !/^\d{1,15}$/.test(text)) continue;
    // Both in whole seconds, as in Envoy.
    const ms = (format === 'seconds' ? Number(text) : Number(text) - Math.floor(wallTimeMs / 1000)) * 1000;
    if (ms >= 0 && ms <= maxMs) return ms > 1 ? ms : undefined;
  }
  return undefined;
};

/** Never before what was asked for, at most half as long again. Source: Envoy JitteredLowerBoundBackOffStrategy. */
export const afterAsked = (askedMs: number, random: Random): number => askedMs + random.float() * (askedMs / 2);

/** Throws ConfigError with a path relative to the policy. */
export const compileBackoff = (policy: RetryPolicy): Backoff => {
  const given = policy.retryBackOff;
  if (given) inField('retry_back_off', () => refuseUnsupported(given, { read: ['baseInterval', 'maxInterval'] }));
  const baseMs = durationMs(given?.baseInterval) ?? 25;
  if (baseMs <= 0) throw new ConfigError('retry_back_off.base_interval', 'must be greater than 0s');
  const maxMs = durationMs(given?.maxInterval) ?? baseMs * 10;
  if (maxMs < baseMs) throw new ConfigError('retry_back_off.max_interval', 'must be at least the base_interval');
  // Envoy rounds what is shorter than a millisecond up.
  return { baseMs: Math.max(1, baseMs), maxMs: Math.max(1, maxMs) };
};

const FORMATS: readonly ResetHeaders['fields'][number]['format'][] = ['seconds', 'unix-timestamp'];
const ENVOY_MAX_RESET_MS = 300_000;

/** Undefined when no answer is asked. Throws ConfigError with a path relative to the policy. */
export const compileResetHeaders = (policy: RetryPolicy): ResetHeaders | undefined => {
  const given = policy.rateLimitedRetryBackOff;
  if (!given) return undefined;
  return inField('rate_limited_retry_back_off', () => {
    refuseUnsupported(given, { read: ['resetHeaders', 'maxInterval'] });
    const fields = given.resetHeaders.map((header, index) =>
      inField(`reset_headers[${index}]`, () => {
        refuseUnsupported(header, { read: ['name', 'format'] });
        const format = FORMATS[header.format];
        if (format === undefined) throw new ConfigError('format', `unknown value ${header.format}`);
        return { name: header.name.toLowerCase(), format };
      }),
    );
    if (fields.length === 0) throw new ConfigError('reset_headers', 'must have at least 1 item');
    return { fields, maxMs: durationMs(given.maxInterval) ?? ENVOY_MAX_RESET_MS };
  });
};
