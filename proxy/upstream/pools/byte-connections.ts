/** Connections that are no part of a pool of requests: for filters with a protocol of their own, and for clients whose bytes are copied. */
import { ConnectError, type Connection } from '#system/network.ts';
import { StreamError } from '../../http/stream-error.ts';
import { CountedConnection } from './counted-connection.ts';
import { overflow, type PoolHost, type PoolRoom } from './pool.ts';

/** A host to which such connections are opened. */
interface ByteHost extends PoolHost {
  dial(serverName: string, signal?: AbortSignal): Promise<Connection>;
  openForBytes(signal: AbortSignal): Promise<Connection>;
  /** Where the cluster detects outliers. */
  readonly outlier: { connectedForBytes(): void; timedOut(): void; failed(): void } | undefined;
}

/** An open connection, and to whom. */
interface Connected<H> {
  readonly connection: Connection;
  readonly host: H;
}

/** For a filter; undefined when there is no host. Rejects with what the dial ended with. */
export const connectAlone = async <H extends ByteHost>(
  room: PoolRoom,
  host: H | undefined,
  signal: AbortSignal | undefined,
): Promise<Connected<H> | undefined> => {
  if (!host) {
    room.stats.noneHealthy.value++;
    return undefined;
  }
  const counted = new CountedConnection(room, host);
  try {
    const connection = await host.dial('', signal);
    counted.opened();
    connection.once('close', () => counted.ended({ by: 'local', isBusy: false }));
    return { connection, host };
  } catch (error) {
    counted.failed(error);
    throw error;
  }
};

/**
 * For a client's bytes; undefined when there is no host.
 * Rejects with what the dial ended with, and with StreamError UO where the cluster has no room: nobody is made to wait for what may never end.
 */
export const connectForBytes = async <H extends ByteHost>(
  { breaker, stats }: PoolRoom,
  pick: () => H | undefined,
  signal: AbortSignal,
): Promise<Connected<H> | undefined> => {
  if (breaker.connections >= breaker.limits.maxConnections) {
    stats.connectionOverflow.value++;
    breaker.refused.connections++;
    throw overflow();
  }
  const host = pick();
  if (!host) {
    stats.noneHealthy.value++;
    return undefined;
  }
  try {
    const connection = await host.openForBytes(signal);
    host.outlier?.connectedForBytes();
    return { connection, host };
  } catch (error) {
    if (!signal.aborted && !(error instanceof StreamError)) {
      if (error instanceof ConnectError && error.reason === 'timeout') host.outlier?.timedOut();
      else host.outlier?.failed();
    }
    throw error;
  }
};
