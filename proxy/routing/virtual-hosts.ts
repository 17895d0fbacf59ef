/** Domains → virtual host; the most specific wins: exact, then the longest `*.suffix`, then the longest `prefix.*`, then `*`. */
import { ConfigError } from '#api/config-error.ts';

/** Something with the domains that lead to it. */
export interface Domains<V> {
  readonly domains: readonly string[];
  readonly value: V;
}

/** Finds by Host header; undefined when nothing fits. */
export type FindHost<V> = (authority: string) => V | undefined;

interface Wildcards<V> {
  readonly exact: ReadonlyMap<string, V>;
  readonly suffixes: readonly (readonly [string, V])[];
  readonly prefixes: readonly (readonly [string, V])[];
  readonly any: V | undefined;
}

const longestFirst = <V>(found: [string, V][]): [string, V][] => found.sort(([a], [b]) => b.length - a.length);

const sortDomains = <V>(hosts: readonly Domains<V>[]): Wildcards<V> => {
  const exact = new Map<string, V>();
  const suffixes: [string, V][] = [];
  const prefixes: [string, V][] = [];
  const seen = new Set<string>();
  let any: V | undefined;
  for (const [index, { domains, value }] of hosts.entries()) {
    for (const [position, written] of domains.entries()) {
      const domain = written.toLowerCase();
      if (seen.has(domain))
        throw new ConfigError(`[${index}].domains[${position}]`, `only unique values are permitted: ${written} is a duplicate`);
      seen.add(domain);
      if (domain === '*') any = value;
      else if (domain.startsWith('*')) suffixes.push([domain.slice(1), value]);
      else if (domain.endsWith('*')) prefixes.push([domain.slice(0, -1), value]);
      else if (domain === '') throw new ConfigError(`[${index}].domains[${position}]`, 'must not be empty');
      else exact.set(domain, value);
    }
  }
  return { exact, suffixes: longestFirst(suffixes), prefixes: longestFirst(prefixes), any };
};

const withoutPort = (host: string): string => {
  const colon = host.lastIndexOf(':');
  if (colon < 0 || host.endsWith(']')) return host;
  for (let i = colon + 1; i < host.length; i++) if (host.charCodeAt(i) < 48 || host.charCodeAt(i) > 57) return host;
  return host.slice(0, colon);
};

/** Throws ConfigError with a path relative to the list. Case is ignored; a wildcard stands for at least one character. */
export const compileDomains = <V>(hosts: readonly Domains<V>[], ignorePort: boolean): FindHost<V> => {
  const { exact, suffixes, prefixes, any } = sortDomains(hosts);
  if (exact.size + suffixes.length + prefixes.length === 0) return () => any;
  return (authority) => {
    const lower = authority.toLowerCase();
    const host = ignorePort ? withoutPort(lower) : lower;
    const found = exact.get(host);
    if (found !== undefined) return found;
    for (const [suffix, value] of suffixes) if (host.length > suffix.length && host.endsWith(suffix)) return value;
    for (const [prefix, value] of prefixes) if (host.length > prefix.length && host.startsWith(prefix)) return value;
    return any;
  };
};
