/** Fields of Envoy's messages as a table made at build time: names, types and validation rules, without descriptors in memory. */
import { readFileSync } from 'node:fs';

/** The kept part of protoc-gen-validate's rules; durations in seconds. */
export interface FieldRules {
  readonly required?: boolean;
  readonly minLen?: number;
  readonly maxLen?: number;
  readonly minBytes?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly gt?: number;
  readonly gte?: number;
  readonly lt?: number;
  readonly lte?: number;
  readonly definedOnly?: boolean;
}

/** One field. `of` names the message or enum. */
export interface FieldRow {
  readonly type: 'string' | 'bool' | 'bytes' | 'double' | 'int' | 'uint' | 'message' | 'enum';
  readonly of?: string;
  readonly list?: true;
  readonly map?: true;
  readonly oneof?: string;
  readonly rules?: FieldRules;
}

/** One message: fields by snake_case name, and the oneofs of which one must be set. */
export interface MessageRow {
  readonly fields: Readonly<Record<string, FieldRow>>;
  readonly required?: readonly string[];
}

/** All of them by full protobuf name. */
export interface FieldTable {
  readonly messages: Readonly<Record<string, MessageRow>>;
  readonly enums: Readonly<Record<string, Readonly<Record<string, number>>>>;
}

/** Reads the table; the caller decides how long to keep it. */
export const readFieldTable = (): FieldTable =>
  JSON.parse(readFileSync(new URL('../api/envoy/gen/fields.json', import.meta.url), 'utf8')) as FieldTable;

let kept: FieldTable | undefined;

/** The table, read when first asked for and kept. */
export const keptFieldTable = (): FieldTable => {
  kept ??= readFieldTable();
  return kept;
};

/** `connect_timeout` → `connectTimeout`. */
export const camelCase = (name: string): string => name.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase());
