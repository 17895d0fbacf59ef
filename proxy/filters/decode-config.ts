/** Any → the message that a filter expects. */
import { ConfigError } from '#api/config-error.ts';
import type { Any, MessageFns } from '#envoy';

/** Throws ConfigError when it cannot be decoded. Whether the type is the right one is for the caller to know. */
export const decodeConfig = <T>(any: Any, codec: Pick<MessageFns<T>, 'decode'>): T => {
  try {
    return codec.decode(any.value);
  } catch (cause) {
    throw new ConfigError('', `cannot be decoded as ${any.typeUrl}`, { cause });
  }
};

/** Throws ConfigError unless the message is of the named type. */
export const expectType = (any: Any, typeUrl: string): void => {
  if (any.typeUrl !== typeUrl) throw new ConfigError('', `expected ${typeUrl}, got ${any.typeUrl}`);
};
