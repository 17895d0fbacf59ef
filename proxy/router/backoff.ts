/** How long to wait before trying again: fully random below a growing ceiling, so that callers do not come back in step. */
import type { Random } from '#system/random.ts';

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
