/** Facts of a connection → the one best filter chain, in Envoy's order: port, address, server name, transport, ALPN, source. Pure. */

import { ConfigError } from '#api/config-error.ts';
import type { CidrRange, FilterChainMatch } from '#envoy';
import { addressRanges, ipFamily } from '#system/ip.ts';

/** What a chain is picked by. */
export interface ConnectionFacts {
  readonly destination: { readonly address: string; readonly port: number };
  readonly source: { readonly address: string; readonly port: number };
  readonly serverName: string;
  readonly transport: 'tls' | 'raw_buffer';
  readonly protocols: readonly string[];
}

/** Something with a match; absent matches everything. */
export interface Matchable {
  readonly match: FilterChainMatch | undefined;
}

const bitsOf = (range: CidrRange): number => range.prefixLen ?? 0;

const covers = (range: CidrRange, address: string): boolean => {
  const family = ipFamily(range.addressPrefix) === 6 ? 'ipv6' : 'ipv4';
  if ((ipFamily(address) === 6) !== (family === 'ipv6')) return false;
  const list = addressRanges();
  list.addSubnet(range.addressPrefix, bitsOf(range), family);
  return list.check(address, family);
};

/** -1 = does not match, 0 = has no such criterion, more = the more exact. */
const rangeScore = (ranges: readonly CidrRange[], address: string): number => {
  if (ranges.length === 0) return 0;
  const scores = ranges.filter((range) => covers(range, address)).map((range) => bitsOf(range) + 1);
  return scores.length === 0 ? -1 : Math.max(...scores);
};

const nameScore = (names: readonly string[], name: string): number => {
  if (names.length === 0) return 0;
  if (name !== '' && names.includes(name)) return 1_000_000;
  const scores = names.filter((suffix) => suffix.startsWith('*.') && name.endsWith(suffix.slice(1))).map((suffix) => suffix.length);
  return scores.length === 0 ? -1 : Math.max(...scores);
};

const setScore = (wanted: boolean, has: boolean): number => (wanted ? (has ? 1 : -1) : 0);

/** Of the loopback network only its first address counts. (Envoy 1.40) */
const isLocal = ({ source, destination }: ConnectionFacts): boolean =>
  source.address === destination.address || source.address === '127.0.0.1' || source.address === '::1';

/** What the client would rather speak comes first, whatever the order of chains. */
const protocolScore = (wanted: readonly string[], offered: readonly string[]): number => {
  if (wanted.length === 0) return 0;
  const at = offered.findIndex((name) => wanted.includes(name));
  return at < 0 ? -1 : offered.length - at;
};

type Criterion = (match: FilterChainMatch, facts: ConnectionFacts) => number;

/** Each narrows what the ones before left; none looks back (Envoy: "the most specific match, criterion by criterion"). */
const CRITERIA: readonly Criterion[] = [
  (match, { destination }) => setScore(match.destinationPort !== undefined, match.destinationPort === destination.port),
  (match, { destination }) => rangeScore(match.prefixRanges, destination.address),
  (match, { serverName }) => nameScore(match.serverNames, serverName),
  (match, { transport }) => setScore(match.transportProtocol !== '', match.transportProtocol === transport),
  (match, { protocols }) => protocolScore(match.applicationProtocols, protocols),
  (match, { source }) => rangeScore(match.directSourcePrefixRanges, source.address),
  (match, facts) => (match.sourceType === 0 ? 0 : (match.sourceType === 1) === isLocal(facts) ? 1 : -1),
  (match, { source }) => rangeScore(match.sourcePrefixRanges, source.address),
  (match, { source }) => setScore(match.sourcePorts.length > 0, match.sourcePorts.includes(source.port)),
];

/** Undefined when no chain matches. */
export const bestChain = <C extends Matchable>(chains: readonly C[], facts: ConnectionFacts): C | undefined => {
  let left = chains;
  for (const criterion of CRITERIA) {
    const scored = left.map((chain) => ({ chain, score: chain.match ? criterion(chain.match, facts) : 0 }));
    const best = scored.reduce((most, { score }) => Math.max(most, score), -1);
    if (best < 0) return undefined;
    left = scored.filter(({ score }) => score === best).map(({ chain }) => chain);
  }
  return left[0];
};

/** Refuses ranges that no address can be compared with. */
export const checkRange = (range: CidrRange): void => {
  try {
    addressRanges().addSubnet(range.addressPrefix, bitsOf(range), ipFamily(range.addressPrefix) === 6 ? 'ipv6' : 'ipv4');
  } catch (cause) {
    throw new ConfigError('', `${range.addressPrefix}/${bitsOf(range)} is not an address range`, { cause });
  }
};
