/** Greetings as a foreign TLS library writes them. */
import { createServer, connect as tcpConnect } from 'node:net';
import { connect } from 'node:tls';

/** What OpenSSL really sends. */
export const greetingOf = (options: object): Promise<Buffer> =>
  new Promise((resolve) => {
    const server = createServer((socket) => {
      socket.on('error', () => {});
      socket.once('data', (bytes) => {
        resolve(Buffer.from(bytes));
        socket.destroy();
        server.close();
      });
    }).listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      connect({ socket: tcpConnect(port, '127.0.0.1'), ...options }).on('error', () => {});
    });
  });
