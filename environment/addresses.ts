/** Loopback addresses and ports that nobody else uses. */
import { createServer, type Server } from 'node:net';

/** A block 127.96.E.x, ours until released. */
export interface AddressBlock {
  readonly address: (host: number) => string;
  release(): void;
}

/** Port on 127.96.E.255 that marks a block as taken. */
const LOCK_PORT = 15_999;

const listen = (host: string, port: number): Promise<Server | undefined> =>
  new Promise((resolve) => {
    const server = createServer().once('error', () => resolve(undefined));
    server.listen({ host, port, exclusive: true }, () => resolve(server));
  });

/** The first free block. Rejects where only 127.0.0.1 exists. */
export const takeAddressBlock = async (): Promise<AddressBlock> => {
  for (let block = 1; block < 255; block++) {
    const lock = await listen(`127.96.${block}.254`, LOCK_PORT);
    if (lock === undefined) continue;
    lock.unref();
    return { address: (host) => `127.96.${block}.${host}`, release: () => void lock.close() };
  }
  throw new Error('no free loopback addresses 127.96.x.y: this system has only 127.0.0.1, or 254 meshes run already');
};

/** Free ports on 127.0.0.1, all different. */
export const freePorts = async (count: number): Promise<number[]> => {
  const servers = await Promise.all(Array.from({ length: count }, () => listen('127.0.0.1', 0)));
  const ports = servers.map((server) => {
    const address = server?.address();
    if (address === null || address === undefined || typeof address === 'string') throw new Error('no free port on 127.0.0.1');
    return address.port;
  });
  await Promise.all(servers.map((server) => new Promise((resolve) => server?.close(resolve))));
  return ports;
};
