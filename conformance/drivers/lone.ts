/** A proxy that only its own bootstrap configures, and what a case sees of it. */
import { parse } from 'yaml';
import type { Lone, LoneAsk, Page } from '../define-case.ts';
import { Mismatch } from '../expect.ts';
import { HttpClient } from './http-client.ts';
import type { LiveMesh } from './live-mesh.ts';
import { readStat } from './statistics.ts';

const ADMIN_PORT = 15_000;
const LISTENER_PORT = 10_000;
const PATIENCE_MS = 10_000;
const AT_ONCE = 8;

const bootstrapOf = (address: string, resources: string): string =>
  JSON.stringify({
    node: { id: 'lone', cluster: 'lone' },
    admin: { address: { socket_address: { address, port_value: ADMIN_PORT } } },
    static_resources: parse(resources),
  });

const withinPatience = async <T>(what: string, look: () => Promise<T | undefined>): Promise<T> => {
  const deadline = performance.now() + PATIENCE_MS;
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    if (performance.now() > deadline) throw new Mismatch(what, `one within ${PATIENCE_MS} ms`, 'none');
    await new Promise(setImmediate);
  }
};

/** Settles once it is ready. */
export const startLone = async (live: LiveMesh, resources: (address: string) => string): Promise<Lone> => {
  if (live.startLone === undefined) throw new Error('this mesh has no room for a proxy of its own');
  const proxy = await live.startLone((address) => bootstrapOf(address, resources(address)));
  const { address, lines } = proxy;
  const page = async (path: string, method = 'GET'): Promise<Page> => {
    using client = new HttpClient(await live.connect(address, ADMIN_PORT), '');
    return await client.send({ method, path, headers: [['Host', 'localhost']], body: '' });
  };
  const sendMany = async ({ method = 'GET', path, port = LISTENER_PORT, headers = {}, body = '' }: LoneAsk, count: number) => {
    const pages: Page[] = [];
    let left = count;
    const work = async (): Promise<void> => {
      let client: HttpClient | undefined;
      try {
        while (left-- > 0) {
          if (!client?.usable) {
            client?.[Symbol.dispose]();
            client = new HttpClient(await live.connect(address, port), '');
          }
          pages.push(await client.send({ method, path, headers: [['Host', 'lone'], ...Object.entries(headers)], body }));
        }
      } finally {
        client?.[Symbol.dispose]();
      }
    };
    await Promise.all(Array.from({ length: Math.min(AT_ONCE, count) }, work));
    return pages;
  };
  const isReady = async (): Promise<true | undefined> => ((await page('/ready').catch(() => undefined))?.status === 200 ? true : undefined);
  try {
    await withinPatience('readiness of the proxy', isReady);
  } catch (error) {
    await proxy[Symbol.asyncDispose]();
    throw error;
  }
  return {
    address,
    page,
    sendMany,
    async send(ask) {
      const [answer] = await sendMany(ask, 1);
      if (answer === undefined) throw new Error('invariant: one request, one answer');
      return answer;
    },
    stat: async (name) => readStat((await page('/stats')).body, name),
    line: (text) =>
      withinPatience(`line of the access log with ${JSON.stringify(text)}`, async () => lines.find((one) => one.includes(text))),
    [Symbol.asyncDispose]: () => proxy[Symbol.asyncDispose](),
  };
};
