/**
 * How much of a cluster is in use at once. Full = refuse at once, so that a slow upstream does not take this proxy down with it.
 * Limits are per proxy, not global; each cluster has one breaker for either priority of routes.
 */

import type { MetricScope } from '#system/metrics.ts';
import type { Limits } from './compile-limits.ts';

/** What was turned away, by limit. */
interface Refused {
  connections: number;
  pending: number;
  requests: number;
  retries: number;
}

/** LIVING STATE. Counters are fields: the request path adds and subtracts. */
export class CircuitBreaker {
  limits: Limits;
  /** Open or being opened. */
  connections = 0;
  pending = 0;
  /** Until both bodies are over. */
  requests = 0;
  retries = 0;
  pools = 0;
  readonly refused: Refused = { connections: 0, pending: 0, requests: 0, retries: 0 };

  constructor(limits: Limits) {
    this.limits = limits;
  }

  /** Whether one more retry may run beside those that run now. */
  get mayRetry(): boolean {
    return this.retries < this.retryLimit;
  }

  get retryLimit(): number {
    const { retryBudget: budget, maxRetries } = this.limits;
    return budget ? Math.max(budget.minRetries, Math.floor(budget.share * (this.requests + this.pending))) : maxRetries;
  }

  /** Envoy's gauges: 1 where there is no room left and, where asked for, how much there is. */
  tell(scope: MetricScope, priority: 'default' | 'high'): void {
    const gauges: readonly (readonly [string, string, () => number, () => number])[] = [
      ['cx', 'cx', () => this.connections, () => this.limits.maxConnections],
      ['cx_pool', 'cx_pools', () => this.pools, () => this.limits.maxPools],
      ['rq_pending', 'pending', () => this.pending, () => this.limits.maxPending],
      ['rq', 'rq', () => this.requests, () => this.limits.maxRequests],
      ['rq_retry', 'retries', () => this.retries, () => this.retryLimit],
    ];
    for (const [name, remaining, used, limit] of gauges) {
      // A limit of 0 that was never tried is not told as reached.
      scope.computed(`circuit_breakers.${priority}.${name}_open`, () => (used() > 0 && used() >= limit() ? 1 : 0));
      // What is left of a budget depends on the requests that come: Envoy says 0.
      const left = name === 'rq_retry' ? () => (this.limits.retryBudget ? 0 : limit() - used()) : () => limit() - used();
      if (this.limits.tracked)
        scope.computed(`circuit_breakers.${priority}.remaining_${remaining}`, () => Math.max(0, Math.min(left(), MOST)));
    }
  }
}

/** "No bound", as far as a number goes: Envoy counts in 64 bits. */
const MOST = 2 ** 64;
