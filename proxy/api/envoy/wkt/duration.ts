/** google.protobuf.Duration with the JSON form of protobuf ("1.5s"); replaces the generated module. */
import { BinaryReader, BinaryWriter } from '@bufbuild/protobuf/wire';
import type { DeepPartial, Exact, MessageFns } from '../gen/google/protobuf/message-fns.ts';
export interface Duration {
  seconds: number;
  nanos: number;
}
export const Duration: MessageFns<Duration> = {
  encode(m: Duration, w: BinaryWriter = new BinaryWriter()): BinaryWriter {
    if (m.seconds !== 0) w.uint32(8).int64(m.seconds);
    if (m.nanos !== 0) w.uint32(16).int32(m.nanos);
    return w;
  },
  decode(input: BinaryReader | Uint8Array, length?: number): Duration {
    const r = input instanceof BinaryReader ? input : new BinaryReader(input);
    const end = length === undefined ? r.len : r.pos + length;
    const m = { seconds: 0, nanos: 0 };
    while (r.pos < end) {
      const tag = r.uint32();
      if (tag === 8) m.seconds = Number(r.int64());
      else if (tag === 16) m.nanos = r.int32();
      else r.skip(tag & 7);
    }
    return m;
  },
  fromJSON(json: unknown): Duration {
    const match = typeof json === 'string' ? /^(-?)(\d{1,12})(?:\.(\d{1,9}))?s$/.exec(json) : null;
    if (!match) throw new TypeError(`expected a duration such as "1.5s", got ${JSON.stringify(json)}`);
    const sign = match[1] === '-' ? -1 : 1;
    return { seconds: sign * Number(match[2]) + 0, nanos: sign * Number((match[3] ?? '').padEnd(9, '0')) + 0 };
  },
  toJSON(m: Duration): string {
    const nanos = String(Math.abs(m.nanos))
      .padStart(9, '0')
      .replace(/(000){1,3}$/, '');
    return `${m.seconds < 0 || m.nanos < 0 ? '-' : ''}${Math.abs(m.seconds)}${nanos ? `.${nanos}` : ''}s`;
  },
  create<I extends Exact<DeepPartial<Duration>, I>>(base?: I): Duration {
    return { seconds: base?.seconds ?? 0, nanos: base?.nanos ?? 0 };
  },
  fromPartial<I extends Exact<DeepPartial<Duration>, I>>(o: I): Duration {
    return { seconds: o.seconds ?? 0, nanos: o.nanos ?? 0 };
  },
};
