/** One document over HTTP, from a server that nobody vouches for. */
import { request } from 'node:http';
import type { Duplex } from 'node:stream';
import { ipFamily } from '#system/ip.ts';
import type { Network, SocketAddress } from '#system/network.ts';
import type { System } from '#system/system.ts';
import { isRefused } from './refused-addresses.ts';

/** Longest document that is read, in bytes. */
export const LONGEST_DOCUMENT = 1 << 20;

/** A server may send its client on so many times, on the same host and port and by the same scheme. */
const MOST_REDIRECTS = 3;

/** What a fetch needs. own: addresses of this control plane. endpointsOf: a service of the mesh, which has no name outside; undefined when the host is none. */
export interface Fetching {
  readonly system: Pick<System, 'network' | 'clock'>;
  readonly own: () => readonly SocketAddress[];
  readonly endpointsOf: (host: string, port: number) => readonly SocketAddress[] | undefined;
}

/** The body of a 2xx answer. Rejects with an Error whose message says why there is none; it never quotes what the server sent. */
export const httpGet = async (url: string, timeoutMs: number, fetching: Fetching, ended: AbortSignal): Promise<string> => {
  const timeout = new AbortController();
  const cancel = fetching.system.clock.after(timeoutMs, () => timeout.abort(new Error(`no answer within ${timeoutMs} ms`)));
  const signal = AbortSignal.any([ended, timeout.signal]);
  try {
    let next = parsed(url);
    for (let redirects = 0; ; redirects++) {
      const answer = await exchange(next, await dial(next, timeoutMs, fetching, signal), signal);
      if (typeof answer === 'string') return answer;
      if (redirects === MOST_REDIRECTS) throw new Error('redirected too often');
      const target = parsed(URL.canParse(answer.location, next) ? new URL(answer.location, next).href : '');
      if (target.origin !== next.origin) throw new Error('redirected to another host, port or scheme');
      next = target;
    }
  } finally {
    cancel();
  }
};

const parsed = (text: string): URL => {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || (url.protocol !== 'http:' && url.protocol !== 'https:')) throw new Error('not an http or https address');
  if (url.username !== '' || url.password !== '') throw new Error('a password in an address is not sent');
  return url;
};

const isSecure = ({ protocol }: URL): boolean => protocol === 'https:';

/** Names are looked up first and every address is judged after that, so that no name leads where its address would not. */
const dial = async (url: URL, timeoutMs: number, fetching: Fetching, signal: AbortSignal): Promise<Duplex> => {
  const { network } = fetching.system;
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  const port = url.port === '' ? (isSecure(url) ? 443 : 80) : Number(url.port);
  const candidates = fetching.endpointsOf(host, port) ?? (await addressesOf(network, host)).map((address) => ({ address, port }));
  if (candidates.some((candidate) => isRefused(candidate, fetching.own()))) throw new Error('its address is one that is never dialled');
  const [first] = candidates;
  if (first === undefined) throw new Error('its host has no address');
  signal.throwIfAborted();
  const connection = await network.connect(first, { timeoutMs, signal });
  return isSecure(url) ? await secured(connection, host) : connection;
};

const addressesOf = async (network: Network, host: string): Promise<readonly string[]> =>
  ipFamily(host) === 0 ? await network.resolve(host) : [host];

/** By the machine's own roots: whoever issues tokens is a stranger to the mesh's. */
const secured = async (socket: Duplex, host: string): Promise<Duplex> => {
  const { connect } = await import('node:tls');
  return connect({ socket, ALPNProtocols: ['http/1.1'], ...(ipFamily(host) === 0 ? { servername: host } : { host }) });
};

const exchange = (url: URL, connection: Duplex, signal: AbortSignal): Promise<string | { readonly location: string }> =>
  new Promise((resolve, reject) => {
    const fail = (error: Error): void => {
      connection.destroy();
      reject(error);
    };
    signal.addEventListener('abort', () => fail(signal.reason as Error), { once: true });
    const headers = { host: url.host, accept: 'application/json', connection: 'close' };
    const asked = request({ createConnection: () => connection, path: url.pathname + url.search, headers, maxHeaderSize: 16_384 });
    asked.on('error', ({ code = 'no HTTP' }: NodeJS.ErrnoException) => fail(new Error(`the exchange failed: ${code}`)));
    asked.on('response', (answer) => {
      const { statusCode = 0, headers: received } = answer;
      if (statusCode >= 300 && statusCode < 400 && received.location !== undefined) {
        connection.destroy();
        return resolve({ location: received.location });
      }
      if (statusCode < 200 || statusCode >= 300) return fail(new Error(`answered ${statusCode}`));
      const chunks: Buffer[] = [];
      let bytes = 0;
      answer.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
        if (bytes > LONGEST_DOCUMENT) fail(new Error(`more than ${LONGEST_DOCUMENT} bytes`));
        else chunks.push(chunk);
      });
      answer.on('error', () => fail(new Error('the answer broke off')));
      answer.on('end', () => {
        connection.destroy();
        resolve(Buffer.concat(chunks).toString('utf8'));
      });
    });
    asked.end();
  });
