/** `http.<stat_prefix>.downstream_…`: what a connection manager counts about its clients. Names once, fields afterwards. */
import type { Metrics } from '#system/metrics.ts';
import type { ConnectionObserver, StreamObserver } from '../http/connection-manager.ts';
import { http2Numbers } from '../http/http2/http2-numbers.ts';

/** logs: observers that run after the numbers. */
export const requestMetrics = (metrics: Metrics, statPrefix: string, logs: readonly StreamObserver[]): ConnectionObserver => {
  const scope = metrics.scope('http', statPrefix);
  const classes = [1, 2, 3, 4, 5].map((digit) => scope.counter(`downstream_rq_${digit}xx`));
  const completed = scope.counter('downstream_rq_completed');
  const total = scope.counter('downstream_rq_total');
  const active = scope.gauge('downstream_rq_active');
  const connections = scope.counter('downstream_cx_total');
  const connectionsActive = scope.gauge('downstream_cx_active');
  const destroyed = scope.counter('downstream_cx_destroy');
  const duration = scope.histogram('downstream_rq_time');
  const reset = scope.counter('downstream_rq_rx_reset');
  const idle = scope.counter('downstream_rq_idle_timeout');
  const late = scope.counter('downstream_rq_timeout');
  const tooLong = scope.counter('downstream_rq_max_duration_reached');
  const noRoute = scope.counter('no_route');
  const count: StreamObserver = ({ stream, end }) => {
    active.value--;
    duration.observe(Math.floor(end.durationMs));
    const klass = classes[Math.floor(end.status / 100) - 1];
    if (klass) {
      klass.value++;
      completed.value++;
    }
    if (stream.codeDetails === 'max_duration_timeout') tooLong.value++;
    else if (stream.codeDetails === 'request_overall_timeout') late.value++;
    if (stream.flags.size === 0) return;
    if (stream.flags.has('SI')) idle.value++;
    if (stream.flags.has('DC')) reset.value++;
    if (stream.flags.has('NR')) noRoute.value++;
  };
  return {
    opened: () => {
      connections.value++;
      connectionsActive.value++;
    },
    closed: () => {
      connectionsActive.value--;
      destroyed.value++;
    },
    http2: () => ({
      numbers: http2Numbers(metrics.scope('http2'), ''),
      connections: scope.counter('downstream_cx_http2_total'),
      active: scope.gauge('downstream_cx_http2_active'),
      requests: scope.counter('downstream_rq_http2_total'),
    }),
    started: () => {
      total.value++;
      active.value++;
    },
    finished: [count, ...logs],
  };
};
