/** Sockets of the machine. Half-open is allowed: an HTTP client may finish writing long before its answer ends. */
import { createServer, connect as netConnect, type Socket } from 'node:net';
import { type BoundListener, ConnectError, type Connection, type Network, type SocketAddress } from '../network.ts';
import { redirectedFrom } from './redirected.ts';

const ignore = (): void => {};

const endpoints = (socket: Socket): { local: SocketAddress; remote: SocketAddress } => ({
  local: { address: socket.localAddress ?? '', port: socket.localPort ?? 0 },
  remote: { address: socket.remoteAddress ?? '', port: socket.remotePort ?? 0 },
});

/** An error that comes while nobody listens (between accept and the codec) must not end the process. */
const asConnection = (socket: Socket): Connection =>
  Object.assign(socket.on('error', ignore), endpoints(socket), { redirectedFrom: () => redirectedFrom(socket) });

const listen = (at: SocketAddress, accept: (connection: Connection) => void): Promise<BoundListener> =>
  new Promise((resolve, reject) => {
    const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => accept(asConnection(socket)));
    server.once('error', reject);
    server.listen({ host: at.address, port: at.port, backlog: 1024 }, () => {
      server.off('error', reject).on('error', ignore);
      const bound = server.address();
      const port = bound !== null && typeof bound === 'object' ? bound.port : at.port;
      resolve({
        address: { address: at.address, port },
        // The socket stops accepting within close(); its callback would wait for connections, which live on.
        close: async () => void server.close(),
      });
    });
  });

const REASONS: Readonly<Record<string, ConnectError['reason']>> = { ECONNREFUSED: 'refused', ETIMEDOUT: 'timeout' };

const connect: Network['connect'] = (to, { timeoutMs, signal, keepAliveMs }) =>
  new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(new ConnectError('aborted', 'aborted before connecting'));
    const keepAlive = keepAliveMs === undefined ? {} : { keepAlive: true, keepAliveInitialDelay: keepAliveMs };
    const socket = netConnect({ host: to.address, port: to.port, noDelay: true, allowHalfOpen: true, ...keepAlive });
    const settle = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
      socket.removeAllListeners('error').on('error', ignore);
    };
    const fail = (reason: ConnectError['reason'], message: string, cause?: unknown): void => {
      settle();
      socket.destroy();
      reject(new ConnectError(reason, message, { cause }));
    };
    const onAbort = (): void => fail('aborted', 'aborted while connecting');
    const timer = setTimeout(() => fail('timeout', `no connection to ${to.address}:${to.port} within ${timeoutMs} ms`), timeoutMs);
    signal?.addEventListener('abort', onAbort, { once: true });
    socket.once('error', (error: NodeJS.ErrnoException) => fail(REASONS[error.code ?? ''] ?? 'unreachable', error.message, error));
    socket.once('connect', () => {
      settle();
      resolve(asConnection(socket));
    });
  });

const resolveHost = async (hostname: string): Promise<readonly string[]> => {
  const { lookup } = await import('node:dns/promises');
  try {
    return (await lookup(hostname, { all: true })).map(({ address }) => address);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOTFOUND') return [];
    throw error;
  }
};

/** The machine's own sockets and resolver. */
export const realNetwork = (): Network => ({ listen, connect, resolve: resolveHost });
