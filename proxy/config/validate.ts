/** Envoy's own validation rules (protoc-gen-validate) on decoded messages, in Envoy's words. */
import { ConfigError } from '#api/config-error.ts';
import { camelCase, type FieldRow, type FieldRules, type FieldTable, fieldTable } from '#api/proto-json/field-table.ts';

type Message = Readonly<Record<string, unknown>>;
type Union = { readonly $case: string; readonly value: unknown } | undefined;

/** Throws ConfigError with the field's path when a rule is broken. typeName: full protobuf name, `envoy.config.cluster.v3.Cluster`. Any is not opened. */
export const validate = (message: object, typeName: string, table: FieldTable = fieldTable()): void => {
  validateMessage(message as Message, typeName, { table, path: '' });
};

interface Place {
  readonly table: FieldTable;
  readonly path: string;
}

const at = (place: Place, name: string): Place => ({ ...place, path: place.path === '' ? name : `${place.path}.${name}` });

const validateMessage = (message: Message, typeName: string, place: Place): unknown => {
  const row = place.table.messages[typeName];
  if (!row || typeName.startsWith('google.protobuf.')) return;
  for (const oneof of row.required ?? [])
    if (message[camelCase(oneof)] === undefined) throw new ConfigError(at(place, oneof).path, 'is required');
  for (const [name, field] of Object.entries(row.fields)) {
    const value = fieldValue(message, name, field);
    if (value === undefined && (field.oneof !== undefined || !field.rules?.required)) continue;
    validateField(value, field, at(place, name));
  }
};

const fieldValue = (message: Message, name: string, { oneof }: FieldRow): unknown => {
  if (oneof === undefined || camelCase(oneof) in message === false) return message[camelCase(name)];
  const union = message[camelCase(oneof)] as Union;
  return union?.$case === camelCase(name) ? union.value : undefined;
};

const validateField = (value: unknown, field: FieldRow, place: Place): unknown => {
  if (value === undefined) throw new ConfigError(place.path, 'value is required');
  if (field.map || Array.isArray(value)) return validateMany(value as object, field, place);
  if (field.rules) checkRules(value, field, place);
  if (field.type === 'message' && field.of && typeof value === 'object' && value !== null)
    validateMessage(value as Message, field.of, place);
};

const validateMany = (value: object, field: FieldRow, place: Place): unknown => {
  const entries: [unknown, unknown][] = value instanceof Map ? [...value] : Object.entries(value);
  const { minItems, maxItems } = field.rules ?? {};
  if (minItems !== undefined && entries.length < minItems)
    throw new ConfigError(place.path, `value must contain at least ${minItems} item(s)`);
  if (maxItems !== undefined && entries.length > maxItems)
    throw new ConfigError(place.path, `value must contain no more than ${maxItems} item(s)`);
  if (field.type !== 'message' || !field.of) return;
  for (const [key, item] of entries) validateMessage(item as Message, field.of, { ...place, path: `${place.path}[${key}]` });
};

const checkRules = (value: unknown, field: FieldRow, place: Place): void => {
  const rules = field.rules ?? {};
  const fail = (reason: string): never => {
    throw new ConfigError(place.path, reason);
  };
  if (typeof value === 'string') {
    if (value.length < (rules.minLen ?? 0)) fail(`value length must be at least ${rules.minLen} characters`);
    if (Buffer.byteLength(value) < (rules.minBytes ?? 0)) fail(`value length must be at least ${rules.minBytes} bytes`);
    if (value.length > (rules.maxLen ?? Infinity)) fail(`value length must be at most ${rules.maxLen} characters`);
  }
  if (rules.definedOnly && field.of && !Object.values(place.table.enums[field.of] ?? {}).includes(value as number))
    fail('value must be one of the defined enum values');
  const number = numberOf(value);
  if (number !== undefined) checkRange(number, rules, fail);
};

const numberOf = (value: unknown): number | undefined => {
  if (typeof value === 'number') return value;
  if (typeof value !== 'object' || value === null || !('seconds' in value) || !('nanos' in value)) return undefined;
  return Number(value.seconds) + Number(value.nanos) / 1e9;
};

const checkRange = (value: number, { gt, gte, lt, lte }: FieldRules, fail: (reason: string) => never): void => {
  if (gt !== undefined && !(value > gt)) fail(`value must be greater than ${gt}`);
  if (gte !== undefined && !(value >= gte)) fail(`value must be greater than or equal to ${gte}`);
  if (lt !== undefined && !(value < lt)) fail(`value must be less than ${lt}`);
  if (lte !== undefined && !(value <= lte)) fail(`value must be less than or equal to ${lte}`);
};
