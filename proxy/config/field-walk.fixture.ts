/** Every field of a message and of what stands in it, one at a time, in a message that is otherwise good. */
import { type FieldRow, fieldTable } from '#api/proto-json/field-table.ts';

type Json = Readonly<Record<string, unknown>>;

/** A good message of a type, as small as can be; `{}` where nothing is said. */
export type Good = Readonly<Record<string, Json>>;

/** One field, set: its path from the outermost message, and that message. */
export interface FieldCase {
  readonly path: string;
  readonly message: Json;
}

/** Values of well-known types and of plain ones that no reader takes for "not set". */
const PLAIN: Readonly<Record<string, unknown>> = {
  string: 'x',
  bool: true,
  bytes: 'eA==',
  double: 1.5,
  int: 1,
  uint: 1,
  'google.protobuf.Duration': '1s',
  'google.protobuf.Struct': { x: 'x' },
  'google.protobuf.Timestamp': '2020-01-01T00:00:00Z',
  'google.protobuf.BoolValue': true,
  'google.protobuf.StringValue': 'x',
  'google.protobuf.DoubleValue': 1.5,
  'google.protobuf.Any': { '@type': 'type.googleapis.com/envoy.config.core.v3.Locality' },
};

const plain = ({ type, of }: FieldRow): unknown => {
  if (type === 'enum') return Math.min(...Object.values(fieldTable().enums[of ?? ''] ?? { x: 1 }).filter((value) => value > 0));
  const known = PLAIN[of ?? type];
  return known === undefined && of?.startsWith('google.protobuf.') ? 1 : known;
};

const inField = ({ list, map }: FieldRow, value: unknown): unknown => (list ? [value] : map ? { x: value } : value);

/** The good message of a type with one field set in place of its siblings in a oneof. */
const withField = (good: Json, rows: Readonly<Record<string, FieldRow>>, name: string, value: unknown): Json => {
  const oneof = rows[name]?.oneof;
  const kept = Object.entries(good).filter(([other]) => other !== name && (oneof === undefined || rows[other]?.oneof !== oneof));
  return { ...Object.fromEntries(kept), [name]: value };
};

/** What became of a message with one field set: refused where that field stands, taken, or something else, which is told. */
export type Verdict = 'refused' | 'taken' | { readonly unclear: string };

/** What a walk found: paths without list indices. */
export interface Walk {
  readonly taken: readonly string[];
  readonly unclear: readonly string[];
}

/** Enters what is taken, but for paths in `closed`, and each type of message where it is met first. */
export const walkFields = (
  type: string,
  rules: { readonly good: Good; readonly closed: ReadonlySet<string>; readonly judge: (found: FieldCase) => Verdict },
): Walk => {
  const taken: string[] = [];
  const unclear: string[] = [];
  const entered = new Set([type]);
  const enter = (inner: string, outer: (found: FieldCase) => FieldCase): void => {
    for (const [name, row] of Object.entries(fieldTable().messages[inner]?.fields ?? {})) {
      const of = row.of ?? '';
      const put = (value: unknown) =>
        withField(rules.good[inner] ?? {}, fieldTable().messages[inner]?.fields ?? {}, name, inField(row, value));
      const value = plain(row);
      const found = outer({ path: name, message: put(value ?? rules.good[of] ?? {}) });
      const verdict = rules.judge(found);
      if (verdict === 'refused') continue;
      if (verdict === 'taken') taken.push(found.path);
      else unclear.push(`${found.path}: ${verdict.unclear}`);
      if (value !== undefined || rules.closed.has(found.path) || entered.has(of)) continue;
      entered.add(of);
      enter(of, (within) => outer({ path: `${name}.${within.path}`, message: put(within.message) }));
    }
  };
  enter(type, (found) => found);
  return { taken, unclear };
};
