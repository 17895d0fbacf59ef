/** The echo on real sockets: an ordinary HTTP server that says back what it got, and repeats raw bytes after an upgrade. */
import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { type EchoPlan, type EchoRequest, planEcho } from './script.ts';

const workload = process.env.WORKLOAD ?? 'echo';
const WEBSOCKET_GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
const CHUNKS = 3;

const readRequest = async (request: IncomingMessage): Promise<EchoRequest> => {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  const { rawHeaders } = request;
  const headers = rawHeaders.flatMap((name, index): [string, string][] => (index % 2 === 0 ? [[name, rawHeaders[index + 1] ?? '']] : []));
  return { method: request.method ?? '', path: request.url ?? '', headers, body: Buffer.concat(parts).toString('latin1') };
};

const send = (response: ServerResponse, { status, headers, body, chunked }: EchoPlan): void => {
  response.writeHead(
    status,
    chunked ? Object.fromEntries(headers) : { ...Object.fromEntries(headers), 'content-length': Buffer.byteLength(body) },
  );
  if (!chunked) return void response.end(body);
  const size = Math.ceil(body.length / CHUNKS);
  for (let at = 0; at < body.length; at += size) response.write(body.slice(at, at + size));
  response.end();
};

const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
  const plan = planEcho(workload, await readRequest(request));
  if (plan.delayMs > 0) await sleep(plan.delayMs);
  if (plan.reset) request.socket.resetAndDestroy();
  else send(response, plan);
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
