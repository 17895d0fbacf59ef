/** Edits of policies, done: a policy as it would read afterwards. Pure. */
import type { FieldEdit } from '#api/story.ts';
import { nameOf, type PolicyInForce, type ReadPolicy } from './read-policy.ts';

/** An edit that does not know its place yet. */
export interface Edit {
  readonly policy: ReadPolicy;
  readonly path: string;
  readonly edit: FieldEdit['edit'];
  readonly value: string;
}

type Fields = Record<string, unknown>;

const isFields = (value: unknown): value is Fields => typeof value === 'object' && value !== null;

const KEYS = /[^.[\]]+/g;

/** Steps to what the path names, below `spec`. */
const stepsOf = (path: string): string[] => (path.match(KEYS) ?? []).slice(1);

const withoutEmpty = (texts: readonly string[]): readonly string[] | undefined => (texts.length > 0 ? texts : undefined);

/** The copy is changed in place: nobody else has it yet. Rules keep their numbers: one that is taken away becomes undefined. */
const change = (spec: Fields, { path, edit, value }: Pick<Edit, 'path' | 'edit' | 'value'>): void => {
  const steps = stepsOf(path);
  const last = steps.pop() ?? '';
  let at: unknown = spec;
  for (const step of steps) at = isFields(at) ? at[step] : undefined;
  if (!isFields(at)) return;
  const texts = Array.isArray(at[last]) ? (at[last] as readonly string[]) : [];
  if (edit === 'add') at[last] = [...texts, value];
  if (edit === 'remove') at[last] = withoutEmpty(texts.filter((text) => text !== value));
  if (edit === 'remove rule') at[last] = undefined;
};

/** The policies with these edits in force. `add rule` leaves them as they are: nobody can tell what it would say. */
export const edited = (policies: readonly PolicyInForce[], edits: readonly Edit[]): PolicyInForce[] =>
  policies.flatMap((policy) => {
    const own = edits.filter(({ policy: { name } }) => name === nameOf(policy));
    if (own.length === 0) return [policy];
    if (own.some(({ edit }) => edit === 'remove policy')) return [];
    const spec = structuredClone(policy.spec);
    for (const edit of own) change(spec as Fields, edit);
    return [{ ...policy, spec }];
  });
