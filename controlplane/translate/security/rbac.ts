/** AuthorizationPolicies of one action → what is enforced and what is only tried. Pure. Source: istio pilot/pkg/security/authz/builder. */
import { type Policy, RBAC, RBAC_Action } from '#envoy';
import type { ResourceOf } from '../../resources/resource.ts';
import type { Setting } from './attribute.ts';
import { policyOf } from './rule.ts';

/** What translation reads of an AuthorizationPolicy. */
export type AuthorizationPolicy = Pick<ResourceOf<'AuthorizationPolicy'>, 'metadata' | 'spec'>;

/** The annotation of a policy that is only tried: its verdict is counted, not enforced. */
export const isDryRun = ({ metadata }: AuthorizationPolicy): boolean =>
  /^(?:1|t|true)$/i.test(metadata.annotations['istio.io/dry-run'] ?? '');

/** The policy that no request matches: an ALLOW without rules allows nothing. */
const NEVER: Policy = {
  permissions: [{ rule: { $case: 'notRule', value: { rule: { $case: 'any', value: true } } } }],
  principals: [{ identifier: { $case: 'notId', value: { identifier: { $case: 'any', value: true } } } }],
};

/** Names that logs, denials and explanations use to find the rule again. */
const ruleName = ({ metadata }: AuthorizationPolicy, index: number): string =>
  `ns[${metadata.namespace}]-policy[${metadata.name}]-rule[${index}]`;

/** How one set of policies is enforced. prefix: in front of every rule's name. */
export interface RbacOptions {
  readonly action: RBAC_Action;
  readonly transport: Setting['transport'];
  readonly trustDomains: readonly string[];
  readonly prefix?: string;
}

/** All rules of all policies, by name. Only ALLOW loses rules that cannot hold; every other action gets wider. */
export const rbacOf = (policies: readonly AuthorizationPolicy[], { action, transport, trustDomains, prefix = '' }: RbacOptions): RBAC => {
  const setting: Setting = { transport, lacking: action === RBAC_Action.ALLOW ? 'drops the rule' : 'is ignored' };
  const entries = policies.flatMap((policy) => {
    const rules = policy.spec.rules ?? [];
    if (rules.length === 0) return [[prefix + ruleName(policy, 0), NEVER] as const];
    return rules.flatMap((rule, index) => {
      const compiled = policyOf(rule, { namespace: policy.metadata.namespace, trustDomains }, setting);
      return compiled === undefined ? [] : [[prefix + ruleName(policy, index), compiled] as const];
    });
  });
  return RBAC.fromPartial({ action, policies: Object.fromEntries(entries) });
};
