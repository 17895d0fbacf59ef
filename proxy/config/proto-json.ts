/** A message in protobuf's JSON form with the field names of its .proto file, as Envoy prints it. */

import { camelCase, type FieldTable, fieldTable } from '#api/proto-json/field-table.ts';
import { messageTypes } from '#envoy';

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

const TLS = 'envoy.extensions.transport_sockets.tls.v3.';

/** Fields whose texts are never shown: those that Envoy's messages mark as sensitive. */
const SECRET: Readonly<Record<string, readonly string[]>> = {
  [`${TLS}TlsCertificate`]: ['private_key', 'private_key_provider', 'pkcs12', 'password'],
  [`${TLS}TlsSessionTicketKeys`]: ['keys'],
  [`${TLS}GenericSecret`]: ['secret', 'secrets'],
};

const redacted = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(redacted);
  if (typeof value === 'object' && value !== null)
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, redacted(inner)]));
  return '[redacted]';
};

const snakeMessage = (value: Json, typeName: string, table: FieldTable): Json => {
  if (typeName === 'google.protobuf.Any') return snakeAny(value, table);
  const fields = table.messages[typeName]?.fields;
  if (typeName.startsWith('google.protobuf.') || !fields) return value;
  const names = new Map(Object.keys(fields).map((name) => [camelCase(name), name]));
  const secret = SECRET[typeName] ?? [];
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => {
      const name = names.get(key) ?? key;
      const row = fields[name];
      if (secret.includes(name)) return [name, snakeSecret(inner, row?.of, table)];
      if (row?.type !== 'message' || row.of === undefined) return [name, inner];
      const of = row.of;
      const one = (item: unknown): unknown => (typeof item === 'object' && item !== null ? snakeMessage(item as Json, of, table) : item);
      if (row.map) return [name, Object.fromEntries(Object.entries(inner as Json).map(([at, item]) => [at, one(item)]))];
      return [name, Array.isArray(inner) ? inner.map(one) : one(inner)];
    }),
  );
};

const snakeSecret = (value: unknown, of: string | undefined, table: FieldTable): unknown => {
  const isMessage = typeof value === 'object' && value !== null && !Array.isArray(value) && of !== undefined;
  return redacted(isMessage ? snakeMessage(value as Json, of, table) : value);
};

const snakeAny = (value: Json, table: FieldTable): Json => {
  const { '@type': url, ...rest } = value;
  if (typeof url !== 'string') return value;
  const typeName = url.slice(url.lastIndexOf('/') + 1);
  return typeName.startsWith('google.protobuf.') ? value : { '@type': url, ...snakeMessage(rest, typeName, table) };
};
