/** The fewest edits of policies that would let a denied call through. Pure. */
import type { FieldEdit } from '#api/story.ts';
import { NONE, NOT_RECORDED } from './actual.ts';
import type { BareLeaf, BareRule } from './leaves.ts';
import type { ReadPolicy } from './read-policy.ts';

/** An edit that does not know its place yet. */
export interface Edit {
  readonly policy: ReadPolicy;
  readonly path: string;
  readonly edit: FieldEdit['edit'];
  readonly value: string;
}

/** What a leaf lacks to hold. Undefined: no edit gives it that, for the caller showed nothing that could be named. */
const mend = (policy: ReadPolicy, { path, wanted, excludes, actual, lacking }: BareLeaf): Edit[] | undefined => {
  if (lacking || actual === NOT_RECORDED || actual === 'present') return undefined;
  if (excludes) return wanted.map((value) => ({ policy, path, edit: 'remove', value }));
  return actual === NONE ? undefined : [{ policy, path, edit: 'add', value: actual.split(', ')[0] ?? actual }];
};

const mendAll = (policy: ReadPolicy, leaves: readonly BareLeaf[]): Edit[] | undefined => {
  const edits: Edit[] = [];
  for (const leaf of leaves) {
    if (leaf.held === true) continue;
    const mended = mend(policy, leaf);
    if (!mended) return undefined;
    edits.push(...mended);
  }
  return edits;
};

const fewest = (options: readonly (Edit[] | undefined)[]): Edit[] | undefined =>
  options.reduce<Edit[] | undefined>((best, edits) => (edits && (!best || edits.length < best.length) ? edits : best), undefined);

const mendRule = (policy: ReadPolicy, { from, to, when }: BareRule): Edit[] | undefined => {
  const parts = [from, to, [when]].map((alternatives) =>
    alternatives.length === 0 ? [] : fewest(alternatives.map((leaves) => mendAll(policy, leaves))),
  );
  return parts.every((edits) => edits !== undefined) ? parts.flat() : undefined;
};

/** For a call that no ALLOW rule matched: the rule that comes nearest. Policies without rules allow nothing: one is to be written. */
export const editsThatAdmit = (allowing: readonly ReadPolicy[]): readonly Edit[] => {
  const options = allowing.flatMap((policy) => policy.rules.map((rule) => mendRule(policy, rule)));
  const best = fewest(options);
  if (best) return best;
  const [policy] = allowing;
  return policy && options.length === 0 ? [{ policy, path: 'spec.rules', edit: 'add rule', value: 'who may do what' }] : [];
};

const EXCLUDABLE =
  /\.(principals|namespaces|serviceAccounts|trustDomains|requestPrincipals|ipBlocks|remoteIpBlocks|hosts|methods|paths|ports|values)$/;

const excluding = (path: string): string =>
  path.replace(EXCLUDABLE, (_, field: string) => `.not${field[0]?.toUpperCase()}${field.slice(1)}`);

/** For a call that a DENY rule matched: except it by the first thing that the rule asks about, or take the rule away. */
export const editsThatSpare = (policy: ReadPolicy, rule: BareRule): readonly Edit[] => {
  const away: Edit = { policy, path: rule.path, edit: 'remove rule', value: '' };
  // More than one alternative may have matched; excepting the call from one of them would not be enough.
  if (rule.from.length > 1 || rule.to.length > 1) return [away];
  const leaf = [...rule.from.flat(), ...rule.to.flat(), ...rule.when].find(
    ({ excludes, actual, lacking, path }) =>
      !excludes && !lacking && EXCLUDABLE.test(path) && ![NONE, NOT_RECORDED, 'present'].includes(actual),
  );
  return leaf ? [{ policy, path: excluding(leaf.path), edit: 'add', value: leaf.actual }] : [away];
};
