/**
 * Header fields of one message: ordered, lower-case names, immutable.
 * One flat list [name, value, name, value …], as the codec parsed it; changing means copying once.
 */

/** An ordered multi-map of header fields. Names given to it must already be lower-case. */
export class HeaderMap {
  static readonly EMPTY = new HeaderMap([]);
  /** [name, value, name, value …]; never written to after construction. */
  readonly flat: readonly string[];

  constructor(flat: readonly string[]) {
    this.flat = flat;
  }

  static of(...pairs: readonly (readonly [string, string])[]): HeaderMap {
    return new HeaderMap(pairs.flat());
  }

  /** First value of that name. */
  get(name: string): string | undefined {
    const { flat } = this;
    for (let i = 0; i < flat.length; i += 2) if (flat[i] === name) return flat[i + 1];
    return undefined;
  }

  has(name: string): boolean {
    return this.get(name) !== undefined;
  }

  getAll(name: string): string[] {
    const values: string[] = [];
    const { flat } = this;
    for (let i = 0; i < flat.length; i += 2) if (flat[i] === name) values.push(flat[i + 1] as string);
    return values;
  }

  /** All values of that name joined with a comma, as Envoy's matchers see a repeated field. */
  joined(name: string): string | undefined {
    const first = this.get(name);
    if (first === undefined) return undefined;
    const values = this.getAll(name);
    return values.length === 1 ? first : values.join(',');
  }

  /** Replaces every value of the name, at the first one's place; adds it at the end where there was none. */
  set(name: string, value: string): HeaderMap {
    return this.edit((draft) => setIn(draft, name, value));
  }

  append(name: string, value: string): HeaderMap {
    return new HeaderMap([...this.flat, name, value]);
  }

  without(...names: readonly string[]): HeaderMap {
    if (!names.some((name) => this.has(name))) return this;
    const kept: string[] = [];
    for (const [name, value] of this) if (!names.includes(name)) kept.push(name, value);
    return new HeaderMap(kept);
  }

  /** Several changes for the price of one copy; `change` edits the flat list in place. */
  edit(change: (draft: string[]) => void): HeaderMap {
    const draft = this.flat.slice();
    change(draft);
    return new HeaderMap(draft);
  }

  *[Symbol.iterator](): IterableIterator<[string, string]> {
    const { flat } = this;
    for (let i = 0; i < flat.length; i += 2) yield [flat[i] as string, flat[i + 1] as string];
  }
}

/** For HeaderMap.edit: replaces or adds one field. */
export const setIn = (draft: string[], name: string, value: string): void => {
  let placed = false;
  for (let i = 0; i < draft.length; i += 2) {
    if (draft[i] !== name) continue;
    if (placed) {
      draft.splice(i, 2);
      i -= 2;
    } else {
      draft[i + 1] = value;
      placed = true;
    }
  }
  if (!placed) draft.push(name, value);
};

/** For HeaderMap.edit: drops every field of that name. */
export const removeIn = (draft: string[], name: string): void => {
  for (let i = draft.length - 2; i >= 0; i -= 2) if (draft[i] === name) draft.splice(i, 2);
};
