/** The policies in force for a workload and the facts of a call → why it went as it did. Pure: nothing of the data path is asked. */
import type { CallFacts, FieldEdit, Leaf, Story, ToldPolicy } from '#api/story.ts';
import { editsThatAdmit, editsThatSpare } from './change.ts';
import type { BareRule } from './leaves.ts';
import { type Decision, type PolicyInForce, type ReadPolicy, readPolicy } from './read-policy.ts';
import { sentenceOf } from './sentence.ts';

/** In the order in which the proxy asks: by the names that it knows rules by. */
const ruleNamed = ({ policy: { metadata } }: ReadPolicy, { path }: BareRule): string =>
  `ns[${metadata.namespace}]-policy[${metadata.name}]-rule${path.slice('spec.rules'.length)}`;

const firstHeld = (policies: readonly ReadPolicy[], action: string): Decision['by'] => {
  const held = policies
    .filter((policy) => policy.action === action)
    .flatMap((policy) =>
      policy.rules.filter((rule) => rule.held === true).map((rule) => ({ policy, rule, name: ruleNamed(policy, rule) })),
    );
  const [first] = held.sort((a, b) => (a.name < b.name ? -1 : 1));
  return first && { policy: first.policy, rule: first.rule };
};

const decide = (policies: readonly ReadPolicy[], refusedBy?: CallFacts['refusedBy']): Decision => {
  const denied = firstHeld(policies, 'DENY');
  if (denied) return { verdict: 'denied', by: denied };
  if (refusedBy !== 'ALLOW' && policies.some(({ action, held }) => action === 'DENY' && held === null)) return { verdict: 'not certain' };
  const allowing = policies.filter(({ action }) => action === 'ALLOW');
  const allowed = firstHeld(allowing, 'ALLOW');
  if (allowed) return { verdict: 'allowed', by: allowed };
  if (allowing.length === 0) return { verdict: 'allowed' };
  return { verdict: allowing.some(({ held }) => held === null) ? 'not certain' : 'denied' };
};

const placeIn = ({ origin, locate }: PolicyInForce, path: string): { readonly place?: Leaf['place'] & object } =>
  origin && locate ? { place: { file: origin.file, line: locate(path, true).line } } : {};

const toldPolicy = ({ policy, name, action, dryRun, held, rules }: ReadPolicy): ToldPolicy => ({
  policy: name,
  action,
  dryRun,
  held,
  rules: rules.map(({ path, held, from, to, when }) => ({
    path,
    held,
    leaves: [...from.flat(), ...to.flat(), ...when].map(({ lacking: _, ...leaf }) => ({ ...leaf, ...placeIn(policy, leaf.path) })),
  })),
});

const changeFor = ({ verdict, by }: Decision, enforced: readonly ReadPolicy[]): FieldEdit[] => {
  if (verdict !== 'denied') return [];
  const edits = by ? editsThatSpare(by.policy, by.rule) : editsThatAdmit(enforced.filter(({ action }) => action === 'ALLOW'));
  return edits.map(({ policy, path, edit, value }) => ({ policy: policy.name, path, edit, value, ...placeIn(policy.policy, path) }));
};

/** trustDomains: the mesh's own first, then its aliases. */
export const explain = (policies: readonly PolicyInForce[], trustDomains: readonly string[], facts: CallFacts): Story => {
  const read = policies.map((policy) => readPolicy(policy, trustDomains, facts));
  const enforced = read.filter(({ dryRun }) => !dryRun);
  const decision = decide(enforced, facts.refusedBy);
  const change = changeFor(decision, enforced);
  return {
    verdict: decision.verdict,
    decidedBy: decision.by ? `${decision.by.policy.name} ${decision.by.rule.path}` : '',
    sentence: `${facts.refusedBy && decision.verdict === 'allowed' ? 'It was denied then; by the policies of now: ' : ''}${sentenceOf(decision, enforced, change)}`,
    change,
    policies: read.map(toldPolicy),
    ...(read.length > enforced.length && { dryRun: decide(read).verdict }),
  };
};
