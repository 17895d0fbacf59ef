/** IST0131 VirtualServiceIneffectiveMatch: a condition that an earlier rule has already, or that stands behind a prefix that takes its requests. */
import type { HttpMatch, HttpRule } from '../resources/virtual-service.ts';
import type { StoreView } from '../store/config-store.ts';
import type { Finding } from './finding.ts';

/** Only conditions that can be compared for certain are complained of. */
export const ineffectiveMatches = (view: StoreView): readonly Finding[] =>
  view.of('VirtualService').flatMap(({ resource }) => {
    const rules = resource.spec.http ?? [];
    return rules.flatMap((rule, index) =>
      (rule.match ?? []).flatMap((match, matchIndex): Finding[] => {
        const earlier = rules.slice(0, index).findIndex((candidate) => takesAll(candidate, match));
        if (earlier < 0) return [];
        const [name, other] = [ruleName(rule, index), ruleName(rules[earlier], earlier)];
        const message = `VirtualService rule ${name} match #${matchIndex} is not used (duplicate/overlapping match in rule ${other})`;
        return [{ severity: 'info', code: 'IST0131', path: `spec.http[${index}].match[${matchIndex}]`, message, about: resource }];
      }),
    );
  });

/** As messages name a rule. */
export const ruleName = (rule: HttpRule | undefined, index: number): string => rule?.name ?? `#${index}`;

/** True when that rule answers every request of the condition. A rule without conditions is another complaint's business. */
export const takesAll = (rule: HttpRule, match: HttpMatch): boolean => (rule.match ?? []).some((earlier) => covers(earlier, match));

const covers = (earlier: HttpMatch, later: HttpMatch): boolean => {
  const [one, other] = [conditions(earlier), conditions(later)];
  if (JSON.stringify(one.rest) !== JSON.stringify(other.rest)) return false;
  if (JSON.stringify(one.uri) === JSON.stringify(other.uri)) return true;
  const prefix = one.uri?.prefix;
  const start = other.uri?.exact ?? other.uri?.prefix;
  return prefix !== undefined && start?.startsWith(prefix) === true;
};

/** Names of conditions do not count, nor does the order in which they are written. */
const conditions = ({ name: _, uri, ...rest }: HttpMatch): { uri: HttpMatch['uri']; rest: unknown } => ({
  uri,
  rest: Object.entries(rest)
    .map(([key, value]) => [key, typeof value === 'object' && !Array.isArray(value) ? Object.entries(value).sort() : value])
    .sort(),
});
