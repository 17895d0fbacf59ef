/** One accepted connection: read what comes before the protocol (PROXY line, first bytes), pick its chain, hand it over. */

import type { MetricScope } from '#system/metrics.ts';
import type { Connection, SocketAddress } from '#system/network.ts';
import type { System } from '#system/system.ts';
import { TlsHandshakeError } from '#system/tls/tls.ts';
import type { DownstreamConnection } from '../http/stream-info.ts';
import { type ClientHello, readClientHello } from './client-hello.ts';
import type { CompiledChain, CompiledListener } from './compile-listener.ts';
import { bestChain } from './filter-chain-match.ts';
import { parseProxyLine } from './original-destination.ts';
import { type Looks, type Sniffed, sniff } from './protocol-sniff.ts';
import { type HttpServer, serveHttp } from './serve-http.ts';

/** What serving a connection needs of its manager. */
export interface ServeRooms {
  readonly system: System;
  readonly id: number;
  /** The listener's numbers. */
  readonly scope: MetricScope;
  /** Called once a chain takes the connection. */
  readonly admitted: () => void;
  /** The listener that owns an original destination. */
  readonly handOver: (destination: SocketAddress) => CompiledListener | undefined;
}

/** A connection that is being served. */
export interface OpenConnection {
  readonly closed: Promise<void>;
  /** The configuration has changed. Requests that come from now on are served by what it says; where it has no place any more for such a connection, that one drains. */
  adopt(listener: CompiledListener): void;
  drain(): void;
  destroy(): void;
}

interface Opening {
  local: SocketAddress;
  remote: SocketAddress;
  spoken: Sniffed;
  /** Where it speaks TLS. */
  hello: ClientHello | undefined;
}

const PROTOCOLS: Readonly<Partial<Record<Sniffed, string>>> = { http1: 'http/1.1', http2: 'h2c' };

/** Owns the connection from now on. */
export const serveConnection = (connection: Connection, first: CompiledListener, rooms: ServeRooms): OpenConnection => {
  let listener = first;
  let served: Served | undefined;
  let draining = false;
  const redirected = listener.originalDst ? connection.redirectedFrom?.() : undefined;
  const opening: Opening = { local: redirected ?? connection.local, remote: connection.remote, spoken: 'opaque', hello: undefined };
  const start = (): void =>
    serveOpened(connection, listener, {
      opening,
      rooms,
      served: (server, chain) => {
        served = { server, chain };
        // What changed during the handshake is not missed.
        served = adopted(served, chainFor(listener, opening, rooms));
        if (draining) server.drain();
      },
    });
  connection.on('error', () => {});
  if (listener.proxyProtocol !== 'none' || looksFor(listener, opening, rooms)) readOpening(connection, { listener, opening, rooms, start });
  else start();
  return {
    closed: new Promise((resolve) => connection.once('close', () => resolve())),
    adopt: (next) => {
      listener = next;
      if (served) served = adopted(served, chainFor(listener, opening, rooms));
    },
    drain: () => {
      draining = true;
      served?.server.drain();
    },
    destroy: () => connection.destroy(),
  };
};

/** A connection on which requests are served, and the chain that says how. */
interface Served {
  readonly server: HttpServer;
  readonly chain: CompiledChain;
}

/** Under another handshake or another protocol the connection would not be what it is: it must be made anew. */
const adopted = (served: Served, chain: CompiledChain | undefined): Served => {
  if (chain === served.chain) return served;
  const { server } = served;
  if (chain?.filter.kind !== 'http' || chain.tls?.key !== served.chain.tls?.key) {
    server.drain();
    return served;
  }
  server.serveBy(chain.filter.http);
  return { server, chain };
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
  let cancelHello: (() => void) | undefined;
  const stop = (): void => {
    cancel();
    cancelHello?.();
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
    look(opening, bytes, looks);
    if (opening.spoken !== 'undetermined') proceed();
    else if (looks.tls && bytes[0] === TLS_HANDSHAKE) cancelHello ??= rooms.system.clock.after(GREETING_MS, giveUp);
  };
  const giveUpQuietly = (): void => {
    stop();
    connection.destroy();
  };
  const expire = (): void => {
    if (lineDone && listener.continueOnTimeout) proceed();
    else giveUpQuietly();
  };
  const cancel = listener.sniffTimeoutMs === 0 ? () => {} : rooms.system.clock.after(listener.sniffTimeoutMs, expire);
  connection.once('close', () => {
    cancel();
    cancelHello?.();
  });
  connection.on('data', onData).on('end', giveUp);
};

const TLS_HANDSHAKE = 0x16;
/** Who began a greeting finishes it in this time, however long a listener waits for a first byte. */
const GREETING_MS = 10_000;

/** Sets what is spoken, and what a greeting says. */
const look = (opening: Opening, bytes: Buffer, looks: Looks): void => {
  opening.spoken = sniff(bytes, looks);
  if (opening.spoken !== 'tls') return;
  const hello = readClientHello(bytes);
  if (typeof hello === 'object') opening.hello = hello;
  else opening.spoken = hello === 'incomplete' ? 'undetermined' : 'opaque';
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

interface Serving {
  readonly opening: Opening;
  readonly rooms: ServeRooms;
  /** Called where requests are served. */
  readonly served: (server: HttpServer, chain: CompiledChain) => void;
}

/** Which chain the connection belongs to, as its first bytes say. */
const chainFor = (listener: CompiledListener, opening: Opening, rooms: ServeRooms): CompiledChain | undefined => {
  const target = targetOf(listener, opening, rooms) ?? listener;
  const protocol = PROTOCOLS[opening.spoken];
  const { hello } = opening;
  const facts = {
    destination: opening.local,
    source: opening.remote,
    serverName: hello?.serverName ?? '',
    transport: opening.spoken === 'tls' ? ('tls' as const) : ('raw_buffer' as const),
    protocols: hello?.protocols ?? (protocol === undefined ? [] : [protocol]),
  };
  return bestChain(target.chains, facts) ?? target.defaultChain;
};

const serveOpened = (connection: Connection, listener: CompiledListener, { opening, rooms, served }: Serving): void => {
  const target = targetOf(listener, opening, rooms) ?? listener;
  const { hello } = opening;
  const chain = chainFor(listener, opening, rooms);
  const downstream: DownstreamConnection = {
    id: rooms.id,
    local: opening.local,
    remote: opening.remote,
    ...(hello && hello.serverName !== '' && { serverName: hello.serverName }),
  };
  if (!chain) {
    const scope = target === listener ? rooms.scope : rooms.system.metrics.scope('listener', target.statPrefix || target.name);
    scope.counter('no_filter_chain_match').value++;
    target.refused(downstream);
    // What has been read is lost: a client learns that from a reset.
    connection.resetAndDestroy();
    return;
  }
  rooms.admitted();
  if (chain.tls) void secureAndServe(connection, chain, { downstream, opening, rooms, served });
  else handTo(chain, connection, { downstream, rooms, served });
};

interface Handing {
  readonly downstream: DownstreamConnection;
  readonly rooms: ServeRooms;
  readonly served: Serving['served'];
}

const handTo = (chain: CompiledChain, connection: Connection, { downstream, rooms, served }: Handing): void => {
  const { filter } = chain;
  if (filter.kind === 'http') served(serveHttp(connection, filter.http, downstream, rooms.system.clock), chain);
  else filter.tcp(connection, downstream);
};

/** Never rejects. */
const secureAndServe = async (raw: Connection, chain: CompiledChain, handing: Handing & { readonly opening: Opening }): Promise<void> => {
  const { rooms, opening, downstream } = handing;
  if (!chain.tls) return;
  const { handshakes, timeoutMs } = chain.tls;
  const offered = opening.hello?.protocols;
  try {
    const { connection, peerIdentity } = await handshakes.accept(raw, { timeoutMs, scope: rooms.scope, ...(offered && { offered }) });
    const { tls } = connection;
    const serverName = tls?.serverName || downstream.serverName;
    handTo(chain, connection, {
      ...handing,
      downstream: {
        ...downstream,
        ...(serverName && { serverName }),
        ...(tls && { tls }),
        ...(peerIdentity !== undefined && { peerIdentity }),
      },
    });
  } catch (error) {
    raw.destroy();
    const reason = error instanceof Error ? error.message : String(error);
    const { address, port } = opening.remote;
    if (error instanceof TlsHandshakeError)
      rooms.system.log.info('listener.handshake-failed', { remote: `${address}:${port}`, port: opening.local.port, reason });
    else rooms.system.log.error('listener.serve-failed', { reason: error instanceof Error ? (error.stack ?? reason) : reason });
  }
};
