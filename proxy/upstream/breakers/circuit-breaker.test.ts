import { describe, expect, it, test } from 'vitest';
import { Cluster } from '#envoy';
import { MetricRegistry } from '#system/metric-registry.ts';
import { CircuitBreaker } from './circuit-breaker.ts';
import { compileLimits } from './compile-limits.ts';

const compiled = (json: object) => compileLimits(Cluster.fromJSON({ circuitBreakers: json }).circuitBreakers);

const told = (json: object) => {
  const metrics = new MetricRegistry();
  const breaker = new CircuitBreaker(compiled({ thresholds: [json] }).limits);
  breaker.tell(metrics.scope('cluster', 'a'), 'default');
  return { breaker, gauge: (name: string) => metrics.value(`cluster.a.circuit_breakers.default.${name}`) };
};

test('a breaker tells whether there is room, as of now; a limit of 0 that was never tried is not told as reached', () => {
  const { breaker, gauge } = told({ maxRequests: 1, maxRetries: 0, trackRemaining: true });
  const open = () => ['rq_open', 'remaining_rq', 'rq_retry_open', 'cx_open'].map(gauge);
  expect(open()).toEqual([0, 1, 0, 0]);
  breaker.requests++;
  expect(open()).toEqual([1, 0, 0, 0]);
});

test('what remains is told only where it is asked for, pools among it', () => {
  const { breaker, gauge } = told({ maxConnectionPools: 2, trackRemaining: true });
  breaker.pools = 2;
  expect([gauge('cx_pool_open'), gauge('remaining_cx_pools'), gauge('remaining_cx')]).toEqual([1, 0, 1024]);
  expect(told({}).gauge('remaining_cx')).toBeUndefined();
});

test('a retry budget moves with what is in use, but for its minimum; what is left of it is told as 0', () => {
  const { breaker, gauge } = told({
    maxRetries: 1,
    trackRemaining: true,
    retryBudget: { budgetPercent: { value: 50 }, minRetryConcurrency: 2 },
  });
  const limits = [0, 5, 9].map((active) => {
    breaker.requests = active;
    return breaker.retryLimit;
  });
  expect(limits).toEqual([2, 2, 4]);
  breaker.retries = 4;
  expect([breaker.mayRetry, gauge('rq_retry_open'), gauge('remaining_retries')]).toEqual([false, 1, 0]);
});

describe('limits', () => {
  it('are of the first entry for their priority', () => {
    const { limits, highLimits } = compiled({
      thresholds: [{ priority: 'HIGH', maxRequests: 7 }, { maxRequests: 8 }, { maxRequests: 9 }],
      perHostThresholds: [{ maxConnections: 2 }],
    });
    expect([limits.maxRequests, highLimits.maxRequests]).toEqual([8, 7]);
    expect([limits.maxConnectionsPerHost, highLimits.maxConnectionsPerHost]).toEqual([2, Number.POSITIVE_INFINITY]);
  });

  it.each([
    [{ perHostThresholds: [{ maxRequests: 1 }] }, 'circuit_breakers.per_host_thresholds[0].max_requests'],
    [{ thresholds: [{ retryBudget: { budgetPercent: { value: 101 } } }] }, 'circuit_breakers.thresholds[0].retry_budget.budget_percent'],
  ])('%j is refused', (json, path) => {
    expect(() => compiled(json)).toThrow(path);
  });
});
