/** CircuitBreakers → limits by priority of routes. Source: config.cluster.v3.CircuitBreakers. */

import { ConfigError, inField, refuseUnsupported } from '#api/config-error.ts';
import { type CircuitBreakers, RoutingPriority } from '#envoy';

/** Envoy's defaults: 1024 each, 3 retries, and no bound for hosts and pools. */
export interface Limits {
  readonly maxConnections: number;
  readonly maxPending: number;
  readonly maxRequests: number;
  readonly maxRetries: number;
  /** Infinity = no bound. */
  readonly maxPools: number;
  /** To one host; Infinity = no bound. */
  readonly maxConnectionsPerHost: number;
  /** When present it replaces maxRetries: retries may be this share of active requests, but always `minRetries`. */
  readonly retryBudget?: { readonly share: number; readonly minRetries: number };
  /** Whether the remaining room is told as gauges, too. */
  readonly tracked: boolean;
}

/** Of the two priorities that a route may have. */
export interface LimitsByPriority {
  readonly limits: Limits;
  readonly highLimits: Limits;
}

const NO_BOUND = Number.POSITIVE_INFINITY;

const DEFAULTS: Limits = {
  maxConnections: 1024,
  maxPending: 1024,
  maxRequests: 1024,
  maxRetries: 3,
  maxPools: NO_BOUND,
  maxConnectionsPerHost: NO_BOUND,
  tracked: false,
};

type Thresholds = CircuitBreakers['thresholds'][number];

const compileBudget = (budget: NonNullable<Thresholds['retryBudget']>): NonNullable<Limits['retryBudget']> => {
  refuseUnsupported(budget, { read: ['budgetPercent', 'minRetryConcurrency'] });
  const percent = budget.budgetPercent?.value ?? 20;
  if (!(percent >= 0 && percent <= 100)) throw new ConfigError('budget_percent', 'must be between 0 and 100');
  return { share: percent / 100, minRetries: budget.minRetryConcurrency ?? 3 };
};

const compileThresholds = (thresholds: Thresholds): Limits => {
  refuseUnsupported(thresholds, {
    read: [
      'priority',
      'maxConnections',
      'maxPendingRequests',
      'maxRequests',
      'maxRetries',
      'retryBudget',
      'trackRemaining',
      'maxConnectionPools',
    ],
  });
  const { retryBudget } = thresholds;
  return {
    maxConnections: thresholds.maxConnections ?? DEFAULTS.maxConnections,
    maxPending: thresholds.maxPendingRequests ?? DEFAULTS.maxPending,
    maxRequests: thresholds.maxRequests ?? DEFAULTS.maxRequests,
    maxRetries: thresholds.maxRetries ?? DEFAULTS.maxRetries,
    maxPools: thresholds.maxConnectionPools ?? DEFAULTS.maxPools,
    maxConnectionsPerHost: DEFAULTS.maxConnectionsPerHost,
    tracked: thresholds.trackRemaining,
    ...(retryBudget && { retryBudget: inField('retry_budget', () => compileBudget(retryBudget)) }),
  };
};

const compilePerHost = (thresholds: Thresholds): number => {
  refuseUnsupported(thresholds, { read: ['priority', 'maxConnections'] });
  return thresholds.maxConnections ?? DEFAULTS.maxConnectionsPerHost;
};

/** Of each priority its first entry, as Envoy takes it. */
const firstOf = <T>(all: readonly Thresholds[], list: string, compile: (thresholds: Thresholds) => T): { low?: T; high?: T } => {
  const first: { low?: T; high?: T } = {};
  for (const [index, thresholds] of all.entries()) {
    const compiled = inField(`${list}[${index}]`, () => compile(thresholds));
    if (thresholds.priority === RoutingPriority.HIGH) first.high ??= compiled;
    else first.low ??= compiled;
  }
  return first;
};

/** Throws ConfigError with a path relative to the cluster. */
export const compileLimits = (breakers: CircuitBreakers | undefined): LimitsByPriority => {
  if (!breakers) return { limits: DEFAULTS, highLimits: DEFAULTS };
  return inField('circuit_breakers', () => {
    refuseUnsupported(breakers, { read: ['thresholds', 'perHostThresholds'] });
    const cluster = firstOf(breakers.thresholds, 'thresholds', compileThresholds);
    const host = firstOf(breakers.perHostThresholds, 'per_host_thresholds', compilePerHost);
    const joined = (limits: Limits | undefined, perHost: number | undefined): Limits => ({
      ...(limits ?? DEFAULTS),
      maxConnectionsPerHost: perHost ?? DEFAULTS.maxConnectionsPerHost,
    });
    return { limits: joined(cluster.low, host.low), highLimits: joined(cluster.high, host.high) };
  });
};
