import { expect, test } from 'vitest';
import { dottedName, MetricRegistry } from '#system/metric-registry.ts';
import { CircuitBreaker } from './circuit-breaker.ts';
import { StatusCounters } from './status-counters.ts';

const numbers = (metrics: MetricRegistry) =>
  Object.fromEntries(metrics.entries().flatMap((entry) => (entry.type === 'histogram' ? [] : [[dottedName(entry), entry.metric.value]])));

test('an answer counts by status and by class, in names that appear with the first one', () => {
  const metrics = new MetricRegistry();
  const counters = new StatusCounters(metrics.scope('cluster', 'a'), 'retry.');
  counters.count(503);
  counters.count(503);
  counters.count(200);
  expect(numbers(metrics)).toEqual({
    'cluster.a.retry.upstream_rq_completed': 3,
    'cluster.a.retry.upstream_rq_503': 2,
    'cluster.a.retry.upstream_rq_5xx': 2,
    'cluster.a.retry.upstream_rq_200': 1,
    'cluster.a.retry.upstream_rq_2xx': 1,
  });
});

test('a breaker tells whether there is room, as of now', () => {
  const metrics = new MetricRegistry();
  const breaker = new CircuitBreaker({ maxConnections: 9, maxPending: 9, maxRequests: 1, maxRetries: 0, tracked: true });
  breaker.tell(metrics.scope('cluster', 'a'));
  const open = () =>
    ['rq_open', 'remaining_rq', 'rq_retry_open', 'cx_open'].map((name) => metrics.value(`cluster.a.circuit_breakers.default.${name}`));
  expect(open()).toEqual([0, 1, 1, 0]);
  breaker.requests++;
  expect(open()).toEqual([1, 0, 1, 0]);
});
