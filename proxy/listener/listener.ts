/** One accepted connection: read what comes before the protocol (PROXY line, first bytes), pick its chain, hand it over. */

import type { Connection, SocketAddress } from '#system/network.ts';
import type { System } from '#system/system.ts';
import { Http1Server } from '../codec/http1-server.ts';
import type { CompiledListener } from './compile-listener.ts';
import { bestChain } from './filter-chain-match.ts';
import { parseProxyLine } from './original-destination.ts';
import { type Looks, type Sniffed, sniff } from './protocol-sniff.ts';

/** What serving a connection needs of its manager. */
export interface ServeRooms {
  readonly system: System;
  readonly id: number;
  /** The listener that owns an original destination. */
  readonly handOver: (destination: SocketAddress) => CompiledListener | undefined;
}

/** A connection that is being served. */
export interface OpenConnection {
  readonly closed: Promise<void>;
  drain(): void;
  destroy(): void;
}

interface Opening {
  local: SocketAddress;
  remote: SocketAddress;
  spoken: Sniffed;
}

const PROTOCOLS: Readonly<Partial<Record<Sniffed, string>>> = { http1: 'http/1.1', http2: 'h2c' };

/** Owns the connection from now on. */
export const serveConnection = (connection: Connection, listener: CompiledListener, rooms: ServeRooms): OpenConnection => {
  let server: Http1Server | undefined;
  let draining = false;
  const redirected = listener.originalDst ? connection.redirectedFrom?.() : undefined;
  const opening: Opening = { local: redirected ?? connection.local, remote: connection.remote, spoken: 'opaque' };
  const start = (): void => {
    server = serveOpened(connection, listener, opening, rooms);
    if (draining) server?.drain();
  };
  connection.on('error', () => {});
  if (listener.proxyProtocol !== 'none' || looksFor(listener, opening, rooms)) readOpening(connection, { listener, opening, rooms, start });
  else start();
  return {
    closed: new Promise((resolve) => connection.once('close', () => resolve())),
    drain: () => {
      draining = true;
      server?.drain();
    },
    destroy: () => connection.destroy(),
  };
};

interface Reading {
  readonly listener: CompiledListener;
  readonly opening: Opening;
  readonly rooms: ServeRooms;
  readonly start: () => void;
}

const readOpening = (connection: Connection, { listener, opening, rooms, start }: Reading): void => {
  let bytes: Buffer = Buffer.alloc(0);
  let lineDone = listener.proxyProtocol === 'none';
  const stop = (): void => {
    cancel();
    connection.off('data', onData).off('end', giveUp);
    connection.pause();
  };
  const giveUp = (): void => {
    stop();
    connection.resetAndDestroy();
  };
  const proceed = (): void => {
    stop();
    if (bytes.length > 0) connection.unshift(bytes);
    start();
  };
  const onData = (chunk: Buffer): void => {
    bytes = bytes.length === 0 ? chunk : Buffer.concat([bytes, chunk]);
    if (!lineDone) {
      const line = parseProxyLine(bytes);
      if (line === undefined) return;
      if (line === 'invalid' || (line === 'none' && listener.proxyProtocol === 'required')) {
        giveUp();
        return;
      }
      if (line !== 'none') {
        bytes = bytes.subarray(line.length);
        opening.remote = line.ends?.source ?? opening.remote;
        opening.local = line.ends?.destination ?? opening.local;
      }
      lineDone = true;
    }
    const looks = looksFor(listener, opening, rooms);
    if (!looks) {
      proceed();
      return;
    }
    opening.spoken = sniff(bytes, looks);
    if (opening.spoken !== 'undetermined') proceed();
  };
  const cancel =
    listener.sniffTimeoutMs === 0
      ? () => {}
      : rooms.system.clock.after(listener.sniffTimeoutMs, () => {
          if (lineDone && listener.continueOnTimeout) return proceed();
          stop();
          connection.destroy();
        });
  connection.once('close', () => cancel());
  connection.on('data', onData).on('end', giveUp);
};

/** What to look for in the first bytes: both the listener that accepted and the one that it hands over to may want to know. */
const looksFor = (listener: CompiledListener, opening: Opening, rooms: ServeRooms): Looks | undefined => {
  const { port } = opening.local;
  const own = listener.looksAt(port);
  const theirs = targetOf(listener, opening, rooms)?.looksAt(port);
  const looks = { tls: own.tls || theirs?.tls === true, http: own.http || theirs?.http === true };
  return looks.tls || looks.http ? looks : undefined;
};

const targetOf = (listener: CompiledListener, opening: Opening, rooms: ServeRooms): CompiledListener | undefined =>
  listener.useOriginalDst ? rooms.handOver(opening.local) : undefined;

const serveOpened = (connection: Connection, listener: CompiledListener, opening: Opening, rooms: ServeRooms): Http1Server | undefined => {
  const target = targetOf(listener, opening, rooms) ?? listener;
  const protocol = PROTOCOLS[opening.spoken];
  const chain =
    bestChain(target.chains, {
      destination: opening.local,
      source: opening.remote,
      serverName: '',
      transport: opening.spoken === 'tls' ? 'tls' : 'raw_buffer',
      protocols: protocol === undefined ? [] : [protocol],
    }) ?? target.defaultChain;
  if (!chain) {
    rooms.system.metrics.scope('listener', target.statPrefix || target.name).counter('no_filter_chain_match').value++;
    connection.destroy();
    return undefined;
  }
  const downstream = { id: rooms.id, local: opening.local, remote: opening.remote };
  if (chain.filter.kind === 'http') return new Http1Server(connection, chain.filter.http, downstream, rooms.system.clock);
  chain.filter.tcp(connection, downstream);
  return undefined;
};
