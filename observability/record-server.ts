/** The records of a mesh over HTTP, for a mesh that runs without its site: the same two pages that the site has for `dinghy why`. Loopback only. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What a TrafficLog knows of requests. */
interface Records {
  request(id: string): unknown;
  refusals(most: number): unknown;
}

/** Where they are read. */
export interface RecordServer extends AsyncDisposable {
  readonly url: string;
}

const MOST_REFUSALS = 100;

/** Undefined for a page that there is not. */
const pageOf = (log: Records, path: string): unknown => {
  if (path === '/api/refusals') return log.refusals(MOST_REFUSALS);
  const [, id] = /^\/api\/requests\/([^/]+)$/.exec(path) ?? [];
  try {
    return id === undefined ? undefined : log.request(decodeURIComponent(id));
  } catch {
    return undefined;
  }
};

/** Settles when it listens on a free port. A page of the web that points a name of its own at this machine is told nothing. */
export const serveRecords = async (log: Records): Promise<RecordServer> => {
  const server: Server = createServer((request, response) => {
    const { port } = server.address() as AddressInfo;
    const isOurs = [`127.0.0.1:${port}`, `localhost:${port}`].includes(request.headers.host ?? '') && request.method === 'GET';
    const page = isOurs ? pageOf(log, (request.url ?? '').replace(/[?#].*/s, '')) : undefined;
    response.writeHead(!isOurs ? 403 : page === undefined ? 404 : 200, { 'content-type': 'application/json' });
    response.end(JSON.stringify(page ?? { error: isOurs ? 'no such page' : 'refused' }));
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => resolve());
  });
  const close = (): Promise<void> =>
    new Promise((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, [Symbol.asyncDispose]: close };
};
