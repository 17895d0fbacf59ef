/**
 * How much of a cluster may be in use at once. Full = refuse at once, so that a slow upstream does not take this proxy down with it.
 * Limits are per proxy, not global. Source: cluster.v3.CircuitBreakers.
 */

import { ConfigError, inField, refuseUnsupported } from '#api/config-error.ts';
import { type CircuitBreakers, RoutingPriority } from '#envoy';

/** Envoy's defaults: 1024 each, 3 retries. */
export interface Limits {
  readonly maxConnections: number;
  readonly maxPending: number;
  readonly maxRequests: number;
  readonly maxRetries: number;
  /** When present it replaces maxRetries: retries may be this share of active requests, but always `minRetries`. */
  readonly retryBudget?: { readonly share: number; readonly minRetries: number };
}

const DEFAULTS: Limits = { maxConnections: 1024, maxPending: 1024, maxRequests: 1024, maxRetries: 3 };

type Thresholds = CircuitBreakers['thresholds'][number];

const compileThresholds = (thresholds: Thresholds): Limits => {
  refuseUnsupported(thresholds, {
    read: ['priority', 'maxConnections', 'maxPendingRequests', 'maxRequests', 'maxRetries', 'retryBudget'],
    // Remaining-gauges are always there; pools are one a host.
    ignored: ['trackRemaining', 'maxConnectionPools'],
  });
  const budget = thresholds.retryBudget;
  return {
    maxConnections: thresholds.maxConnections ?? DEFAULTS.maxConnections,
    maxPending: thresholds.maxPendingRequests ?? DEFAULTS.maxPending,
    maxRequests: thresholds.maxRequests ?? DEFAULTS.maxRequests,
    maxRetries: thresholds.maxRetries ?? DEFAULTS.maxRetries,
    ...(budget && { retryBudget: { share: (budget.budgetPercent?.value ?? 20) / 100, minRetries: budget.minRetryConcurrency ?? 3 } }),
  };
};

/** Limits of routes with default priority; thresholds for HIGH are checked and otherwise unused, since such routes are refused. */
export const compileLimits = (breakers: CircuitBreakers | undefined): Limits => {
  if (!breakers) return DEFAULTS;
  return inField('circuit_breakers', () => {
    if (breakers.perHostThresholds.length > 0) throw new ConfigError('per_host_thresholds', 'not supported by this proxy');
    let limits: Limits | undefined;
    for (const [index, thresholds] of breakers.thresholds.entries()) {
      const compiled = inField(`thresholds[${index}]`, () => compileThresholds(thresholds));
      // Envoy takes the first entry of a priority.
      if (thresholds.priority === RoutingPriority.DEFAULT) limits ??= compiled;
    }
    return limits ?? DEFAULTS;
  });
};

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
    const budget = this.limits.retryBudget;
    if (!budget) return this.retries < this.limits.maxRetries;
    return this.retries < Math.max(budget.minRetries, Math.floor(budget.share * (this.requests + this.pending)));
  }
}
