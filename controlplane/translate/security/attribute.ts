/** One attribute of a policy, and how it stands in a rule. Pure. */

/** How nodes of one kind combine. */
export interface Logic<Node> {
  readonly anything: Node;
  readonly and: (nodes: readonly Node[]) => Node;
  readonly or: (nodes: readonly Node[]) => Node;
  readonly not: (node: Node) => Node;
}

/** Values of one attribute, joined by "or". node absent: none of them could be read; whole: all of them could. */
export interface AnyOf<Node> {
  readonly node: Node | undefined;
  readonly whole: boolean;
}

/** What a policy can ask about. http: only requests have it, connections do not. */
export interface Attribute<Node> {
  readonly http: boolean;
  readonly any: (values: readonly string[]) => AnyOf<Node>;
}

/** One attribute in one rule, with what was written. */
export interface Clause<Node> {
  readonly attribute: Attribute<Node>;
  readonly values: readonly string[] | undefined;
  readonly notValues: readonly string[] | undefined;
}

/** The attribute whose values are matched one by one; `one` answers undefined for what it cannot read. */
export const each =
  <Node>({ or }: Logic<Node>, one: (value: string) => Node | undefined): Attribute<Node>['any'] =>
  (values) => {
    const nodes = values.map(one).filter((node) => node !== undefined);
    return { node: nodes.length > 0 ? or(nodes) : undefined, whole: nodes.length === values.length };
  };

/** Where a rule is enforced. lacking: what becomes of a condition that cannot be asked there: it takes an ALLOW rule away, and widens every other rule. */
export interface Setting {
  readonly transport: 'http' | 'tcp';
  readonly lacking: 'drops the rule' | 'is ignored';
}

/** All clauses joined by "and". Undefined: the rule cannot hold here. */
export const allOf = <Node>(logic: Logic<Node>, clauses: readonly Clause<Node>[], setting: Setting): Node | undefined => {
  const nodes: Node[] = [];
  for (const { attribute, values = [], notValues = [] } of clauses)
    for (const [written, stands] of [
      [values, (node: Node) => node],
      [notValues, logic.not],
    ] as const) {
      if (written.length === 0) continue;
      const { node, whole } = setting.transport === 'tcp' && attribute.http ? LACKING : attribute.any(written);
      if (!whole && setting.lacking === 'drops the rule') return undefined;
      if (node !== undefined) nodes.push(stands(node));
    }
  return logic.and(nodes.length > 0 ? nodes : [logic.anything]);
};

const LACKING = { node: undefined, whole: false } as const;
