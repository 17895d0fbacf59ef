/** Connections to one host, borrowed for one exchange at a time; who finds none waits in order. */
import type { Connection } from '#system/network.ts';
import type { System } from '#system/system.ts';
import type { HttpRequest, HttpResponse } from '../../http/message.ts';
import { StreamError } from '../../http/stream-error.ts';
import type { CircuitBreaker } from '../breakers/circuit-breaker.ts';
import type { ClusterStats } from '../cluster-stats.ts';
import type { ConnectionOptions } from '../compile-connection-options.ts';

/** What a pool shares with the other pools of its cluster. Options are read at use, so that a new configuration reaches old pools. */
export interface PoolRoom {
  readonly system: System;
  readonly breaker: CircuitBreaker;
  readonly stats: ClusterStats;
  readonly options: ConnectionOptions;
}

/** Opens one connection, secured where the host is reached under TLS. Rejects with ConnectError or TlsHandshakeError. */
export type Dial = () => Promise<Connection>;

/** What the host of a pool is told. */
export interface PoolHost {
  activeRequests: number;
  /** Open or being opened. */
  connections: number;
  openedConnections: number;
  requests: number;
  pendingRequests: number;
  connectFailures: number;
  /** A pool without connections, dials and requests is forgotten; the next request gets a new one. */
  emptied(pool: Pool): void;
}

/** A way to one host. */
export interface Pool {
  /** Settles with the response head; rejects with StreamError. An abort takes the exchange back, waiting or under way. */
  send(request: HttpRequest, signal: AbortSignal): Promise<HttpResponse>;
  /** Ends what is idle now and the rest when its exchange is over. */
  retire(): void;
}

/** The start of every text about an upstream that gave no response head. */
export const RESET_TEXT = 'upstream connect error or disconnect/reset before headers. reset reason: ';

/** A limit of the cluster is reached: the request never leaves this proxy. */
export const overflow = (details: { readonly unsent?: true } = {}): StreamError =>
  new StreamError('UO', {
    text: `${RESET_TEXT}overflow`,
    codeDetails: 'upstream_reset_before_response_started{overflow}',
    headers: [['x-envoy-overloaded', 'true']],
    ...details,
  });

/** Why a request that still waited for a connection was taken back. */
export const takenBack = ({ reason }: AbortSignal): unknown => (reason instanceof StreamError ? reason.with({ unsent: true }) : reason);

/** One exchange took longer than its cluster allows. */
export const overLimit = (): StreamError =>
  new StreamError('UMSDR', {
    status: 504,
    text: 'upstream max stream duration reached',
    codeDetails: 'upstream_max_stream_duration_reached',
  });

/**
 * Wall time at which the first certificate of either end is over: an identity that ended is not used any longer, whatever is still open.
 * A certificate that was over from the start was nothing to believe in: where peers are not verified, nobody minds.
 */
export const certificateEnd = ({ tls }: Connection, nowMs: number): number => {
  const ends = [tls?.local, tls?.peer].flatMap((facts) => (facts && facts.notAfterMs > nowMs ? [facts.notAfterMs] : []));
  return Math.min(Number.POSITIVE_INFINITY, ...ends);
};
