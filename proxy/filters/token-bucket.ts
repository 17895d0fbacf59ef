/** Tokens that come back by and by, up to a number; a request takes one. Source: type.v3.TokenBucket, filled without steps as by Envoy 1.40. */
import { ConfigError } from '#api/config-error.ts';
import { durationMs } from '#api/units.ts';
import type { TokenBucket as TokenBucketConfig } from '#envoy';
import type { Clock } from '#system/clock.ts';

/** How many there are at most, and how many come back in a millisecond. */
export interface BucketSize {
  readonly most: number;
  readonly perMs: number;
}

const SHORTEST_INTERVAL_MS = 50;

/** Throws ConfigError with a path relative to the bucket. */
export const compileBucket = ({ maxTokens, tokensPerFill, fillInterval }: TokenBucketConfig): BucketSize => {
  if (maxTokens === 0) throw new ConfigError('max_tokens', 'must be greater than 0');
  const fill = tokensPerFill ?? 1;
  if (fill === 0) throw new ConfigError('tokens_per_fill', 'must be greater than 0');
  const intervalMs = durationMs(fillInterval) ?? 0;
  if (intervalMs < SHORTEST_INTERVAL_MS) throw new ConfigError('fill_interval', `must be at least ${SHORTEST_INTERVAL_MS} ms`);
  return { most: maxTokens, perMs: fill / intervalMs };
};

/** LIVING STATE: how many tokens there were, and when. */
export class TokenBucket {
  readonly size: BucketSize;
  readonly #clock: Clock;
  #tokens: number;
  #atMs: number;

  constructor(size: BucketSize, clock: Clock) {
    this.size = size;
    this.#clock = clock;
    this.#tokens = size.most;
    this.#atMs = clock.nowMs();
  }

  /** Whether there was one. */
  take(): boolean {
    this.#fill();
    if (this.#tokens < 1) return false;
    this.#tokens--;
    return true;
  }

  /** Whole ones that are left. */
  get left(): number {
    return Math.floor(this.#tokens);
  }

  /** Milliseconds until there is one; 0 when there is. */
  get nextMs(): number {
    return this.#tokens >= 1 ? 0 : (1 - this.#tokens) / this.size.perMs;
  }

  #fill(): void {
    const nowMs = this.#clock.nowMs();
    this.#tokens = Math.min(this.size.most, this.#tokens + (nowMs - this.#atMs) * this.size.perMs);
    this.#atMs = nowMs;
  }
}
