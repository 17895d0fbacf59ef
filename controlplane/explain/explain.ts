/** The policies in force for a workload and the facts of a call → why it went as it did. Pure: nothing of the data path is asked. */
import type { CallFacts, FieldEdit, Leaf, Story, ToldPolicy } from '#api/story.ts';
import { editsThatAdmit, type Judge } from './change.ts';
import { refusedElsewhere, type TokenPolicy, unknownElsewhere } from './elsewhere.ts';
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
    leaves: [...from.flat(), ...to.flat(), ...when].map(({ lacking: _, matching: _matching, ...leaf }) => ({
      ...leaf,
      ...placeIn(policy, leaf.path),
    })),
  })),
});

const changeFor = (
  { verdict, reason }: Decision,
  enforced: readonly PolicyInForce[],
  judge: Judge,
): { readonly change: FieldEdit[]; readonly sure: boolean } => {
  // What a token or somebody else decided, no edit of a rule changes.
  if (verdict !== 'denied' || reason !== undefined) return { change: [], sure: true };
  const { edits, sure } = editsThatAdmit(enforced, judge);
  const change = edits.map(({ policy, path, edit, value }) => ({
    ...{ policy: policy.name, path, edit, value },
    ...placeIn(policy.policy, path === '' ? 'metadata.name' : path),
  }));
  return { change, sure };
};

const allOf = (policies: readonly ReadPolicy[], facts: CallFacts, tokens: readonly TokenPolicy[]): Decision => {
  const custom = firstHeld(policies, 'CUSTOM');
  const elsewhere = refusedElsewhere(facts, custom, tokens);
  if (elsewhere) return elsewhere;
  const own = decide(policies, facts.refusedBy);
  return custom && own.verdict === 'allowed' && facts.details === undefined ? unknownElsewhere(custom) : own;
};

/** What is in force for the workload. trustDomains: the mesh's own first, then its aliases. tokens: absent: none. */
interface InForce {
  readonly policies: readonly PolicyInForce[];
  readonly trustDomains: readonly string[];
  readonly tokens?: readonly TokenPolicy[];
}

/** The story of the call, by the policies of now. */
export const explain = ({ policies, trustDomains, tokens = [] }: InForce, facts: CallFacts): Story => {
  // Most policies are asked again and again while edits are tried.
  const known = new Map<PolicyInForce, ReadPolicy>();
  const remember = (policy: PolicyInForce): ReadPolicy => {
    const read = readPolicy(policy, trustDomains, facts);
    known.set(policy, read);
    return read;
  };
  const judge: Judge = {
    read: (some) => some.map((policy) => known.get(policy) ?? remember(policy)),
    decide: (some) => decide(some, facts.refusedBy),
  };
  const read = judge.read(policies);
  const enforced = read.filter(({ dryRun }) => !dryRun);
  const decision = allOf(enforced, facts, tokens);
  const { change, sure } = changeFor(
    decision,
    enforced.map(({ policy }) => policy),
    judge,
  );
  return {
    verdict: decision.verdict,
    decidedBy: decision.by ? `${decision.by.policy.name} ${decision.by.rule.path}` : '',
    sentence: `${facts.refusedBy && decision.verdict === 'allowed' ? 'It was denied then; by the policies of now: ' : ''}${sentenceOf(decision, enforced, change)}${sure ? '' : ' What the ALLOW policies then ask about was not recorded.'}`,
    change,
    policies: read.map(toldPolicy),
    ...(read.length > enforced.length && { dryRun: allOf(read, facts, tokens).verdict }),
  };
};
