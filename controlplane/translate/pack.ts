/** Messages → what travels inside others: Any with its type URL, and the small values that recur. */
import { Any, type Duration, type FractionalPercent, messageTypes, type StringMatcher } from '#envoy';

const PREFIX = 'type.googleapis.com/';

/** A typed extension: `full` is the message's full protobuf name. The fields are those of fromPartial. */
export const pack = (full: string, fields: object): Any => {
  const codec = messageTypes()[full];
  if (codec === undefined) throw new Error(`invariant: no message ${full}`);
  return Any.fromPartial({ typeUrl: `${PREFIX}${full}`, value: codec.encode(codec.fromPartial(fields)).finish() });
};

/** Milliseconds → Duration. */
export const toDuration = (ms: number): Duration => ({ seconds: Math.floor(ms / 1000), nanos: Math.round((ms % 1000) * 1e6) });

/** Per cent (0…100, fractions to a ten-thousandth) → parts of a million, as Istio writes it. */
export const toMillionths = (percent: number): FractionalPercent => ({ numerator: Math.round(percent * 10_000), denominator: 2 });

/** Istio's StringMatch → Envoy's StringMatcher; undefined for `{}`, which means "present". */
export const toStringMatcher = (match: {
  readonly exact?: string;
  readonly prefix?: string;
  readonly regex?: string;
}): StringMatcher | undefined => {
  if (match.exact !== undefined) return { matchPattern: { $case: 'exact', value: match.exact }, ignoreCase: false };
  if (match.prefix !== undefined) return { matchPattern: { $case: 'prefix', value: match.prefix }, ignoreCase: false };
  if (match.regex !== undefined) return { matchPattern: { $case: 'safeRegex', value: { regex: match.regex } }, ignoreCase: false };
  return undefined;
};
