/** What a rule is, how rules combine, and what compiling them notes on the way. */
import { ConfigError, inField } from '#api/config-error.ts';
import type { HttpRequest } from '../../http/message.ts';
import type { StreamInfo } from '../../http/stream-info.ts';

/** What rules read beyond the request. */
export type RuleStream = Pick<StreamInfo, 'downstream' | 'metadata'>;

/** Whether a rule is about this request. */
export type Rule = (request: HttpRequest, stream: RuleStream) => boolean;

/** Where rules stand, and what of a request they look at: that, and only that, is told of a request that was denied. */
export interface RuleScope {
  /** Connections have no headers and no path: rules about them are refused. */
  readonly of: 'requests' | 'connections';
  /** Lower-case names. */
  readonly headers: Set<string>;
  /** Paths in a verified token, by their keys joined with `][`. */
  readonly claims: Map<string, readonly string[]>;
}

/** A scope in which nothing was looked at yet. */
export const ruleScope = (of: RuleScope['of']): RuleScope => ({ of, headers: new Set(), claims: new Map() });

/** Holds when every one does. */
export const all = (rules: readonly Rule[]): Rule => {
  if (rules.length === 1) return rules[0] as Rule;
  return (request, stream) => {
    for (const rule of rules) if (!rule(request, stream)) return false;
    return true;
  };
};

/** Holds when one does. */
export const any = (rules: readonly Rule[]): Rule => {
  if (rules.length === 1) return rules[0] as Rule;
  return (request, stream) => {
    for (const rule of rules) if (rule(request, stream)) return true;
    return false;
  };
};

/** Holds when the other does not. */
export const not =
  (rule: Rule): Rule =>
  (request, stream) =>
    !rule(request, stream);

/** Holds of everything. */
export const always: Rule = () => true;

/** Throws ConfigError for none: "all of nothing" and "any of nothing" are mistakes. */
export const each = <T>(field: string, items: readonly T[], compile: (item: T) => Rule): Rule[] => {
  if (items.length === 0) throw new ConfigError(field, 'must not be empty');
  return items.map((item, index) => inField(`${field}[${index}]`, () => compile(item)));
};

/** $case of a oneof → refusal of the field. */
export const refused = (name: string, why = 'not supported by this proxy'): never => {
  throw new ConfigError(
    name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
    why,
  );
};

/** Throws ConfigError where there is no request to ask. */
export const needRequests = ({ of }: RuleScope, name: string): void => {
  if (of === 'connections') refused(name, 'connections do not have it, only requests do');
};
