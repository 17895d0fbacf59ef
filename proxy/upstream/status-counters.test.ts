import { expect, test } from 'vitest';
import { dottedName, MetricRegistry } from '#system/metric-registry.ts';
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
