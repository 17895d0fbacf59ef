/** A decision as one plain sentence. Pure. */
import type { FieldEdit } from '#api/story.ts';
import type { BareLeaf, BareRule } from './leaves.ts';
import type { Decision, ReadPolicy } from './read-policy.ts';

/** An edit as one would ask a colleague for it. */
export const editText = ({ policy, path, edit, value, place }: FieldEdit): string => {
  const where = place ? ` (${place.file}:${place.line})` : '';
  switch (edit) {
    case 'add':
      return `add ${JSON.stringify(value)} to ${path} of ${policy}${where}`;
    case 'remove':
      return `remove ${JSON.stringify(value)} from ${path} of ${policy}${where}`;
    case 'add rule':
      return `add a rule to ${path} of ${policy}${where} that says ${value}`;
    case 'remove policy':
      return `delete ${policy}${where}`;
    case 'remove rule':
      return `remove ${path} of ${policy}${where}`;
  }
};

const failedLeaf = (policies: readonly ReadPolicy[]): BareLeaf | undefined => {
  const leaves = policies.flatMap(({ rules }) => rules.flatMap(({ from, to, when }: BareRule) => [...from.flat(), ...to.flat(), ...when]));
  return leaves.find(({ held }) => held === false);
};

const nearest = (policies: readonly ReadPolicy[]): string => {
  const leaf = failedLeaf(policies);
  if (!leaf) return 'no ALLOW policy has a rule';
  const wanted = leaf.wanted.map((value) => JSON.stringify(value)).join(' or ');
  return leaf.lacking
    ? `${leaf.path} asks for what this connection does not have`
    : `${leaf.path} wants ${leaf.excludes ? 'anything but ' : ''}${wanted}, and the call has ${leaf.actual}`;
};

const reasonOf = ({ verdict, by, reason }: Decision, enforced: readonly ReadPolicy[]): string => {
  if (reason !== undefined) return reason;
  if (by) return `${by.policy.action} policy ${by.policy.name} ${verdict === 'denied' ? 'refuses' : 'allows'} it: ${by.rule.path} matched`;
  const allowing = enforced.filter(({ action }) => action === 'ALLOW');
  if (verdict === 'allowed') return 'no ALLOW policy is in force and no DENY policy matched';
  if (verdict === 'not certain') return 'a rule asks about something that was not recorded';
  return `no rule of ${allowing.map(({ name }) => name).join(', ')} matched: ${nearest(allowing)}`;
};

/** change: what would let it through. */
export const sentenceOf = (decision: Decision, enforced: readonly ReadPolicy[], change: readonly FieldEdit[]): string => {
  const word = decision.verdict === 'not certain' ? 'Whether it was allowed is not certain' : `It was ${decision.verdict}`;
  const advice = change.length > 0 ? ` To allow it, ${change.map(editText).join(', and ')}.` : '';
  return `${word}: ${reasonOf(decision, enforced)}.${advice}`;
};
