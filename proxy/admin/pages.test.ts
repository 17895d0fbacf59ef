import { expect, test } from 'vitest';
import { MetricRegistry } from '../system/metric-registry.ts';
import { type AdminView, adminAnswer } from './pages.ts';

const metrics = new MetricRegistry();
metrics.scope('cluster', 'a').counter('upstream_rq_total').value = 3;
const view: AdminView = {
  state: () => 'INITIALIZING',
  metrics: () => metrics.entries(),
  resetCounters: () => {},
  listeners: () => [],
  uptimeMs: () => 0,
  node: { id: '', cluster: '' },
};
const get = (path: string, extra: object = {}) =>
  adminAnswer({ method: 'GET', path, authority: '127.0.0.1:9901', origin: undefined, ...extra }, view);

test('readiness is 503 with the state name until live', () => {
  expect(get('/ready')).toMatchObject({ status: 503, text: 'INITIALIZING\n' });
});

test('numbers are told in dotted names and, for Prometheus, with the scope as a label', () => {
  expect(get('/stats?filter=rq').text).toBe('cluster.a.upstream_rq_total: 3\n');
  expect(get('/stats/prometheus').text).toContain('envoy_cluster_upstream_rq_total{envoy_cluster_name="a"} 3');
});

test('changing pages want POST, unknown ones list what there is, foreign names and origins are refused', () => {
  expect(get('/reset_counters').status).toBe(405);
  expect(get('/nope').text).toContain('/ready');
  expect(get('/ready', { authority: 'evil.example' }).status).toBe(403);
  expect(get('/ready', { origin: 'http://evil.example' }).status).toBe(403);
});
