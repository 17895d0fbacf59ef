/** Where the client meant to go before redirection, as a PROXY line says it (PROXY protocol, versions 1 and 2). Pure. */
import { ipFamily } from '#system/ip.ts';
import type { SocketAddress } from '#system/network.ts';

/** A line understood. `ends` is absent when it tells no addresses (UNKNOWN, LOCAL). */
export interface ProxyLine {
  readonly length: number;
  readonly ends?: { readonly source: SocketAddress; readonly destination: SocketAddress };
}

const SIGNATURE = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1');
const MAX_V1 = 107;

/** undefined: more bytes are needed; 'invalid': this is no PROXY line. */
export const parseProxyLine = (bytes: Buffer): ProxyLine | 'invalid' | undefined => {
  const head = bytes.subarray(0, SIGNATURE.length);
  if (head.equals(SIGNATURE.subarray(0, head.length))) return head.length < 12 ? undefined : parseV2(bytes);
  const text = bytes.toString('latin1', 0, MAX_V1);
  if (!text.startsWith('PROXY '.slice(0, text.length))) return 'invalid';
  const end = text.indexOf('\r\n');
  if (end < 0) return bytes.length >= MAX_V1 ? 'invalid' : undefined;
  return parseV1(text.slice(0, end), end + 2);
};

const port = (text: string | undefined): number => (text !== undefined && /^\d{1,5}$/.test(text) ? Number(text) : 65_536);

const parseV1 = (line: string, length: number): ProxyLine | 'invalid' => {
  const [, family, from = '', to = '', fromPort, toPort, ...rest] = line.split(' ');
  if (family === 'UNKNOWN') return { length };
  const version = family === 'TCP4' ? 4 : family === 'TCP6' ? 6 : -1;
  if (rest.length > 0 || ipFamily(from) !== version || ipFamily(to) !== version || port(fromPort) > 65_535 || port(toPort) > 65_535)
    return 'invalid';
  return { length, ends: { source: { address: from, port: port(fromPort) }, destination: { address: to, port: port(toPort) } } };
};

const ipv6 = (bytes: Buffer): string =>
  (bytes.toString('hex').match(/.{4}/g) ?? []).map((group) => Number.parseInt(group, 16).toString(16)).join(':');

const parseV2 = (bytes: Buffer): ProxyLine | 'invalid' | undefined => {
  if (bytes.length < 16) return undefined;
  const command = bytes.readUInt8(12);
  const family = bytes.readUInt8(13);
  const length = 16 + bytes.readUInt16BE(14);
  if (command !== 0x20 && command !== 0x21) return 'invalid';
  if (bytes.length < length) return undefined;
  if (command === 0x20 || family === 0) return { length };
  const size = family === 0x11 ? 4 : family === 0x21 ? 16 : 0;
  if (size === 0 || length < 16 + size * 2 + 4) return 'invalid';
  const address = (at: number) => (size === 4 ? [...bytes.subarray(at, at + 4)].join('.') : ipv6(bytes.subarray(at, at + 16)));
  const ports = 16 + size * 2;
  return {
    length,
    ends: {
      source: { address: address(16), port: bytes.readUInt16BE(ports) },
      destination: { address: address(16 + size), port: bytes.readUInt16BE(ports + 2) },
    },
  };
};
