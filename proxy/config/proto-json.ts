/** A message in protobuf's JSON form with the field names of its .proto file, as Envoy prints it. */
import { messageTypes } from '#envoy';
import { camelCase, type FieldTable, fieldTable } from './field-table.ts';

type Json = Readonly<Record<string, unknown>>;

/** typeName: full protobuf name. What this build has no message for is shown by its `@type` alone. */
export const protoJson = (message: object, typeName: string): Json => {
  const type = messageTypes()[typeName];
  if (!type) throw new TypeError(`no message ${typeName}`);
  return snakeMessage(type.toJSON(message) as Json, typeName, fieldTable());
};

/** The same with `@type` in front, as an Any that holds it is shown. */
export const protoJsonAny = (message: object, typeName: string): Json => {
  const url = `type.googleapis.com/${typeName}`;
  try {
    return { '@type': url, ...protoJson(message, typeName) };
  } catch (error) {
    return { '@type': url, error: error instanceof Error ? error.message : String(error) };
  }
};

const snakeMessage = (value: Json, typeName: string, table: FieldTable): Json => {
  if (typeName === 'google.protobuf.Any') return snakeAny(value, table);
  const fields = table.messages[typeName]?.fields;
  if (typeName.startsWith('google.protobuf.') || !fields) return value;
  const names = new Map(Object.keys(fields).map((name) => [camelCase(name), name]));
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => {
      const name = names.get(key) ?? key;
      const row = fields[name];
      if (row?.type !== 'message' || row.of === undefined) return [name, inner];
      const of = row.of;
      const one = (item: unknown): unknown => (typeof item === 'object' && item !== null ? snakeMessage(item as Json, of, table) : item);
      if (row.map) return [name, Object.fromEntries(Object.entries(inner as Json).map(([at, item]) => [at, one(item)]))];
      return [name, Array.isArray(inner) ? inner.map(one) : one(inner)];
    }),
  );
};

const snakeAny = (value: Json, table: FieldTable): Json => {
  const { '@type': url, ...rest } = value;
  if (typeof url !== 'string') return value;
  const typeName = url.slice(url.lastIndexOf('/') + 1);
  return typeName.startsWith('google.protobuf.') ? value : { '@type': url, ...snakeMessage(rest, typeName, table) };
};
