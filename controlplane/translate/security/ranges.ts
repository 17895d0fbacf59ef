/** Blocks of IP addresses as policies write them. Pure. */
import type { CidrRange } from '#envoy';
import { ipFamily } from '#system/ip.ts';

/** An address, or one with a prefix length. Undefined when it is neither. */
export const rangeOf = (text: string): CidrRange | undefined => {
  const slash = text.indexOf('/');
  const addressPrefix = slash < 0 ? text : text.slice(0, slash);
  const family = addressPrefix.includes('%') ? 0 : ipFamily(addressPrefix);
  const bits = family === 4 ? 32 : 128;
  const length = slash < 0 ? String(bits) : text.slice(slash + 1);
  return family !== 0 && /^\d{1,3}$/.test(length) && Number(length) <= bits ? { addressPrefix, prefixLen: Number(length) } : undefined;
};
