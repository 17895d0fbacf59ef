/** The echo on real sockets: an ordinary HTTP server that says back what it got, and repeats raw bytes after an upgrade. */
import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { type EchoCarrier, EchoProgram } from './program.ts';
import type { EchoRequest } from './script.ts';

const program = new EchoProgram(process.env.WORKLOAD ?? 'echo');
const WEBSOCKET_GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';

const readHead = (request: IncomingMessage): EchoRequest => {
  const { rawHeaders } = request;
  const headers = rawHeaders.flatMap((name, index): [string, string][] => (index % 2 === 0 ? [[name, rawHeaders[index + 1] ?? '']] : []));
  return { method: request.method ?? '', path: request.url ?? '', headers, body: '' };
};

const readBody = async (request: IncomingMessage): Promise<string> => {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  return Buffer.concat(parts).toString('latin1');
};

const carrierOf = (request: IncomingMessage, response: ServerResponse): EchoCarrier => ({
  get gone() {
    return request.socket.destroyed;
  },
  sleep: (ms) => sleep(ms),
  head: ({ status, headers, length }) => {
    for (const [name, value] of headers) response.appendHeader(name, value);
    if (length !== undefined) response.setHeader('content-length', length);
    response.writeHead(status);
  },
  bytes: (text) => void response.write(text),
  raw: (text) => void request.socket.write(text, 'latin1'),
  reset: () => void request.socket.resetAndDestroy(),
  close: () => void request.socket.end(),
  end: () => void response.end(),
});

const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
  const head = readHead(request);
  const body = program.answersEarly(head) ? '' : await readBody(request);
  await program.answer({ ...head, body }, carrierOf(request, response));
};

const server = createServer((request, response) => {
  answer(request, response).catch(() => request.socket.destroy());
});

server.on('upgrade', (request, socket, early) => {
  const accept = createHash('sha1')
    .update(`${request.headers['sec-websocket-key'] ?? ''}${WEBSOCKET_GUID}`)
    .digest('base64');
  socket.write(`HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: Upgrade\r\nsec-websocket-accept: ${accept}\r\n\r\n`);
  socket.on('error', () => socket.destroy());
  if (early.length > 0) socket.write(early);
  socket.pipe(socket);
});

server.keepAliveTimeout = 60_000;
server.listen(Number(process.env.PORT ?? 9080), '127.0.0.1');
for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.on(signal, () => {
    server.close();
    server.closeAllConnections();
    setTimeout(() => process.exit(0), 200).unref();
  });
}
