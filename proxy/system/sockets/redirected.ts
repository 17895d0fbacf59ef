/** Where the packet filter took a connection from: SO_ORIGINAL_DST, what Linux keeps of a REDIRECT. */
import { createRequire } from 'node:module';
import type { Socket } from 'node:net';
import type { SocketAddress } from '../network.ts';

const SOL_IP = 0;
const SOL_IPV6 = 41;
const SO_ORIGINAL_DST = 80;
/** Size of a sockaddr_in6; a sockaddr_in is smaller. */
const ADDRESS_BYTES = 28;

type GetSockOpt = (fd: number, level: number) => Buffer | undefined;
let getSockOpt: GetSockOpt | undefined;

/** Node has no call for this option: the C library's own is asked. Loaded when the first redirected listener accepts, for nobody else. */
const load = (): GetSockOpt => {
  const ffi = createRequire(import.meta.url)('node:ffi') as typeof import('node:ffi');
  const { functions } = ffi.dlopen(null, { getsockopt: { arguments: ['i32', 'i32', 'i32', 'pointer', 'pointer'], return: 'i32' } });
  const address = Buffer.alloc(ADDRESS_BYTES);
  const length = new Uint32Array(1);
  const addressAt = ffi.getRawPointer(address);
  const lengthAt = ffi.getRawPointer(length);
  return (fd, level) => {
    length[0] = ADDRESS_BYTES;
    return functions.getsockopt(fd, level, SO_ORIGINAL_DST, addressAt, lengthAt) === 0 ? address : undefined;
  };
};

const ipv6 = (bytes: Buffer): string => Array.from({ length: 8 }, (_, group) => bytes.readUInt16BE(8 + 2 * group).toString(16)).join(':');

/** Undefined where nothing was redirected, on other systems than Linux, and for a socket that is closed already. */
export const redirectedFrom = (socket: Socket): SocketAddress | undefined => {
  const { fd = -1 } = (socket as { readonly _handle?: { readonly fd?: number } })._handle ?? {};
  if (process.platform !== 'linux' || fd < 0) return undefined;
  getSockOpt ??= load();
  const isIpv6 = socket.localFamily === 'IPv6' && !socket.localAddress?.startsWith('::ffff:');
  const found = getSockOpt(fd, isIpv6 ? SOL_IPV6 : SOL_IP);
  return found && { address: isIpv6 ? ipv6(found) : found.subarray(4, 8).join('.'), port: found.readUInt16BE(2) };
};
