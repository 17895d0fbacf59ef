/** IST0130 VirtualServiceUnreachableRule: a rule behind a catch-all, or one whose every condition belongs to earlier rules. */
import type { HttpRule } from '../resources/virtual-service.ts';
import type { StoreView } from '../store/config-store.ts';
import type { Finding } from './finding.ts';
import { ruleName, takesAll } from './ineffective-matches.ts';

/** Names the rule that can never be reached, and why. */
export const unreachableRules = (view: StoreView): readonly Finding[] =>
  view.of('VirtualService').flatMap(({ resource }) => {
    const found = (path: string, name: string, reason: string | undefined): Finding[] => {
      const message = `VirtualService rule ${name} not used (${reason})`;
      return reason === undefined ? [] : [{ severity: 'warning', code: 'IST0130', path, message, about: resource }];
    };
    const { http = [], tcp = [], tls = [] } = resource.spec;
    return [
      ...http.flatMap((rule, index) => found(`spec.http[${index}]`, ruleName(rule, index), whyUnreachable(http.slice(0, index), rule))),
      ...tcp.flatMap((rule, index) => found(`spec.tcp[${index}]`, `#${index}`, whyNoConnection(tcp.slice(0, index), rule))),
      ...tls.flatMap((rule, index) => found(`spec.tls[${index}]`, `#${index}`, whyNoConnection(tls.slice(0, index), rule))),
    ];
  });

interface ConnectionRule {
  readonly match?: readonly object[];
}

const whyNoConnection = (earlier: readonly ConnectionRule[], { match = [] }: ConnectionRule): string | undefined => {
  if (earlier.some((rule) => !rule.match?.length))
    return match.length === 0 ? 'only the last rule can have no matches' : 'route without matches defined before';
  const known = earlier.flatMap((rule) => rule.match ?? []).map((condition) => JSON.stringify(condition));
  return match.length > 0 && match.every((condition) => known.includes(JSON.stringify(condition)))
    ? 'all matches used by prior rules'
    : undefined;
};

const whyUnreachable = (earlier: readonly HttpRule[], { match = [] }: HttpRule): string | undefined => {
  if (earlier.some((rule) => !rule.match?.length)) return 'route without matches defined before';
  const isTaken = match.length > 0 && match.every((condition) => earlier.some((rule) => takesAll(rule, condition)));
  return isTaken ? 'all matches used by prior rules' : undefined;
};
