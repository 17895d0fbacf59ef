/** google.protobuf.Any with the JSON form of protobuf ({"@type": …}); replaces the generated module. */
import { BinaryReader, BinaryWriter } from '@bufbuild/protobuf/wire';
import type { DeepPartial, Exact, MessageFns } from '../gen/google/protobuf/message-fns.ts';
import { messageTypes } from '../gen/google/protobuf/message-types.ts';
export interface Any {
  typeUrl: string;
  value: Uint8Array;
}
const WELL_KNOWN = new Set(['google.protobuf.Duration', 'google.protobuf.Any', 'google.protobuf.Struct', 'google.protobuf.Value']);
const typeOf = (url: string): [string, MessageFns<any>] => {
  const name = url.slice(url.lastIndexOf('/') + 1);
  const type = messageTypes()[name];
  if (!type) throw new TypeError(`unknown @type ${JSON.stringify(url)}`);
  return [name, type];
};
export const Any: MessageFns<Any> = {
  encode(m: Any, w: BinaryWriter = new BinaryWriter()): BinaryWriter {
    if (m.typeUrl !== '') w.uint32(10).string(m.typeUrl);
    if (m.value.length !== 0) w.uint32(18).bytes(m.value);
    return w;
  },
  decode(input: BinaryReader | Uint8Array, length?: number): Any {
    const r = input instanceof BinaryReader ? input : new BinaryReader(input);
    const end = length === undefined ? r.len : r.pos + length;
    const m: Any = { typeUrl: '', value: new Uint8Array(0) };
    while (r.pos < end) {
      const tag = r.uint32();
      if (tag === 10) m.typeUrl = r.string();
      else if (tag === 18) m.value = r.bytes();
      else r.skip(tag & 7);
    }
    return m;
  },
  fromJSON(json: any): Any {
    const { '@type': typeUrl, ...rest } = json;
    if (typeof typeUrl !== 'string') throw new TypeError('expected "@type"');
    const [name, type] = typeOf(typeUrl);
    return { typeUrl, value: type.encode(type.fromJSON(WELL_KNOWN.has(name) ? rest.value : rest)).finish() };
  },
  toJSON(m: Any): unknown {
    if (m.typeUrl === '') return {};
    const [name, type] = typeOf(m.typeUrl);
    const json = type.toJSON(type.decode(m.value));
    return WELL_KNOWN.has(name) ? { '@type': m.typeUrl, value: json } : { '@type': m.typeUrl, ...(json as object) };
  },
  create<I extends Exact<DeepPartial<Any>, I>>(base?: I): Any {
    return Any.fromPartial(base ?? ({} as any));
  },
  fromPartial<I extends Exact<DeepPartial<Any>, I>>(o: I): Any {
    return { typeUrl: o.typeUrl ?? '', value: (o.value as Uint8Array | undefined) ?? new Uint8Array(0) };
  },
};
