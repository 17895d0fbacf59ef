/** IST0130 VirtualServiceUnreachableRule: a rule behind a catch-all, or one whose every condition belongs to earlier rules. */
import type { HttpRule } from '../resources/virtual-service.ts';
import type { StoreView } from '../store/config-store.ts';
import type { Finding } from './finding.ts';
import { ruleName, takesAll } from './ineffective-matches.ts';

/** Names the rule that can never be reached, and why. */
export const unreachableRules = (view: StoreView): readonly Finding[] =>
  view.of('VirtualService').flatMap(({ resource }) => {
    const rules = resource.spec.http ?? [];
    return rules.flatMap((rule, index): Finding[] => {
      const reason = whyUnreachable(rules.slice(0, index), rule);
      if (reason === undefined) return [];
      const message = `VirtualService rule ${ruleName(rule, index)} not used (${reason})`;
      return [{ severity: 'warning', code: 'IST0130', path: `spec.http[${index}]`, message, about: resource }];
    });
  });

const whyUnreachable = (earlier: readonly HttpRule[], { match = [] }: HttpRule): string | undefined => {
  if (earlier.some((rule) => !rule.match?.length)) return 'route without matches defined before';
  const isTaken = match.length > 0 && match.every((condition) => earlier.some((rule) => takesAll(rule, condition)));
  return isTaken ? 'all matches used by prior rules' : undefined;
};
