/** Is this tree exactly the JSON form of that message? Unknown fields, wrong types and wrong words are found before anything is decoded. */
import { ConfigError } from '../config-error.ts';
import { camelCase, type FieldRow, type FieldTable } from './field-table.ts';

/** The first fault, with the path of keys and indexes that leads to it. */
export class StrictJsonError extends ConfigError {
  readonly keys: readonly (string | number)[];

  constructor(keys: readonly (string | number)[], reason: string) {
    super(
      keys.reduce<string>((path, key) => (typeof key === 'number' ? `${path}[${key}]` : path === '' ? key : `${path}.${key}`), ''),
      reason,
    );
    this.keys = keys;
  }
}

type Keys = readonly (string | number)[];

/** Throws StrictJsonError. typeName: full protobuf name. */
export const checkJson = (tree: unknown, typeName: string, table: FieldTable): void => {
  checkMessage(tree, typeName, { table, keys: [] });
};

interface Place {
  readonly table: FieldTable;
  readonly keys: Keys;
}

const into = (place: Place, key: string | number): Place => ({ ...place, keys: [...place.keys, key] });
const fail = (place: Place, reason: string): never => {
  throw new StrictJsonError(place.keys, reason);
};
const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value);
const shown = (value: unknown): string => {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
};

const WRAPPED: Readonly<Record<string, FieldRow['type']>> = {
  BoolValue: 'bool',
  StringValue: 'string',
  BytesValue: 'bytes',
  DoubleValue: 'double',
  FloatValue: 'double',
  Int32Value: 'int',
  Int64Value: 'int',
  UInt32Value: 'uint',
  UInt64Value: 'uint',
};

const checkWellKnown = (value: unknown, name: string, place: Place): unknown => {
  const wrapped = WRAPPED[name];
  if (wrapped) return checkScalar(value, wrapped, place);
  if (name === 'Duration' && !(typeof value === 'string' && /^-?\d{1,12}(\.\d{1,9})?s$/.test(value)))
    fail(place, `expected a duration such as "1.5s", got ${shown(value)}`);
  if (name === 'Struct' && !isObject(value)) fail(place, `expected an object, got ${shown(value)}`);
  if (name === 'Any') checkAny(value, place);
};

const checkAny = (value: unknown, place: Place): unknown => {
  if (!isObject(value)) return fail(place, `expected an object with "@type", got ${shown(value)}`);
  const url = value['@type'];
  if (typeof url !== 'string') return fail(place, 'expected "@type"');
  const typeName = url.slice(url.lastIndexOf('/') + 1);
  if (!place.table.messages[typeName]) return fail(into(place, '@type'), `unknown type ${shown(url)}`);
  const { '@type': _, ...rest } = value;
  if (typeName.startsWith('google.protobuf.')) checkMessage(rest.value, typeName, into(place, 'value'));
  else checkMessage(rest, typeName, place);
};

const checkMessage = (value: unknown, typeName: string, place: Place): unknown => {
  if (typeName.startsWith('google.protobuf.')) return checkWellKnown(value, typeName.slice('google.protobuf.'.length), place);
  if (!isObject(value)) return fail(place, `expected an object, got ${shown(value)}`);
  const fields = place.table.messages[typeName]?.fields ?? {};
  const byName = new Map(
    Object.entries(fields).flatMap(([name, row]) => [
      [name, { name, row }],
      [camelCase(name), { name, row }],
    ]),
  );
  const taken = new Map<string, string>();
  for (const [key, inner] of Object.entries(value)) {
    const field = byName.get(key);
    if (!field) return fail(into(place, key), `unknown field of ${typeName}${suggestion(key, Object.keys(fields))}`);
    if (inner === null || inner === undefined) continue;
    const group = field.row.oneof ?? field.name;
    const other = taken.get(group);
    if (other !== undefined) fail(into(place, key), `${other} is set already, and only one of them may be`);
    taken.set(group, key);
    checkField(inner, field.row, into(place, key));
  }
};

const checkField = (value: unknown, row: FieldRow, place: Place): unknown => {
  if (row.map) {
    if (!isObject(value)) return fail(place, `expected an object, got ${shown(value)}`);
    for (const [key, item] of Object.entries(value)) checkOne(item, row, into(place, key));
  } else if (row.list) {
    if (!Array.isArray(value)) return fail(place, `expected a list, got ${shown(value)}`);
    value.forEach((item, index) => {
      checkOne(item, row, into(place, index));
    });
  } else checkOne(value, row, place);
};

const checkOne = (value: unknown, row: FieldRow, place: Place): unknown => {
  if (row.type === 'message') return checkMessage(value, row.of ?? '', place);
  if (row.type !== 'enum') return checkScalar(value, row.type, place);
  const words = place.table.enums[row.of ?? ''] ?? {};
  if (typeof value === 'number' ? !Object.values(words).includes(value) : !(String(value) in words))
    fail(place, `${shown(value)} is not one of ${Object.keys(words).join(', ')}`);
};

const checkScalar = (value: unknown, type: FieldRow['type'], place: Place): void => {
  if (type === 'string' || type === 'bytes') {
    if (typeof value !== 'string') fail(place, `expected text, got ${shown(value)}`);
  } else if (type === 'bool') {
    if (typeof value !== 'boolean') fail(place, `expected true or false, got ${shown(value)}`);
  } else {
    const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
    if (typeof number !== 'number' || Number.isNaN(number)) fail(place, `expected a number, got ${shown(value)}`);
    else if (type !== 'double' && !Number.isInteger(number)) fail(place, `expected a whole number, got ${shown(value)}`);
    else if (type === 'uint' && number < 0) fail(place, `expected a number that is not negative, got ${shown(value)}`);
  }
};

const distance = (a: string, b: string): number => {
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++)
      row.push(Math.min((previous[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (previous[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)));
    previous = row;
  }
  return previous[b.length] ?? 0;
};

const suggestion = (key: string, names: readonly string[]): string => {
  const best = names
    .map((name) => ({ name, far: Math.min(distance(key, name), distance(key, camelCase(name))) }))
    .sort((a, b) => a.far - b.far)[0];
  return best && best.far <= Math.max(2, key.length / 3) ? `; did you mean ${best.name}?` : '';
};
