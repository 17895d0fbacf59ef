/** One cluster's numbers under Envoy's names, looked up once. */
import type { Counter, Gauge, Histogram, MetricScope } from '#system/metrics.ts';
import { type Http2Numbers, http2Numbers } from '../http/http2/http2-numbers.ts';
import { StatusCounters } from './status-counters.ts';

/** Fields to count on. */
export interface ClusterStats {
  /** Requests that were given a connection. */
  readonly requests: Counter;
  /** What clients were told in the end, also by this proxy itself: one an exchange. */
  readonly answered: StatusCounters;
  /** Answers that gave way to another try. */
  readonly retried: StatusCounters;
  readonly activeRequests: Gauge;
  readonly pendingTotal: Counter;
  readonly pendingActive: Gauge;
  readonly pendingOverflow: Counter;
  /** Refused when there was a connection for them, since too many were under way. */
  readonly activeOverflow: Counter;
  readonly pendingFailureEject: Counter;
  readonly timeouts: Counter;
  readonly perTryTimeouts: Counter;
  readonly perTryIdleTimeouts: Counter;
  /** Given up while they still waited for a connection. */
  readonly cancelled: Counter;
  readonly retries: Counter;
  readonly retryBackoffs: Counter;
  readonly retryAskedBackoffs: Counter;
  readonly retrySuccess: Counter;
  readonly retryOverflow: Counter;
  readonly retryLimitExceeded: Counter;
  readonly retriesAbandoned: Counter;
  readonly connections: Counter;
  readonly http1Connections: Counter;
  readonly http2Connections: Counter;
  /** Made with the first connection that speaks it. */
  readonly http2: () => Http2Numbers;
  readonly connectionsUsedUp: Counter;
  readonly protocolErrors: Counter;
  readonly activeConnections: Gauge;
  readonly connectionsTooOld: Counter;
  readonly idleTimeouts: Counter;
  /** Exchanges that took longer than the cluster allows. */
  readonly streamsTooLong: Counter;
  readonly destroyed: Counter;
  readonly destroyedLocal: Counter;
  readonly destroyedRemote: Counter;
  /** With an exchange under way. */
  readonly destroyedBusy: Counter;
  readonly destroyedLocalBusy: Counter;
  readonly destroyedRemoteBusy: Counter;
  /** Bytes, without those of TLS. */
  readonly received: Counter;
  readonly sent: Counter;
  /** Milliseconds from the dial to the end. */
  readonly connectionLength: Histogram;
  readonly connectTime: Histogram;
  readonly requestsPerConnection: Histogram;
  readonly connectFailures: Counter;
  readonly connectTimeouts: Counter;
  readonly connectionOverflow: Counter;
  readonly noneHealthy: Counter;
  readonly members: Gauge;
  /** Beyond max_connect_attempts of a TCP proxy. */
  readonly connectAttemptsExceeded: Counter;
  readonly poolOverflow: Counter;
  readonly healthyMembers: Gauge;
  readonly degradedMembers: Gauge;
  readonly excludedMembers: Gauge;
  readonly panics: Counter;
  readonly membershipChanges: Counter;
  readonly time: Histogram;
}

const retryStats = (scope: MetricScope) => ({
  retries: scope.counter('upstream_rq_retry'),
  retryBackoffs: scope.counter('upstream_rq_retry_backoff_exponential'),
  retryAskedBackoffs: scope.counter('upstream_rq_retry_backoff_ratelimited'),
  retrySuccess: scope.counter('upstream_rq_retry_success'),
  retryOverflow: scope.counter('upstream_rq_retry_overflow'),
  retryLimitExceeded: scope.counter('upstream_rq_retry_limit_exceeded'),
  retriesAbandoned: scope.counter('retry_or_shadow_abandoned'),
});

/** Names: Envoy "Cluster manager → statistics". */
export const clusterStats = (scope: MetricScope): ClusterStats => {
  let http2: Http2Numbers | undefined;
  return {
    requests: scope.counter('upstream_rq_total'),
    answered: new StatusCounters(scope, ''),
    retried: new StatusCounters(scope, 'retry.'),
    activeRequests: scope.gauge('upstream_rq_active'),
    pendingTotal: scope.counter('upstream_rq_pending_total'),
    pendingActive: scope.gauge('upstream_rq_pending_active'),
    pendingOverflow: scope.counter('upstream_rq_pending_overflow'),
    pendingFailureEject: scope.counter('upstream_rq_pending_failure_eject'),
    timeouts: scope.counter('upstream_rq_timeout'),
    activeOverflow: scope.counter('upstream_rq_active_overflow'),
    perTryTimeouts: scope.counter('upstream_rq_per_try_timeout'),
    perTryIdleTimeouts: scope.counter('upstream_rq_per_try_idle_timeout'),
    cancelled: scope.counter('upstream_rq_cancelled'),
    ...retryStats(scope),
    connections: scope.counter('upstream_cx_total'),
    http1Connections: scope.counter('upstream_cx_http1_total'),
    http2Connections: scope.counter('upstream_cx_http2_total'),
    http2: () => {
      http2 ??= http2Numbers(scope, 'http2.');
      return http2;
    },
    connectionsUsedUp: scope.counter('upstream_cx_max_requests'),
    protocolErrors: scope.counter('upstream_cx_protocol_error'),
    activeConnections: scope.gauge('upstream_cx_active'),
    connectFailures: scope.counter('upstream_cx_connect_fail'),
    connectTimeouts: scope.counter('upstream_cx_connect_timeout'),
    connectionsTooOld: scope.counter('upstream_cx_max_duration_reached'),
    idleTimeouts: scope.counter('upstream_cx_idle_timeout'),
    streamsTooLong: scope.counter('upstream_rq_max_duration_reached'),
    destroyed: scope.counter('upstream_cx_destroy'),
    destroyedLocal: scope.counter('upstream_cx_destroy_local'),
    destroyedRemote: scope.counter('upstream_cx_destroy_remote'),
    destroyedBusy: scope.counter('upstream_cx_destroy_with_active_rq'),
    destroyedLocalBusy: scope.counter('upstream_cx_destroy_local_with_active_rq'),
    destroyedRemoteBusy: scope.counter('upstream_cx_destroy_remote_with_active_rq'),
    received: scope.counter('upstream_cx_rx_bytes_total'),
    sent: scope.counter('upstream_cx_tx_bytes_total'),
    connectionLength: scope.histogram('upstream_cx_length_ms'),
    connectTime: scope.histogram('upstream_cx_connect_ms'),
    requestsPerConnection: scope.histogram('upstream_rq_per_cx'),
    connectionOverflow: scope.counter('upstream_cx_overflow'),
    noneHealthy: scope.counter('upstream_cx_none_healthy'),
    members: scope.gauge('membership_total'),
    healthyMembers: scope.gauge('membership_healthy'),
    degradedMembers: scope.gauge('membership_degraded'),
    connectAttemptsExceeded: scope.counter('upstream_cx_connect_attempts_exceeded'),
    poolOverflow: scope.counter('upstream_cx_pool_overflow'),
    excludedMembers: scope.gauge('membership_excluded'),
    panics: scope.counter('lb_healthy_panic'),
    membershipChanges: scope.counter('membership_change'),
    time: scope.histogram('upstream_rq_time'),
  };
};
