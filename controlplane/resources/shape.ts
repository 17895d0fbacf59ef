/**
 * Shapes of documents, as data: one declaration gives the TypeScript type, unknown-field and wrong-type errors, and the editor's completion.
 * A shape checks a plain value (already parsed YAML) and reports every complaint with its field path; it never stops at the first.
 */

/** Receives complaints. path: from the checked value on, e.g. `.http[0].route`. key: complain about the field's name instead of its value. */
export type Complain = (path: string, message: string, key?: 'key') => void;

/** What a value may be. T is the TypeScript side of it. */
export interface Shape<T> {
  readonly name: string;
  /** Gives the value as the type, in camelCase; fields that complained are left out. */
  readonly read: (value: unknown, path: string, complain: Complain) => T | undefined;
  /** Exists for its return type only. */
  readonly typeOf: () => T;
  /** Of a mapping with known keys. */
  readonly fields?: Readonly<Record<string, Shape<unknown>>>;
  /** Of a list, or of a mapping with free keys. */
  readonly items?: Shape<unknown>;
}

const never = (): never => {
  throw new Error('invariant: typeOf is for types only');
};

const describe = (value: unknown): string => {
  if (value === undefined || value === null) return 'missing';
  if (Array.isArray(value)) return 'a list';
  return typeof value === 'object' ? 'a mapping' : `${typeof value} ${JSON.stringify(value).slice(0, 100)}`;
};

const scalar = <T>(name: string, accept: (value: unknown) => T | undefined): Shape<T> => ({
  name,
  typeOf: never,
  read: (value, path, complain) => {
    const accepted = accept(value);
    if (accepted === undefined) complain(path, `must be ${name}, but is ${describe(value)}`);
    return accepted;
  },
});

/** Text. */
export const str = scalar('a string', (value) => (typeof value === 'string' ? value : undefined));
const wholeNumber = (value: unknown, least: number, most: number): number | undefined => {
  const number = typeof value === 'string' && /^-?\d{1,10}$/.test(value) ? Number(value) : value;
  return Number.isInteger(number) && (number as number) >= least && (number as number) <= most ? (number as number) : undefined;
};
/** A whole number of protobuf's int32; its JSON also takes it as text. */
export const int = scalar('an integer', (value) => wholeNumber(value, -2_147_483_648, 2_147_483_647));
/** A whole number of protobuf's uint32. */
export const uint = scalar('an integer of at least 0', (value) => wholeNumber(value, 0, 4_294_967_295));
/** A number. */
export const num = scalar('a number', (value) => (typeof value === 'number' && Number.isFinite(value) ? value : undefined));
/** true or false. */
export const bool = scalar('true or false', (value) => (typeof value === 'boolean' ? value : undefined));
/** A duration as Go and protobuf write it. */
export const durationText = scalar('a duration such as "1.5s" or "250ms"', (value) =>
  typeof value === 'string' && /^(?:\d{1,12}(?:\.\d{1,9})?(?:ns|us|µs|ms|s|m|h)){1,6}$/.test(value) ? value : undefined,
);

/** One of some words. */
export const oneOf = <const W extends string>(...words: readonly W[]): Shape<W> =>
  scalar(`one of ${words.join(', ')}`, (value) => words.find((word) => word === value));

/** Anything: for parts that this mesh keeps but does not read. */
export const anything: Shape<unknown> = { name: 'anything', typeOf: never, read: (value) => value ?? undefined };

/** A list whose items have one shape. */
export const listOf = <T>(item: Shape<T>): Shape<readonly T[]> => ({
  name: 'a list',
  typeOf: never,
  items: item,
  read: (value, path, complain) => {
    if (!Array.isArray(value)) {
      complain(path, `must be a list, but is ${describe(value)}`);
      return undefined;
    }
    return value.map((entry, index) => item.read(entry, `${path}[${index}]`, complain)).filter((entry) => entry !== undefined) as T[];
  },
});

/** Free keys, values of one shape. */
export const mapOf = <T>(item: Shape<T>): Shape<Readonly<Record<string, T>>> => ({
  name: 'a mapping',
  typeOf: never,
  items: item,
  read: (value, path, complain) => {
    if (!isMapping(value)) {
      complain(path, `must be a mapping, but is ${describe(value)}`);
      return undefined;
    }
    const read = Object.entries(value).map(([key, entry]) => [key, item.read(entry, `${path}.${key}`, complain)] as const);
    return Object.fromEntries(read.filter(([, entry]) => entry !== undefined)) as Record<string, T>;
  },
});

type ObjectOf<F extends Readonly<Record<string, Shape<unknown>>>> = { readonly [K in keyof F]?: F[K] extends Shape<infer T> ? T : never };

/** Known keys, each with its shape; all may be absent. snake_case spellings are accepted, as in protobuf's JSON. */
export const object = <const F extends Readonly<Record<string, Shape<unknown>>>>(fields: F): Shape<ObjectOf<F>> => ({
  name: 'a mapping',
  typeOf: never,
  fields,
  read: (value, path, complain) => {
    if (!isMapping(value)) {
      complain(path, `must be a mapping, but is ${describe(value)}`);
      return undefined;
    }
    const read: Record<string, unknown> = {};
    for (const [key, entry] of Object.entries(value)) {
      const name = Object.hasOwn(fields, key) ? key : camelCase(key);
      const shape = Object.hasOwn(fields, name) ? fields[name] : undefined;
      if (shape === undefined) complain(`${path}.${key}`, unknownField(key, Object.keys(fields)), 'key');
      else if (entry !== null) {
        const accepted = shape.read(entry, `${path}.${key}`, complain);
        if (accepted !== undefined) read[name] = accepted;
      }
    }
    return read as ObjectOf<F>;
  },
});

const isMapping = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** snake_case → camelCase, as protobuf JSON does. */
export const camelCase = (key: string): string => key.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());

const unknownField = (key: string, known: readonly string[]): string => {
  const near = nearest(key, known);
  return near === undefined ? `unknown field "${key}"` : `unknown field "${key}"; did you mean "${near}"?`;
};

/** The word that is nearest to `word`, when it is near enough to be a slip of the finger. */
export const nearest = (word: string, candidates: readonly string[]): string | undefined => {
  const ranked = candidates.map((candidate) => ({ candidate, distance: editDistance(word.toLowerCase(), candidate.toLowerCase()) }));
  const best = ranked.sort((a, b) => a.distance - b.distance)[0];
  return best && best.distance <= Math.max(1, Math.floor(word.length / 3)) ? best.candidate : undefined;
};

/** Insertions, deletions, replacements and swaps of neighbours. Source: Damerau, Levenshtein (optimal string alignment). */
const editDistance = (from: string, to: string): number => {
  if (from.length > 64 || to.length > 64) return 64;
  let beforeLast: number[] = [];
  let last = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (let i = 1; i <= from.length; i++) {
    const row = [i];
    for (let j = 1; j <= to.length; j++) {
      const replaced = (last[j - 1] ?? 0) + (from[i - 1] === to[j - 1] ? 0 : 1);
      const isSwap = i > 1 && j > 1 && from[i - 1] === to[j - 2] && from[i - 2] === to[j - 1];
      const swapped = isSwap ? (beforeLast[j - 2] ?? 0) + 1 : 64;
      row.push(Math.min((last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, replaced, swapped));
    }
    [beforeLast, last] = [last, row];
  }
  return last[to.length] ?? 64;
};
