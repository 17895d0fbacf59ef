/** A policy, read against the facts of a call. Pure. */
import type { CallFacts, Held, Story } from '#api/story.ts';
import type { Locate } from '../resources/problem.ts';
import { type AuthorizationPolicy, isDryRun } from '../translate/security/rbac.ts';
import { anyHeld } from './held.ts';
import { type BareRule, readRule } from './leaves.ts';

/** A policy, and where its fields stand if it was read from a file. */
export interface PolicyInForce extends AuthorizationPolicy {
  readonly origin?: { readonly file: string };
  readonly locate?: Locate;
}

/** A policy read against the facts. */
export interface ReadPolicy {
  readonly policy: PolicyInForce;
  readonly name: string;
  readonly action: string;
  readonly dryRun: boolean;
  readonly held: Held;
  readonly rules: readonly BareRule[];
}

/** `default/reviews` */
export const nameOf = ({ metadata }: PolicyInForce): string => `${metadata.namespace}/${metadata.name}`;

/** trustDomains: the mesh's own first, then its aliases. */
export const readPolicy = (policy: PolicyInForce, trustDomains: readonly string[], facts: CallFacts): ReadPolicy => {
  const { metadata, spec } = policy;
  const action = spec.action ?? 'ALLOW';
  const scope = { namespace: metadata.namespace, trustDomains };
  const rules = (spec.rules ?? []).flatMap((rule, index) =>
    // A rule that an edit took away leaves its place empty.
    rule ? [readRule(rule, `spec.rules[${index}]`, { scope, facts, action })] : [],
  );
  const held = anyHeld(rules.map((rule) => rule.held));
  return { policy, name: nameOf(policy), action, dryRun: isDryRun(policy), held, rules };
};

/** What decided: a rule that matched, or that none did; reason: in words, where rules alone do not tell. */
export interface Decision {
  readonly verdict: Story['verdict'];
  readonly by?: { readonly policy: ReadPolicy; readonly rule: BareRule };
  readonly reason?: string;
}
