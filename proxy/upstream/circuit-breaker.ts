/**
 * How much of a cluster may be in use at once. Full = refuse at once, so that a slow upstream does not take this proxy down with it.
 * Limits are per proxy, not global. Source: cluster.v3.CircuitBreakers.
 */

import { ConfigError, inField, refuseUnsupported } from '#api/config-error.ts';
import { type CircuitBreakers, RoutingPriority } from '#envoy';
import type { MetricScope } from '#system/metrics.ts';

/** Envoy's defaults: 1024 each, 3 retries. */
export interface Limits {
  readonly maxConnections: number;
  readonly maxPending: number;
  readonly maxRequests: number;
  readonly maxRetries: number;
  /** When present it replaces maxRetries: retries may be this share of active requests, but always `minRetries`. */
  readonly retryBudget?: { readonly share: number; readonly minRetries: number };
  /** Whether the remaining room is told as gauges, too. */
  readonly tracked: boolean;
}

const DEFAULTS: Limits = { maxConnections: 1024, maxPending: 1024, maxRequests: 1024, maxRetries: 3, tracked: false };

type Thresholds = CircuitBreakers['thresholds'][number];

const compileThresholds = (thresholds: Thresholds): Limits => {
  refuseUnsupported(thresholds, {
    read: ['priority', 'maxConnections', 'maxPendingRequests', 'maxRequests', 'maxRetries', 'retryBudget', 'trackRemaining'],
    // Pools are one a host.
    ignored: ['maxConnectionPools'],
  });
  const budget = thresholds.retryBudget;
  return {
    maxConnections: thresholds.maxConnections ?? DEFAULTS.maxConnections,
    maxPending: thresholds.maxPendingRequests ?? DEFAULTS.maxPending,
    maxRequests: thresholds.maxRequests ?? DEFAULTS.maxRequests,
    maxRetries: thresholds.maxRetries ?? DEFAULTS.maxRetries,
    tracked: thresholds.trackRemaining,
    ...(budget && { retryBudget: { share: (budget.budgetPercent?.value ?? 20) / 100, minRetries: budget.minRetryConcurrency ?? 3 } }),
  };
};

/** By priority of routes. Thresholds for HIGH are checked and shown, and otherwise unused, since such routes are refused. */
export const compileLimits = (breakers: CircuitBreakers | undefined): { readonly limits: Limits; readonly highLimits: Limits } => {
  if (!breakers) return { limits: DEFAULTS, highLimits: DEFAULTS };
  return inField('circuit_breakers', () => {
    if (breakers.perHostThresholds.length > 0) throw new ConfigError('per_host_thresholds', 'not supported by this proxy');
    let limits: Limits | undefined;
    let highLimits: Limits | undefined;
    for (const [index, thresholds] of breakers.thresholds.entries()) {
      const compiled = inField(`thresholds[${index}]`, () => compileThresholds(thresholds));
      // Envoy takes the first entry of a priority.
      if (thresholds.priority === RoutingPriority.DEFAULT) limits ??= compiled;
      else highLimits ??= compiled;
    }
    return { limits: limits ?? DEFAULTS, highLimits: highLimits ?? DEFAULTS };
  });
};

const REMAINING: Readonly<Record<string, string>> = { cx: 'cx', rq_pending: 'pending', rq: 'rq', rq_retry: 'retries' };

/** LIVING STATE: how much of a cluster is in use now. Counters are fields: the request path adds and subtracts. */
export class CircuitBreaker {
  limits: Limits;
  connections = 0;
  pending = 0;
  requests = 0;
  retries = 0;

  constructor(limits: Limits) {
    this.limits = limits;
  }

  /** Whether one more retry may run beside those that run now. */
  get mayRetry(): boolean {
    return this.retries < this.#maxRetries;
  }

  get #maxRetries(): number {
    const { retryBudget: budget, maxRetries } = this.limits;
    return budget ? Math.max(budget.minRetries, Math.floor(budget.share * (this.requests + this.pending))) : maxRetries;
  }

  /** Envoy's gauges: 1 where there is no room left and, where asked for, how much there is. */
  tell(scope: MetricScope): void {
    const room: Readonly<Record<string, () => number>> = {
      cx: () => this.limits.maxConnections - this.connections,
      rq_pending: () => this.limits.maxPending - this.pending,
      rq: () => this.limits.maxRequests - this.requests,
      rq_retry: () => this.#maxRetries - this.retries,
    };
    for (const [name, left] of Object.entries(room)) {
      scope.computed(`circuit_breakers.default.${name}_open`, () => (left() > 0 ? 0 : 1));
      if (this.limits.tracked) scope.computed(`circuit_breakers.default.remaining_${REMAINING[name]}`, () => Math.max(0, left()));
    }
  }
}
