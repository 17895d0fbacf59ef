/** One rule of an AuthorizationPolicy → one Envoy policy. Pure. Source: istio pilot/pkg/security/authz/model/model.go. */

import type { Permission, Policy, Principal } from '#envoy';
import type { AuthorizationRule } from '../../resources/security/authorization-policy.ts';
import { type Attribute, allOf, type Clause, type Setting } from './attribute.ts';
import { OPERATION, operationCondition, PERMISSIONS } from './permissions.ts';
import { callerCondition, type PolicyScope, PRINCIPALS, sourceAttributes } from './principals.ts';

export type { AuthorizationRule };

type Fields = Readonly<Record<string, readonly string[] | undefined>>;

/** Undefined: the rule cannot hold in that setting. Each of `from` and `to` is an alternative, and `when` is part of all of them. */
export const policyOf = (rule: AuthorizationRule, scope: PolicyScope, setting: Setting): Policy | undefined => {
  const conditions = conditionsOf(rule, scope);
  if (conditions.unknown && setting.lacking === 'drops the rule') return undefined;
  const sources = sourceAttributes(scope);
  const callers = alternatives(rule.from, ({ source }) => fieldClauses(sources, source));
  const operations = alternatives(rule.to, ({ operation }) => fieldClauses(OPERATION, operation));
  const principals = callers.map((clauses) => allOf<Principal>(PRINCIPALS, [...clauses, ...conditions.caller], setting));
  const permissions = operations.map((clauses) => allOf<Permission>(PERMISSIONS, [...clauses, ...conditions.operation], setting));
  return allThere(principals) && allThere(permissions) ? { permissions, principals } : undefined;
};

const alternatives = <Entry, Node>(entries: readonly Entry[] = [], clausesOf: (entry: Entry) => Clause<Node>[]): Clause<Node>[][] =>
  entries.length > 0 ? entries.map(clausesOf) : [[]];

const allThere = <Node>(nodes: (Node | undefined)[]): nodes is Node[] => nodes.every((node) => node !== undefined);

/** `principals` and `notPrincipals` are one clause. */
const fieldClauses = <Node>(attributes: Readonly<Record<string, Attribute<Node>>>, written: object = {}): Clause<Node>[] => {
  const fields = written as Fields;
  return Object.entries(attributes).map(([field, attribute]) => ({
    attribute,
    values: fields[field],
    notValues: fields[`not${field[0]?.toUpperCase()}${field.slice(1)}`],
  }));
};

interface Conditions {
  readonly caller: readonly Clause<Principal>[];
  readonly operation: readonly Clause<Permission>[];
  /** Some key means nothing: such a policy is refused when it is applied, so this is only ever a second fence. */
  readonly unknown: boolean;
}

const conditionsOf = ({ when = [] }: AuthorizationRule, scope: PolicyScope): Conditions => {
  const caller: Clause<Principal>[] = [];
  const operation: Clause<Permission>[] = [];
  let unknown = false;
  for (const { key = '', values, notValues } of when) {
    const ofOperation = operationCondition(key);
    const ofCaller = callerCondition(key, scope);
    if (ofOperation) operation.push({ attribute: ofOperation, values, notValues });
    else if (ofCaller) caller.push({ attribute: ofCaller, values, notValues });
    else unknown = true;
  }
  return { caller, operation, unknown };
};
