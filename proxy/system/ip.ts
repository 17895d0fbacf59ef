/** Arithmetic on IP addresses: no socket is opened here. The machine's own parser, so that rooms need none. */
import { BlockList, isIP } from 'node:net';

/** A set of address ranges; `check(address, family)` tells membership. */
export type AddressRanges = BlockList;

/** An empty set to add ranges to. */
export const addressRanges = (): AddressRanges => new BlockList();

/** 4, 6, or 0 for what is not an IP address. */
export const ipFamily = (text: string): number => isIP(text);
