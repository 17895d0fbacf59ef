/** Addresses that the control plane never dials for somebody's YAML. Source: CVE-2026-41413; istio pilot/pkg/model/jwks_resolver.go jwksBlockedIP. */
import { addressRanges, ipFamily } from '#system/ip.ts';
import type { SocketAddress } from '#system/network.ts';

/** Link-local ones (metadata of a cloud's machines), their like outside that range, and what is no single host. */
const RANGES = [
  ['0.0.0.0', 8],
  ['169.254.0.0', 16],
  ['100.100.100.200', 32],
  ['168.63.129.16', 32],
  ['224.0.0.0', 4],
  ['255.255.255.255', 32],
  ['::', 128],
  ['64:ff9b::', 96],
  ['fe80::', 10],
  ['fec0::', 10],
  ['fd00:ec2::254', 128],
  ['ff00::', 8],
] as const;

const refused = addressRanges();
for (const [prefix, bits] of RANGES) refused.addSubnet(prefix, bits, ipFamily(prefix) === 6 ? 'ipv6' : 'ipv4');

const loopback = addressRanges();
loopback.addSubnet('127.0.0.0', 8, 'ipv4');
loopback.addAddress('::1', 'ipv6');

/** own: where this control plane itself listens; on loopback a port of its own is refused under every name that loopback has. */
export const isRefused = ({ address, port }: SocketAddress, own: readonly SocketAddress[]): boolean => {
  const family = ipFamily(address) === 6 ? 'ipv6' : 'ipv4';
  if (ipFamily(address) === 0 || refused.check(address, family)) return true;
  return own.some((mine) => mine.port === port && (mine.address === address || loopback.check(address, family)));
};
