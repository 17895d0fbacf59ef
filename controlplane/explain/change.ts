/** The fewest edits of policies that would let a denied call through, each tried before it is told. Pure. */
import { validateAuthorizationPolicy } from '../resources/validation/security/authorization-policy.ts';
import { NONE, NOT_RECORDED } from './actual.ts';
import { type Edit, edited } from './edits.ts';
import type { BareLeaf, BareRule } from './leaves.ts';
import type { Decision, PolicyInForce, ReadPolicy } from './read-policy.ts';

/** Of a leaf's value: undefined where the caller showed nothing that could be named. */
const nameable = ({ actual, lacking }: BareLeaf): string | undefined => {
  if (lacking || actual === NOT_RECORDED || actual === NONE || actual === 'present') return undefined;
  return (actual.split(', ')[0] ?? actual).replace(/^::ffff:(?=\d+\.)/, '');
};

/** What a leaf lacks to hold. Undefined: no edit gives it that. */
const mend = (policy: ReadPolicy, leaf: BareLeaf): Edit[] | undefined => {
  const { path, excludes, lacking, matching } = leaf;
  if (excludes) return lacking || matching.length === 0 ? undefined : matching.map((value) => ({ policy, path, edit: 'remove', value }));
  const value = nameable(leaf);
  return value === undefined ? undefined : [{ policy, path, edit: 'add', value }];
};

const mendAll = (policy: ReadPolicy, leaves: readonly BareLeaf[]): Edit[] | undefined =>
  joined(leaves.map((leaf) => (leaf.held === true ? [] : mend(policy, leaf))));

/** Undefined as soon as one of them is. */
const joined = (parts: readonly (Edit[] | undefined)[]): Edit[] | undefined =>
  parts.every((edits) => edits !== undefined) ? parts.flat() : undefined;

const shortestFirst = (options: readonly (Edit[] | undefined)[]): Edit[][] =>
  options.filter((edits) => edits !== undefined).sort((a, b) => a.length - b.length);

const mendRule = (policy: ReadPolicy, { from, to, when }: BareRule): Edit[] | undefined =>
  joined(
    [from, to, [when]].map((alternatives) =>
      alternatives.length === 0 ? [] : shortestFirst(alternatives.map((leaves) => mendAll(policy, leaves)))[0],
    ),
  );

const EXCLUDABLE =
  /\.(principals|namespaces|serviceAccounts|trustDomains|requestPrincipals|ipBlocks|remoteIpBlocks|hosts|methods|paths|ports|values)$/;

const excluding = (path: string): string =>
  path.replace(EXCLUDABLE, (_, field: string) => `.not${field[0]?.toUpperCase()}${field.slice(1)}`);

/** Excepts the call from one alternative of a rule, by the first thing that it asks about. */
const spare = (policy: ReadPolicy, leaves: readonly BareLeaf[]): Edit[] | undefined => {
  for (const leaf of leaves) {
    const value = nameable(leaf);
    if (value !== undefined && (leaf.excludes || EXCLUDABLE.test(leaf.path)))
      return [{ policy, path: excluding(leaf.path), edit: 'add', value }];
  }
  return undefined;
};

/** Every alternative that matched must be excepted, of callers or of operations; or a condition; or the rule goes, and with the last one its policy. */
const spareRule = (policy: ReadPolicy, { path, from, to, when }: BareRule): Edit[][] => {
  const parts = [from, to, [when]]
    .filter((alternatives) => alternatives.flat().length > 0)
    .map((alternatives) => alternatives.filter((leaves) => leaves.every(({ held }) => held === true)));
  const away: Edit = { policy, path, edit: 'remove rule', value: '' };
  const last = policy.rules.length === 1 ? [{ ...away, path: '', edit: 'remove policy' as const }] : [away];
  return [...shortestFirst(parts.map((matched) => joined(matched.map((leaves) => spare(policy, leaves))))), last];
};

const isValid = ({ spec }: PolicyInForce): boolean => {
  const rules = spec.rules?.filter((rule) => rule !== undefined);
  return validateAuthorizationPolicy({ ...spec, ...(rules && { rules }) }).every(({ severity }) => severity !== 'error');
};

/** Reads policies, and decides. */
export interface Judge {
  readonly read: (policies: readonly PolicyInForce[]) => readonly ReadPolicy[];
  readonly decide: (policies: readonly ReadPolicy[]) => Decision;
}

/** What to edit. sure: it was tried and allows the call; else what is asked afterwards was not recorded. */
interface Change {
  readonly edits: readonly Edit[];
  readonly sure: boolean;
}

const NO_CHANGE: Change = { edits: [], sure: true };

/** Each DENY that is excepted may uncover the next, and at last the ALLOW that does not match. */
const MOST_STEPS = 8;

/** Only edits that were tried: with them the policies allow the call. Policies without any rule allow nothing: one is to be written. */
export const editsThatAdmit = (policies: readonly PolicyInForce[], { read, decide }: Judge): Change => {
  let edits: readonly Edit[] = [];
  for (let step = 0; step < MOST_STEPS; step++) {
    const now = read(edited(policies, edits));
    const { verdict, by } = decide(now);
    if (verdict !== 'denied') return { edits, sure: verdict === 'allowed' };
    const allowing = now.filter(({ action }) => action === 'ALLOW');
    const options = by
      ? spareRule(by.policy, by.rule)
      : shortestFirst(allowing.flatMap((policy) => policy.rules.map((rule) => mendRule(policy, rule))));
    const works = options.find((option) => {
      const then = edited(policies, [...edits, ...option]);
      const after = then.every((policy) => policies.includes(policy) || isValid(policy)) ? decide(read(then)) : undefined;
      return by ? after !== undefined && !isSame(after.by, by) : after?.verdict === 'allowed';
    });
    if (!works)
      return edits.length === 0 && allowing.every(({ rules }) => rules.length === 0)
        ? { edits: ruleToWrite(allowing), sure: true }
        : NO_CHANGE;
    edits = [...edits, ...works];
  }
  return NO_CHANGE;
};

const isSame = (one: Decision['by'], other: Decision['by']): boolean =>
  one?.policy.name === other?.policy.name && one?.rule.path === other?.rule.path;

const ruleToWrite = ([policy]: readonly ReadPolicy[]): Edit[] =>
  policy ? [{ policy, path: 'spec.rules', edit: 'add rule', value: 'who may do what' }] : [];
