/** A mesh that changes its trust domain keeps the old name as an alias: policies hold for both. Pure. Source: istio pilot/pkg/security/trustdomain. */

/** Stands for the mesh's own trust domain, whatever its name. */
const OWN = 'cluster.local';

/** own: the mesh's trust domain and its aliases, in that order. A principal that names none of them, or no trust domain at all, stays as it is. */
export const withAliases = (principals: readonly string[], own: readonly string[]): string[] =>
  principals.flatMap((principal) => {
    const [named, ...rest] = principal.split('/');
    if (named === undefined || rest.length !== 4 || named === '*') return [principal];
    if (named !== OWN && !own.some((domain) => overlap(named, domain))) return [principal];
    const all = own.map((domain) => (suffixHolds(domain, named) ? principal : [domain, ...rest].join('/')));
    return [...new Set(all)];
  });

/** Trust domains by themselves: one of the mesh's stands for all of them. */
export const allAliases = (domains: readonly string[], own: readonly string[]): string[] => [
  ...new Set(domains.flatMap((domain) => (own.includes(domain) ? own : [domain]))),
];

const overlap = (a: string, b: string): boolean =>
  a === b || b === '*' || prefixHolds(a, b) || prefixHolds(b, a) || suffixHolds(a, b) || suffixHolds(b, a);

const prefixHolds = (text: string, pattern: string): boolean => pattern.endsWith('*') && text.startsWith(pattern.slice(0, -1));

const suffixHolds = (text: string, pattern: string): boolean => pattern.startsWith('*') && text.endsWith(pattern.slice(1));
