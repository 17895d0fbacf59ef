/** The few fields of envoy.service.auth.v3 that the sample reads and writes, on the wire format itself: the sample knows nothing of the mesh. */
import { BinaryReader, BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import type { AskedRequest, Decision } from './decide.ts';

const PERMISSION_DENIED = 7;
const FORBIDDEN = 403;

/** Texts, bytes and messages of one message, by field number; numbers are passed over. */
const fieldsOf = (bytes: Uint8Array): ReadonlyMap<number, readonly Uint8Array[]> => {
  const fields = new Map<number, Uint8Array[]>();
  const reader = new BinaryReader(bytes);
  while (reader.pos < reader.len) {
    const [field, type] = reader.tag();
    if (type === WireType.LengthDelimited) fields.set(field, [...(fields.get(field) ?? []), reader.bytes()]);
    else reader.skip(type, field);
  }
  return fields;
};

const NOTHING = new Uint8Array(0);

const within = (bytes: Uint8Array, ...path: readonly number[]): Uint8Array =>
  path.reduce((message, field) => fieldsOf(message).get(field)?.at(-1) ?? NOTHING, bytes);

const textAt = (bytes: Uint8Array, field: number): string => Buffer.from(within(bytes, field)).toString('utf8');

/** Reads a CheckRequest. Throws when the bytes are none. */
export const readCheck = (bytes: Uint8Array): AskedRequest => {
  const http = within(bytes, 1, 4, 2);
  const joined = fieldsOf(http).get(3) ?? [];
  const raw = fieldsOf(within(http, 13)).get(1) ?? [];
  const headers = [...joined, ...raw].map((pair): [string, string] => [textAt(pair, 1), textAt(pair, 2) || textAt(pair, 3)]);
  return {
    ...{ method: textAt(http, 2), path: textAt(http, 4), host: textAt(http, 5), body: textAt(http, 11) },
    headers: headers.filter(([name]) => !name.startsWith(':')),
  };
};

const writeHeaders = (writer: BinaryWriter, headers: Decision['headers']): BinaryWriter => {
  for (const [key, value] of headers) {
    writer.tag(2, WireType.LengthDelimited).fork().tag(1, WireType.LengthDelimited).fork();
    writer.tag(1, WireType.LengthDelimited).string(key).tag(2, WireType.LengthDelimited).string(value);
    writer.join().join();
  }
  return writer;
};

/** Writes a CheckResponse. */
export const writeAnswer = ({ allowed, headers, body }: Decision): Uint8Array => {
  const writer = new BinaryWriter();
  writer.tag(1, WireType.LengthDelimited).fork();
  if (!allowed) writer.tag(1, WireType.Varint).int32(PERMISSION_DENIED);
  writer.join();
  if (allowed) {
    writeHeaders(writer.tag(3, WireType.LengthDelimited).fork(), headers).join();
    return writer.finish();
  }
  writer.tag(2, WireType.LengthDelimited).fork();
  writer.tag(1, WireType.LengthDelimited).fork().tag(1, WireType.Varint).int32(FORBIDDEN).join();
  writeHeaders(writer, headers).tag(3, WireType.LengthDelimited).string(body).join();
  return writer.finish();
};
