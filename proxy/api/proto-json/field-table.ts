/** Fields of Envoy's messages as a table made at build time: names, types and validation rules, without descriptors in memory. */
import { fieldTableJson } from '#envoy';

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

let kept: FieldTable | undefined;

/** The table, parsed when first asked for and kept. */
export const fieldTable = (): FieldTable => {
  kept ??= JSON.parse(fieldTableJson()) as FieldTable;
  return kept;
};

/** `connect_timeout` → `connectTimeout`. */
export const camelCase = (name: string): string => name.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase());
