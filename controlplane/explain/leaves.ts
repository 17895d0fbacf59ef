/** A rule → its conditions, one by one, each with what was wanted, what came and whether it held. Pure. */
import type { CallFacts, Held, Leaf, ToldRule } from '#api/story.ts';
import { type Permission, type Principal, UriTemplateMatchConfig } from '#envoy';
import type { AuthorizationRule } from '../resources/security/authorization-policy.ts';
import type { AnyOf, Attribute } from '../translate/security/attribute.ts';
import { OPERATION, operationCondition } from '../translate/security/permissions.ts';
import { callerCondition, type PolicyScope, sourceAttributes } from '../translate/security/principals.ts';
import { actualOf, conditionActual } from './actual.ts';
import { allHeld, anyHeld, notHeld, permissionHeld, principalHeld, type TemplateOf } from './held.ts';

/** A leaf before its place in a file is known. lacking: the call has no such thing, whatever its value. */
export interface BareLeaf extends Omit<Leaf, 'place'> {
  readonly lacking: boolean;
  /** Of what is not wanted: the values that the call has. */
  readonly matching: readonly string[];
}

/** A rule with its alternatives apart: one of each list must hold, and all conditions. */
export interface BareRule extends Omit<ToldRule, 'leaves'> {
  readonly from: readonly (readonly BareLeaf[])[];
  readonly to: readonly (readonly BareLeaf[])[];
  readonly when: readonly BareLeaf[];
}

type Texts = readonly string[];
type Fields = Readonly<Record<string, Texts | undefined>>;

interface Asked<Node> {
  readonly attribute: Attribute<Node>;
  readonly actual: string;
  readonly facts: CallFacts;
  /** Istio's rule for what cannot be asked: an ALLOW rule then never holds, in every other the condition is left out. */
  readonly action: string;
  readonly held: (node: Node) => Held;
}

const templateOf: TemplateOf = (bytes) => UriTemplateMatchConfig.decode(bytes).pathTemplate;

const heldOf = <Node>(
  { attribute, facts, action, held }: Asked<Node>,
  written: Texts,
  excludes: boolean,
): Pick<BareLeaf, 'held' | 'lacking' | 'matching'> => {
  const isAbsent = facts.transport === 'tcp' && attribute.http;
  const { node, whole }: AnyOf<Node> = isAbsent ? { node: undefined, whole: false } : attribute.any(written);
  if (!whole && action === 'ALLOW') return { held: false, lacking: true, matching: [] };
  if (node === undefined) return { held: true, lacking: true, matching: [] };
  if (!excludes) return { held: held(node), lacking: false, matching: [] };
  const matching = written.filter((value) => {
    const { node: one } = attribute.any([value]);
    return one !== undefined && held(one) === true;
  });
  return { held: notHeld(held(node)), lacking: false, matching };
};

/** One attribute as it is written: what is wanted and what is not, and the fields in which that stands. */
interface Written {
  readonly path: string;
  readonly notPath: string;
  readonly values?: Texts | undefined;
  readonly notValues?: Texts | undefined;
}

const leavesOf = <Node>(asked: Asked<Node>, { path, notPath, values = [], notValues = [] }: Written): BareLeaf[] => {
  const leaf = (at: string, wanted: Texts, excludes: boolean): BareLeaf[] =>
    wanted.length === 0 ? [] : [{ path: at, wanted, excludes, actual: asked.actual, ...heldOf(asked, wanted, excludes) }];
  return [...leaf(path, values, false), ...leaf(notPath, notValues, true)];
};

const negated = (field: string): string => `not${field[0]?.toUpperCase()}${field.slice(1)}`;

const fieldLeaves = <Node>(
  attributes: Readonly<Record<string, Attribute<Node>>>,
  written: object = {},
  at: string,
  asked: Pick<Asked<Node>, 'facts' | 'action' | 'held'>,
): BareLeaf[] => {
  const fields = written as Fields;
  return Object.entries(attributes).flatMap(([field, attribute]) =>
    leavesOf(
      { ...asked, attribute, actual: actualOf(field, asked.facts) },
      { path: `${at}.${field}`, notPath: `${at}.${negated(field)}`, values: fields[field], notValues: fields[negated(field)] },
    ),
  );
};

/** What a rule is read against, and as part of which kind of policy. */
export interface Reading {
  readonly scope: PolicyScope;
  readonly facts: CallFacts;
  readonly action: string;
}

/** at: `spec.rules[0]`. */
export const readRule = (rule: AuthorizationRule, at: string, { scope, facts, action }: Reading): BareRule => {
  const caller = { facts, action, held: (node: Principal) => principalHeld(node, facts) };
  const operation = { facts, action, held: (node: Permission) => permissionHeld(node, facts, templateOf) };
  const from = (rule.from ?? []).map(({ source }, index) =>
    fieldLeaves(sourceAttributes(scope), source, `${at}.from[${index}].source`, caller),
  );
  const to = (rule.to ?? []).map(({ operation: one }, index) => fieldLeaves(OPERATION, one, `${at}.to[${index}].operation`, operation));
  const when = (rule.when ?? []).flatMap(({ key = '', values, notValues }, index) => {
    const path = `${at}.when[${index}]`;
    const actual = conditionActual(key, facts);
    const [asOperation, asCaller] = [operationCondition(key), callerCondition(key, scope)];
    const written = { path: `${path}.values`, notPath: `${path}.notValues`, values, notValues };
    if (asOperation) return leavesOf({ ...operation, attribute: asOperation, actual }, written);
    return asCaller ? leavesOf({ ...caller, attribute: asCaller, actual }, written) : [];
  });
  return { path: at, held: ruleHeld({ from, to, when }, action), from, to, when };
};

const ruleHeld = ({ from, to, when }: Pick<BareRule, 'from' | 'to' | 'when'>, action: string): Held => {
  const leaves = [...from.flat(), ...to.flat(), ...when];
  if (action === 'ALLOW' && leaves.some(({ lacking }) => lacking)) return false;
  const entry = (one: readonly BareLeaf[]): Held => allHeld(one.map(({ held }) => held));
  const alternatives = (list: BareRule['from']): Held => (list.length === 0 ? true : anyHeld(list.map(entry)));
  return allHeld([alternatives(from), alternatives(to), entry(when)]);
};
