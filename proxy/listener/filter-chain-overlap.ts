/** Two chains must never be equally good for one connection: Envoy refuses such listeners, and so does this proxy. */
import { ConfigError } from '#api/config-error.ts';
import type { CidrRange, FilterChainMatch } from '#envoy';
import { ipFamily } from '#system/ip.ts';
import type { Matchable } from './filter-chain-match.ts';

/** A listener with more combinations than this is taken as it is. */
const MOST = 100_000;

/** The network of a range: hosts' bits in its prefix mean nothing. */
const networkOf = ({ addressPrefix, prefixLen = 0 }: CidrRange): string => {
  if (ipFamily(addressPrefix) === 6) return `${addressPrefix.toLowerCase()}/${prefixLen}`;
  const bits = addressPrefix.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
  const size = 2 ** (32 - prefixLen);
  return `${Math.floor(bits / size) * size}/${prefixLen}`;
};

/** What a chain wants, criterion by criterion; several values = any of them. */
const wishesOf = (match: FilterChainMatch | undefined): readonly (readonly (string | number)[])[] => {
  const anyOf = <T>(values: readonly T[], text: (value: T) => string | number): readonly (string | number)[] =>
    values.length === 0 ? [''] : values.map(text);
  if (!match) return [];
  return [
    [match.destinationPort ?? ''],
    anyOf(match.prefixRanges, networkOf),
    anyOf(match.serverNames, (name) => name),
    [match.transportProtocol],
    anyOf(match.applicationProtocols, (name) => name),
    anyOf(match.directSourcePrefixRanges, networkOf),
    [match.sourceType],
    anyOf(match.sourcePrefixRanges, networkOf),
    anyOf(match.sourcePorts, (port) => port),
  ];
};

const NOTHING = ['', '', '', '', '', '', 0, '', ''].join('\n');

const combinations = (wishes: readonly (readonly (string | number)[])[]): readonly string[] => {
  if (wishes.length === 0) return [NOTHING];
  let all: readonly string[] = [''];
  for (const [index, values] of wishes.entries()) {
    all = all.flatMap((start) => values.map((value) => (index === 0 ? String(value) : `${start}\n${value}`)));
    if (all.length > MOST) return [];
  }
  return all;
};

/** Throws ConfigError that names the later of two chains. */
export const refuseOverlaps = (chains: readonly Matchable[]): void => {
  const owners = new Map<string, number>();
  for (const [index, { match }] of chains.entries())
    for (const wanted of new Set(combinations(wishesOf(match)))) {
      const owner = owners.get(wanted);
      if (owner !== undefined)
        throw new ConfigError(`filter_chains[${index}].filter_chain_match`, `takes connections that filter_chains[${owner}] takes as well`);
      if (owners.size < MOST) owners.set(wanted, index);
    }
};
