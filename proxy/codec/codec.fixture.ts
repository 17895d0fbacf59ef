/** Two ends of a connection without sockets, and a connection manager that answers what it is told. Tests only. */
import { duplexPair } from 'node:stream';
import { type Clock, realClock } from '#system/clock.ts';
import { MetricRegistry } from '#system/metric-registry.ts';
import type { Connection } from '#system/network.ts';
import { textBody } from '../http/body.ts';
import type { Handler } from '../http/filter.ts';
import { HeaderMap } from '../http/header-map.ts';
import { http2Numbers } from '../http/http2/http2-numbers.ts';
import { localReply } from '../http/local-reply.ts';
import { NO_TRAILERS } from '../http/message.ts';
import { SERVER_DEFAULTS, type ServeHttp, type ServerSettings } from '../http/serve.ts';
import { StreamRecord } from '../http/stream-record.ts';
import { Http1Server } from './http1-server.ts';

const AT = { address: '127.0.0.1', port: 1 };

const asConnection = (duplex: ReturnType<typeof duplexPair>[0]): Connection =>
  Object.assign(duplex, { local: AT, remote: AT, resetAndDestroy: () => duplex.destroy() });

export const connectionPair = (): [Connection, Connection] => {
  const [near, far] = duplexPair();
  return [asConnection(near), asConnection(far)];
};

/** Answers with the request's own body. */
export const echo: Handler = async (request) => ({
  status: 200,
  headers: HeaderMap.of(['x-path', request.path]),
  body: request.body,
  trailers: request.trailers,
});

export const fixedAnswer =
  (text: string): Handler =>
  async () => ({ status: 200, headers: HeaderMap.EMPTY, body: textBody(text), trailers: NO_TRAILERS });

const QUIET: ServerSettings = {
  ...SERVER_DEFAULTS,
  headTimeoutMs: 0,
  idleTimeoutMs: 0,
  streamIdleTimeoutMs: 0,
  upgrades: new Set(['websocket']),
  proxy100Continue: true,
};

const NUMBERS = http2Numbers(new MetricRegistry().scope('http2'), '');

export const served = (handler: Handler, settings: Partial<ServerSettings>, idleTimeoutMs: number | undefined): ServeHttp => ({
  settings: { ...QUIET, ...settings },
  draining: false,
  serve: (request, downstream, refusal) => {
    const record = new StreamRecord(1, downstream, 0, 0);
    return {
      idleTimeoutMs,
      response: refusal ? Promise.resolve(localReply(refusal)) : handler(request, record),
      giveUp: (error) => {
        record.abortFor(error);
        return localReply(error);
      },
      abort: (flag, details) => record.abortWith(flag, details),
      note: () => {},
      finish: (status, bytesReceived, bytesSent) => record.finishWith({ status, bytesReceived, bytesSent, durationMs: 0 }),
    };
  },
  refuse: (error) => localReply(error),
  connectionOpened: () => {},
  connectionClosed: () => {},
  http2: () => ({ numbers: NUMBERS, connections: { value: 0 }, active: { value: 0 }, requests: { value: 0 } }),
});

/** A server on one end; the client's end comes back. routeIdleMs: what every route says of stillness. */
export const startServer = (
  handler: Handler,
  settings: Partial<ServerSettings> = {},
  clock: Clock = realClock(),
  routeIdleMs?: number,
): Connection => {
  const [near, far] = connectionPair();
  new Http1Server(near, served(handler, settings, routeIdleMs), { id: 1, local: AT, remote: AT }, clock);
  return far;
};

/** Everything that arrives until the end of the connection. */
export const readAll = async (connection: Connection): Promise<string> => {
  let text = '';
  for await (const chunk of connection) text += (chunk as Buffer).toString('latin1');
  return text;
};
