/** What is counted of HTTP/2 connections, under Envoy's names: `http2.…` of listeners, `cluster.<name>.http2.…` of clusters. */
import type { Counter, Gauge, MetricScope } from '#system/metrics.ts';

const COUNTERS = {
  rxReset: 'rx_reset',
  txReset: 'tx_reset',
  trailers: 'trailers',
  goawaySent: 'goaway_sent',
  messagingErrors: 'rx_messaging_error',
  headerOverflow: 'header_overflow',
  streamsRefused: 'stream_refused_errors',
  outboundControlFlood: 'outbound_control_flood',
  emptyFramesFlood: 'inbound_empty_frames_flood',
  priorityFramesFlood: 'inbound_priority_frames_flood',
  windowUpdateFramesFlood: 'inbound_window_update_frames_flood',
  keepaliveTimeouts: 'keepalive_timeout',
  underscoresDropped: 'dropped_headers_with_underscores',
  underscoresRejected: 'requests_rejected_with_underscores_in_headers',
} as const;

/** Names of the counters. */
export type Http2Counter = keyof typeof COUNTERS;

/** Fields to count on. */
export type Http2Numbers = Readonly<Record<Http2Counter, Counter>> & { readonly streamsActive: Gauge };

/** prefix: what stands before the names inside the scope; empty where the scope itself is `http2`. */
export const http2Numbers = (scope: MetricScope, prefix: '' | 'http2.'): Http2Numbers => {
  const counters = Object.entries(COUNTERS).map(([field, name]) => [field, scope.counter(`${prefix}${name}`)]);
  return { ...(Object.fromEntries(counters) as Record<Http2Counter, Counter>), streamsActive: scope.gauge(`${prefix}streams_active`) };
};

/** What is counted of HTTP/2 clients. */
export interface Http2Downstream {
  readonly numbers: Http2Numbers;
  readonly connections: Counter;
  readonly active: Gauge;
  readonly requests: Counter;
}
