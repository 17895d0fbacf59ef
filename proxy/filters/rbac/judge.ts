/** RBAC rules → a judge. Policies are asked in the order of their names; the first that matches decides. Source: config.rbac.v3.RBAC. */
import { ConfigError, inField, refuseUnsupported } from '#api/config-error.ts';
import type { Policy, RBAC } from '#envoy';
import type { HttpRequest } from '../../http/message.ts';
import { compilePermission } from './permissions.ts';
import { compilePrincipal } from './principals.ts';
import { all, any, each, type Rule, type RuleScope, type RuleStream } from './rule.ts';

/** What judges say: the policy that matched, if one did, and what comes of it. */
export interface Verdict {
  readonly action: 'ALLOW' | 'DENY' | 'LOG';
  readonly allowed: boolean;
  readonly policy: string | undefined;
}

/** Gives one of the outcomes that were made when the rules were compiled: judging makes nothing. */
export type Judge<Outcome> = (request: HttpRequest, stream: RuleStream) => Outcome;

const ACTIONS: readonly Verdict['action'][] = ['ALLOW', 'DENY', 'LOG'];

const compilePolicy = (policy: Policy, scope: RuleScope): Rule => {
  refuseUnsupported(policy, { read: ['permissions', 'principals'] });
  const permitted = any(each('permissions', policy.permissions, (permission) => compilePermission(permission, scope)));
  const meant = any(each('principals', policy.principals, (principal) => compilePrincipal(principal, scope)));
  return all([permitted, meant]);
};

const isAllowed = (action: Verdict['action'], matched: boolean): boolean => action === 'LOG' || (action === 'ALLOW' ? matched : !matched);

/** Code units, as Envoy's ordered map compares bytes. */
const byName = ([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number => (a < b ? -1 : a > b ? 1 : 0);

/** outcome: what to make of each verdict there can be. Throws ConfigError with a path relative to the rules. */
export const compileJudge = <Outcome>(rules: RBAC, scope: RuleScope, outcome: (verdict: Verdict) => Outcome): Judge<Outcome> => {
  refuseUnsupported(rules, { read: ['action', 'policies'] });
  const action = ACTIONS[rules.action];
  if (action === undefined) throw new ConfigError('action', `unknown value ${rules.action}`);
  const policies = Object.entries(rules.policies)
    .sort(byName)
    .map(([name, policy]) => ({
      rule: inField(`policies[${name}]`, () => compilePolicy(policy, scope)),
      outcome: outcome({ action, allowed: isAllowed(action, true), policy: name }),
    }));
  const unmatched = outcome({ action, allowed: isAllowed(action, false), policy: undefined });
  return (request, stream) => {
    for (const policy of policies) if (policy.rule(request, stream)) return policy.outcome;
    return unmatched;
  };
};
