/** Sockets as a parameter: real ones, or in-memory ones in the simulated world. Used by listener/ and upstream/pools only. */
import type { Duplex } from 'node:stream';
import type { TlsFacts } from './tls/tls-facts.ts';

/** Where one end of a connection is. */
export interface SocketAddress {
  readonly address: string;
  readonly port: number;
}

/**
 * An open byte stream. The codec uses what Duplex offers (`on('data')`, `write`, `cork`, `pause`, `destroy`), nothing else of a socket.
 * `resetAndDestroy` ends it with RST where the network has such a thing.
 */
export type Connection = Duplex & {
  readonly local: SocketAddress;
  readonly remote: SocketAddress;
  resetAndDestroy(): unknown;
  /** Where the client dialled before the machine's packet filter redirected it here; undefined where nobody did. Absent where networks do not redirect. */
  redirectedFrom?(): SocketAddress | undefined;
  /** Of a connection that came out of a handshake. */
  readonly tls?: TlsFacts;
};

/** A bound port. Closing stops accepting; open connections go on. */
export interface BoundListener {
  readonly address: SocketAddress;
  close(): Promise<void>;
}

/** A refused or failed dial; `reason` decides the words of the local reply. */
export class ConnectError extends Error {
  override readonly name = 'ConnectError';
  readonly reason: 'refused' | 'timeout' | 'unreachable' | 'aborted';

  constructor(reason: ConnectError['reason'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.reason = reason;
  }
}

/** How a connection is opened. */
export interface ConnectOptions {
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
  /** Silence after which the system asks whether the other end is still there; undefined = it does not ask. */
  readonly keepAliveMs?: number | undefined;
}

/** Everything that either plane does with sockets, gRPC aside. */
export interface Network {
  /** Present where bytes only travel between this program's own sockets, and HTTP/2 does not. */
  readonly isSimulated?: true;
  /** Port 0 lets the system choose. Rejects with the system's error (EADDRINUSE …). `accept` is called once a connection, paused until somebody reads. */
  listen(at: SocketAddress, accept: (connection: Connection) => void): Promise<BoundListener>;
  /** Settles when the connection is open. Rejects with ConnectError. */
  connect(to: SocketAddress, options: ConnectOptions): Promise<Connection>;
  /** Addresses of a host name, for STRICT_DNS clusters; empty when the name does not exist. Rejects when the resolver fails. */
  resolve(hostname: string): Promise<readonly string[]>;
}
