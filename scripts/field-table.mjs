// Descriptors → the compact table that proxy/config/field-table.ts reads.
import { createFileRegistry, fromBinary, getExtension, hasExtension, ScalarType } from '@bufbuild/protobuf';
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';

const SCALARS = {
  [ScalarType.STRING]: 'string',
  [ScalarType.BOOL]: 'bool',
  [ScalarType.BYTES]: 'bytes',
  [ScalarType.DOUBLE]: 'double',
  [ScalarType.FLOAT]: 'double',
};
const unsigned = new Set([ScalarType.UINT32, ScalarType.UINT64, ScalarType.FIXED32, ScalarType.FIXED64]);
const scalar = (type) => SCALARS[type] ?? (unsigned.has(type) ? 'uint' : 'int');

const plain = (value) => {
  if (typeof value === 'bigint') return Number(value);
  if (value && typeof value === 'object' && 'seconds' in value) return Number(value.seconds) + value.nanos / 1e9;
  return value;
};

// The part of protoc-gen-validate that Envoy's API leans on; patterns are left out on purpose.
const KEPT = ['minLen', 'maxLen', 'minBytes', 'minItems', 'maxItems', 'gt', 'gte', 'lt', 'lte', 'definedOnly', 'required', 'const'];
const rulesOf = (field, extension) => {
  const { options } = field.proto;
  if (!options || !extension || !hasExtension(options, extension)) return undefined;
  const all = getExtension(options, extension);
  const kept = {};
  if (all.message?.required) kept.required = true;
  for (const name of KEPT) {
    // Own properties only: what is not set answers with proto2's default.
    const value = all.type.value && Object.hasOwn(all.type.value, name) ? all.type.value[name] : undefined;
    if (value !== undefined && value !== false) kept[name] = plain(value);
  }
  return Object.keys(kept).length === 0 ? undefined : kept;
};

const valueType = (field) => {
  const message = field.fieldKind === 'map' ? (field.mapKind === 'message' ? field.message : undefined) : field.message;
  if (message) return { type: 'message', of: message.typeName };
  if (field.enum) return { type: 'enum', of: field.enum.typeName };
  return { type: scalar(field.scalar) };
};

const fieldRow = (field, extension) => {
  const rules = rulesOf(field, extension);
  return {
    ...valueType(field),
    ...(field.fieldKind === 'list' && { list: true }),
    ...(field.fieldKind === 'map' && { map: true }),
    ...(field.oneof && { oneof: field.oneof.name }),
    ...(rules && { rules }),
  };
};

/** bytes: a FileDescriptorSet. */
export const fieldTable = (bytes) => {
  const set = fromBinary(FileDescriptorSetSchema, bytes);
  const registry = createFileRegistry(set);
  const fieldRules = registry.getExtension('validate.rules');
  const oneofRequired = registry.getExtension('validate.required');
  const messages = {};
  const enums = {};
  for (const type of registry) {
    if (type.kind === 'enum') enums[type.typeName] = Object.fromEntries(type.values.map((value) => [value.name, value.number]));
    if (type.kind !== 'message' || type.typeName.startsWith('validate.')) continue;
    const required = type.oneofs
      .filter(({ proto }) => proto.options && oneofRequired && hasExtension(proto.options, oneofRequired))
      .map(({ name }) => name);
    const fields = Object.fromEntries(type.fields.map((field) => [field.name, fieldRow(field, fieldRules)]));
    messages[type.typeName] = { fields, ...(required.length > 0 && { required }) };
  }
  return { messages, enums };
};
