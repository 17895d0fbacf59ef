/**
 * Shows what really goes over sockets, for who wants to see a request before and after its encryption: while it is armed, the next connections are recorded byte by
 * byte below every protocol, TLS included. Only processes that were started for it have one; disarmed, it is not on the way of any byte.
 */
import { Duplex } from 'node:stream';
import type { Connection, Network, SocketAddress } from '../network.ts';

/** One recorded connection. Bytes beyond the limit are counted, not kept. */
export interface TappedConnection {
  readonly side: 'accepted' | 'dialled';
  readonly local: SocketAddress;
  readonly remote: SocketAddress;
  /** Wall time of its beginning, milliseconds since the epoch. */
  readonly startedAtMs: number;
  readonly sent: TappedBytes;
  readonly received: TappedBytes;
}

/** What went one way. */
export interface TappedBytes {
  /** The first bytes, base64. */
  readonly kept: string;
  readonly total: number;
}

/** Bytes kept of each way of a connection. */
const KEPT_BYTES = 8 * 1024;
/** Connections that one arming may record. */
const MOST_CONNECTIONS = 32;

class Recording {
  readonly #chunks: Buffer[] = [];
  #kept = 0;
  #total = 0;

  add(chunk: Buffer): void {
    this.#total += chunk.length;
    const room = KEPT_BYTES - this.#kept;
    if (room <= 0) return;
    // A copy: the owner may use the buffer again.
    const part = Buffer.from(chunk.subarray(0, room));
    this.#chunks.push(part);
    this.#kept += part.length;
  }

  get bytes(): TappedBytes {
    return { kept: Buffer.concat(this.#chunks).toString('base64'), total: this.#total };
  }
}

/** A connection with an ear at it: the same bytes, the same ends, the same errors. */
class TappedSocket extends Duplex {
  readonly local: SocketAddress;
  readonly remote: SocketAddress;
  readonly #inner: Connection;
  readonly #sent: Recording;

  constructor(inner: Connection, sent: Recording, received: Recording) {
    super({ allowHalfOpen: true });
    this.#inner = inner;
    this.#sent = sent;
    this.local = inner.local;
    this.remote = inner.remote;
    inner.on('data', (chunk: Buffer) => {
      received.add(chunk);
      if (!this.push(chunk)) inner.pause();
    });
    inner.on('end', () => this.push(null));
    inner.on('error', (error) => this.destroy(error));
    inner.on('close', () => this.destroy());
    this.on('error', () => {});
  }

  redirectedFrom(): SocketAddress | undefined {
    return this.#inner.redirectedFrom?.();
  }

  resetAndDestroy(): void {
    this.#inner.resetAndDestroy();
    this.destroy();
  }

  override _read(): void {
    this.#inner.resume();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#sent.add(chunk);
    this.#inner.write(chunk, (error) => done(error));
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#inner.end(() => done());
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#inner.destroy();
    done(error);
  }
}

interface Record {
  readonly side: TappedConnection['side'];
  readonly connection: Connection;
  readonly startedAtMs: number;
  readonly sent: Recording;
  readonly received: Recording;
}

/** LIVING STATE: armed for so many connections, and what it heard. */
export class WireTap {
  readonly #wallTimeMs: () => number;
  #left = 0;
  #ports: ReadonlySet<number> = new Set();
  #records: Record[] = [];

  constructor(wallTimeMs: () => number) {
    this.#wallTimeMs = wallTimeMs;
  }

  /** Forgets what it has and records the next connections, 32 at most, that have one of these ports at one of their ends; 0 disarms. */
  arm(connections: number, ports: readonly number[]): void {
    this.#left = Math.min(connections, MOST_CONNECTIONS);
    this.#ports = new Set(ports);
    this.#records = [];
  }

  get connections(): readonly TappedConnection[] {
    return this.#records.map(({ side, connection, startedAtMs, sent, received }) => ({
      side,
      local: connection.local,
      remote: connection.remote,
      startedAtMs,
      sent: sent.bytes,
      received: received.bytes,
    }));
  }

  /** The network with this tap at it. */
  at(network: Network): Network {
    return {
      ...network,
      listen: (at, accept) => network.listen(at, (connection) => accept(this.#heard(connection, 'accepted'))),
      connect: async (to, options) => this.#heard(await network.connect(to, options), 'dialled'),
    };
  }

  #heard(connection: Connection, side: TappedConnection['side']): Connection {
    if (this.#left <= 0 || !(this.#ports.has(connection.local.port) || this.#ports.has(connection.remote.port))) return connection;
    this.#left--;
    const [sent, received] = [new Recording(), new Recording()];
    this.#records.push({ side, connection, startedAtMs: this.#wallTimeMs(), sent, received });
    return new TappedSocket(connection, sent, received);
  }
}
