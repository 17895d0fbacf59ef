/**
 * The vacuity mesh: no proxy and no control plane, only a wire to one program that says back what reached it.
 * A case that passes here without being marked transparent proves nothing.
 */
import { connect, createServer, type Server, type Socket } from 'node:net';
import type { OpenAdsStream } from '#api/ads-stream.ts';
import type { LiveMesh } from '../drivers/live-mesh.ts';
import { conformanceMesh } from '../mesh.ts';
import { readScript, type Seen, splitRequest } from './request-bytes.ts';

const WORKLOAD = 'reviews-v1';

const json = ({ method, path, headers, body }: Seen): string => JSON.stringify({ workload: WORKLOAD, method, path, headers, body });

const response = (request: Seen): string => {
  const script = readScript(request);
  const body = json(request);
  const close = request.headers.some(([name, value]) => name.toLowerCase() === 'connection' && value === 'close');
  const status = script.fail === undefined ? '200 OK' : `${script.fail} Scripted`;
  const head = `HTTP/1.1 ${status}\r\n${close ? 'Connection: close\r\n' : ''}`;
  if (script.chunked !== undefined) return `${head}Transfer-Encoding: chunked\r\n\r\n${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`;
  return `${head}Content-Length: ${body.length}\r\n\r\n${request.method === 'HEAD' ? '' : body}`;
};

const serve = (socket: Socket): void => {
  let received = '';
  let tunnel = false;
  let continued = false;
  socket.on('error', () => socket.destroy());
  socket.on('data', (bytes) => {
    if (tunnel) return void socket.write(bytes);
    received += bytes.toString('latin1');
    for (;;) {
      const next = splitRequest(received);
      if (next === undefined) return;
      if (next.kind === 'continue') {
        if (!continued) socket.write('HTTP/1.1 100 Continue\r\n\r\n');
        continued = true;
        return;
      }
      received = next.rest;
      if (next.request.headers.some(([name]) => name.toLowerCase() === 'upgrade')) {
        tunnel = true;
        return void socket.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n');
      }
      const answer = response(next.request);
      socket.write(answer, 'latin1');
      if (answer.includes('Connection: close')) return void socket.end();
    }
  });
};

const listen = (server: Server): Promise<number> =>
  new Promise((resolve) =>
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      resolve(typeof address === 'object' && address ? address.port : 0);
    }),
  );

const noAds: OpenAdsStream = (events) => {
  queueMicrotask(() => events.ended('there is no control plane'));
  return { send: () => {}, close: () => {} };
};

/** Ends with its program. */
export const passThroughMesh = async (): Promise<LiveMesh & AsyncDisposable> => {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    serve(socket);
  });
  const port = await listen(server);
  const seat = (name: string) => ({ name, namespace: 'default', address: '127.0.0.1' });
  const proxies = [{ node: '', workload: '', namespace: '', connectedAt: '', version: 1, kinds: {} as never }];
  return {
    driver: 'process',
    dataPlane: 'dinghy',
    configuredBy: 'dinghy',
    workloads: conformanceMesh.workloads.map(({ name }) => seat(name)),
    gateways: [seat('ingressgateway')],
    connect: () =>
      new Promise((resolve, reject) => {
        const socket = connect(port, '127.0.0.1', () => resolve(socket));
        socket.once('error', reject);
      }),
    applyYaml: async () => ({ problems: [], version: 1 }),
    deleteYaml: async () => ({ version: 1 }),
    sync: async () => ({ version: 1, proxies }),
    waitForVersion: async () => {},
    vips: async () => ({}),
    admin: async () => '{}',
    exchanges: { subscribe: () => () => {} },
    wallTimeMs: () => Date.now(),
    openAds: noAds,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
};
