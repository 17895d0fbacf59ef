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

/** undefined: more bytes are needed; 'none': this does not begin as a PROXY line; 'invalid': it does, and is none. */
export const parseProxyLine = (bytes: Buffer): ProxyLine | 'none' | 'invalid' | undefined => {
  const head = bytes.subarray(0, SIGNATURE.length);
  if (head.equals(SIGNATURE.subarray(0, head.length))) return head.length < 12 ? undefined : parseV2(bytes);
  const text = bytes.toString('latin1', 0, MAX_V1);
  if (!text.startsWith('PROXY '.slice(0, text.length))) return 'none';
  const end = text.indexOf('\r\n');
  if (end < 0) return bytes.length >= MAX_V1 ? 'invalid' : undefined;
  return parseV1(text.slice(0, end), end + 2);
};

const port = (text: string | undefined): number => (text !== undefined && /^\d{1,5}$/.test(text) ? Number(text) : 65_536);

const parseV1 = (line: string, length: number): ProxyLine | 'invalid' => {
  const [, family, from = '', to = '', fromPort, toPort, ...rest] = line.split(' ');
  if (family === 'UNKNOWN') return { length };
  const version = family === 'TCP4' ? 4 : family === 'TCP6' ? 6 : -1;
  if (
    rest.length > 0 ||
    ipFamily(from) !== version ||
    ipFamily(to) !== version ||
    !isUnicast(from) ||
    !isUnicast(to) ||
    port(fromPort) > 65_535 ||
    port(toPort) > 65_535
  )
    return 'invalid';
  return { length, ends: { source: { address: from, port: port(fromPort) }, destination: { address: to, port: port(toPort) } } };
};

/** As people write it: the longest run of zeros is `::` (RFC 5952). */
const ipv6 = (bytes: Buffer): string => {
  const groups = Array.from({ length: 8 }, (_, index) => bytes.readUInt16BE(index * 2).toString(16)).join(':');
  const runs = groups.match(/(?:^|:)0(?::0)+(?=:|$)/g) ?? [];
  const longest = runs.reduce((best, run) => (run.replace(/^:/, '').length > best.replace(/^:/, '').length ? run : best), '');
  if (longest === '') return groups;
  const at = groups.indexOf(longest);
  const after = groups.slice(at + longest.length).replace(/^:/, '');
  return `${groups.slice(0, at)}::${after}`;
};

/** Whether a client or a server can have that address: not any, broadcast or multicast. */
const isUnicast = (address: string): boolean =>
  ipFamily(address) === 4
    ? address !== '0.0.0.0' && address !== '255.255.255.255' && (Number.parseInt(address, 10) & 0xf0) !== 0xe0
    : !/^(?:[0:]+$|ff)/i.test(address);

/** Whether the bytes between are whole extensions: type, length, value. */
const areExtensions = (bytes: Buffer, from: number, to: number): boolean => {
  let at = from;
  while (at + 3 <= to) at += 3 + bytes.readUInt16BE(at + 1);
  return at === to;
};

const parseV2 = (bytes: Buffer): ProxyLine | 'invalid' | undefined => {
  if (bytes.length < 16) return undefined;
  const command = bytes.readUInt8(12);
  const family = bytes.readUInt8(13);
  const length = 16 + bytes.readUInt16BE(14);
  if (command !== 0x20 && command !== 0x21) return 'invalid';
  if (bytes.length < length) return undefined;
  if (command === 0x20) return { length };
  // The transport (the low half) may be stream or datagram; Envoy takes both.
  const size = family === 0x11 || family === 0x12 ? 4 : family === 0x21 || family === 0x22 ? 16 : 0;
  if (size === 0 || !areExtensions(bytes, 16 + size * 2 + 4, length)) return 'invalid';
  const address = (at: number) => (size === 4 ? [...bytes.subarray(at, at + 4)].join('.') : ipv6(bytes.subarray(at, at + 16)));
  const [from, to] = [address(16), address(16 + size)];
  if (!isUnicast(from) || !isUnicast(to)) return 'invalid';
  const ports = 16 + size * 2;
  return {
    length,
    ends: {
      source: { address: from, port: bytes.readUInt16BE(ports) },
      destination: { address: to, port: bytes.readUInt16BE(ports + 2) },
    },
  };
};
