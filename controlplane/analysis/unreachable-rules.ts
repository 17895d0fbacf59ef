/** IST0130 VirtualServiceUnreachableRule: a rule behind a catch-all, or with the same conditions as an earlier one. */
import type { HttpRule } from '../resources/virtual-service.ts';
import type { StoreView } from '../store/config-store.ts';
import type { Finding } from './analyze.ts';

/** Names the rule that can never be reached and the one that takes its requests. */
export const unreachableRules = (view: StoreView): readonly Finding[] =>
  view.of('VirtualService').flatMap(({ resource }) => {
    const rules = resource.spec.http ?? [];
    return rules.flatMap((rule, index): Finding[] => {
      const reason = whyUnreachable(rules.slice(0, index), rule);
      if (reason === undefined) return [];
      return [
        {
          severity: 'warning',
          code: 'IST0130',
          path: `spec.http[${index}]`,
          message: `VirtualService rule ${rule.name ?? `#${index}`} not used (${reason})`,
          about: resource,
        },
      ];
    });
  });

const whyUnreachable = (earlier: readonly HttpRule[], rule: HttpRule): string | undefined => {
  if (earlier.some((candidate) => !candidate.match?.length)) return 'only the last rule can have no matches';
  const conditions = new Set(earlier.flatMap((candidate) => (candidate.match ?? []).map((match) => JSON.stringify(match))));
  const own = rule.match ?? [];
  return own.length > 0 && own.every((match) => conditions.has(JSON.stringify(match)))
    ? 'duplicates a match in a previous rule'
    : undefined;
};
