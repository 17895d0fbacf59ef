/** LIVING STATE: a cluster's ways to its hosts. A way that stays the same keeps its secrets and sessions when the rest of the cluster changes. */

import type { MetricScope } from '#system/metrics.ts';
import type { Connection } from '#system/network.ts';
import type { System } from '#system/system.ts';
import { ClientHandshakes, type HandshakeWith } from '../tls/client-handshakes.ts';
import type { LiveContext, TlsRoom } from '../tls/live-context.ts';
import type { ClusterConfig } from './compile-cluster.ts';
import { allSockets, RAW, type SocketConfig, type SocketLabels, socketFor } from './transport-sockets.ts';

/** One way. Same key = same way. */
export interface Transport {
  readonly key: string;
  /** Which server name connections for this authority ask for; empty = what the configuration says, the same for all. */
  serverName(authority: string): string;
  /** Before a connection is opened. Rejects with TlsHandshakeError when a handshake could only fail. */
  prepare(): Promise<Secure>;
}

/** Rejects with ConnectError on timeout and TlsHandshakeError otherwise; the connection is over then. */
type Secure = (connection: Connection, how: HandshakeWith) => Promise<Connection>;

const AS_IT_IS: Secure = async (connection) => connection;
const PLAIN: Transport = { key: RAW.key, serverName: () => '', prepare: async () => AS_IT_IS };

/** What they stand on. */
interface TransportRooms {
  readonly system: System;
  readonly tls: TlsRoom;
  readonly scope: MetricScope;
}

/** All ways of one cluster. */
export class Transports {
  readonly #rooms: TransportRooms;
  readonly #living = new Map<string, ClientHandshakes>();
  #config: ClusterConfig;

  constructor(config: ClusterConfig, rooms: TransportRooms) {
    this.#rooms = rooms;
    this.#config = config;
  }

  configure(config: ClusterConfig): void {
    this.#config = config;
    const wanted = new Set(allSockets(config.sockets).map((socket) => keyOf(socket, config)));
    for (const key of this.#living.keys()) if (!wanted.has(key)) this.#living.delete(key);
  }

  /** Of the ways under TLS that have been used. */
  tlsContexts(): LiveContext[] {
    return [...this.#living.values()].map(({ context }) => context);
  }

  for(labels: SocketLabels | undefined): Transport {
    const socket = socketFor(this.#config.sockets, labels);
    if (socket.kind === 'raw') return PLAIN;
    const key = keyOf(socket, this.#config);
    const known = this.#living.get(key);
    if (known) return known;
    const { name, connections } = this.#config;
    const made = new ClientHandshakes(socket.tls, { ...this.#rooms, key, clusterName: name, autoName: connections.autoName });
    this.#living.set(key, made);
    return made;
  }
}

const keyOf = (socket: SocketConfig, { connections: { autoName } }: ClusterConfig): string =>
  socket.kind === 'raw' ? socket.key : `${socket.key} ${autoName.isAsked} ${autoName.isRequired}`;
