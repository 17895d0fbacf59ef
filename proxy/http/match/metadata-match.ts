/** MetadataMatcher → predicate over what filters found out about an exchange. Source: type.matcher.v3.MetadataMatcher, ValueMatcher. */
import { ConfigError, inField, refuseUnsupported } from '#api/config-error.ts';
import type { MetadataMatcher, ValueMatcher } from '#envoy';
import type { StreamInfo } from '../stream-info.ts';
import { compileString } from '../string-match.ts';

/** Whether an exchange's metadata is meant. */
export type MetadataTest = (metadata: StreamInfo['metadata']) => boolean;

/** undefined: there is no such value. */
type ValueTest = (value: unknown) => boolean;

type DoubleMatcher = Extract<NonNullable<ValueMatcher['matchPattern']>, { $case: 'doubleMatch' }>['value'];

const compileDouble = ({ matchPattern: pattern }: DoubleMatcher): ValueTest => {
  if (!pattern) throw new ConfigError('match_pattern', 'is required');
  if (pattern.$case === 'exact') return (value) => value === pattern.value;
  const { start, end } = pattern.value;
  return (value) => typeof value === 'number' && value >= start && value < end;
};

const compileValue = (matcher: ValueMatcher): ValueTest => {
  refuseUnsupported(matcher, { read: ['matchPattern'] });
  const pattern = matcher.matchPattern;
  switch (pattern?.$case) {
    case 'nullMatch':
      return (value) => value === null;
    case 'doubleMatch':
      return inField('double_match', () => compileDouble(pattern.value));
    case 'stringMatch': {
      const test = inField('string_match', () => compileString(pattern.value));
      return (value) => typeof value === 'string' && test(value);
    }
    case 'boolMatch':
      return (value) => value === pattern.value;
    case 'presentMatch':
      return (value) => (value !== undefined) === pattern.value;
    case 'listMatch': {
      const one = pattern.value.matchPattern;
      if (!one) throw new ConfigError('list_match.match_pattern', 'is required');
      const test = inField('list_match.one_of', () => compileValue(one.value));
      return (value) => Array.isArray(value) && value.some(test);
    }
    case 'orMatch': {
      const tests = pattern.value.valueMatchers.map((each, index) =>
        inField(`or_match.value_matchers[${index}]`, () => compileValue(each)),
      );
      if (tests.length < 2) throw new ConfigError('or_match.value_matchers', 'must contain at least 2 items');
      return (value) => tests.some((test) => test(value));
    }
    default:
      throw new ConfigError('match_pattern', 'is required');
  }
};

/** Only own fields count, so that a claim is never found on a prototype. */
const valueAt = (root: unknown, keys: readonly string[]): unknown => {
  let value = root;
  for (const key of keys) {
    if (typeof value !== 'object' || value === null || Array.isArray(value) || !Object.hasOwn(value, key)) return undefined;
    value = (value as Readonly<Record<string, unknown>>)[key];
  }
  return value;
};

/** Throws ConfigError with a path relative to the matcher. */
export const compileMetadataMatcher = (matcher: MetadataMatcher): MetadataTest => {
  refuseUnsupported(matcher, { read: ['filter', 'path', 'value', 'invert'] });
  const { filter, path, value, invert } = matcher;
  if (filter === '') throw new ConfigError('filter', 'must not be empty');
  if (path.length === 0) throw new ConfigError('path', 'must not be empty');
  if (!value) throw new ConfigError('value', 'is required');
  const keys = path.map(({ segment }, index) => {
    if (!segment || segment.value === '') throw new ConfigError(`path[${index}].key`, 'must not be empty');
    return segment.value;
  });
  const test = inField('value', () => compileValue(value));
  const whole = [filter, ...keys];
  return (metadata) => test(valueAt(metadata, whole)) !== invert;
};
