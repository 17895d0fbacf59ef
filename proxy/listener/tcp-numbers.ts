/** `tcp.<stat_prefix>.…`: what a TCP proxy counts. Names once, fields afterwards. */
import type { Counter, Metrics } from '#system/metrics.ts';

/** Counters by field. */
export interface TcpNumbers {
  readonly connections: Counter;
  readonly received: Counter;
  readonly sent: Counter;
  readonly idle: Counter;
  readonly tooLong: Counter;
}

/** Those of one stat prefix. */
export const tcpNumbers = (metrics: Metrics, statPrefix: string): TcpNumbers => {
  const scope = metrics.scope('tcp', statPrefix);
  return {
    connections: scope.counter('downstream_cx_total'),
    received: scope.counter('downstream_cx_rx_bytes_total'),
    sent: scope.counter('downstream_cx_tx_bytes_total'),
    idle: scope.counter('idle_timeout'),
    tooLong: scope.counter('max_downstream_connection_duration'),
  };
};
