/** One page of an admin port over the network in memory. */
import type { Network, SocketAddress } from '#system/network.ts';

/** Body of the page. Rejects when the connection cannot be opened or the answer is not 200. */
export const getPage = async (network: Network, at: SocketAddress, path: string): Promise<string> => {
  const connection = await network.connect(at, { timeoutMs: 1_000 });
  connection.write(`GET ${path} HTTP/1.1\r\nHost: ${at.address}:${at.port}\r\nConnection: close\r\n\r\n`);
  const parts: Buffer[] = [];
  for await (const part of connection) parts.push(part as Buffer);
  const text = Buffer.concat(parts).toString('latin1');
  const end = text.indexOf('\r\n\r\n');
  if (!text.startsWith('HTTP/1.1 200')) throw new Error(`the admin port answered ${JSON.stringify(text.slice(0, 200))} to ${path}`);
  const body = text.slice(end + 4);
  const whole = /\r\ntransfer-encoding: chunked\r\n/i.test(text.slice(0, end + 2)) ? joinChunks(body) : body;
  return Buffer.from(whole, 'latin1').toString('utf8');
};

const joinChunks = (text: string): string => {
  let joined = '';
  for (let at = 0; ; ) {
    const line = text.indexOf('\r\n', at);
    const size = Number.parseInt(text.slice(at, line), 16);
    if (line === -1 || !(size > 0)) return joined;
    joined += text.slice(line + 2, line + 2 + size);
    at = line + 2 + size + 2;
  }
};
