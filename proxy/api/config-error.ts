/**
 * Bad configuration, as a value: which resource, which field, what is wrong.
 * Every room that compiles a resource throws it; its text becomes the NACK. It lives in the contract because rooms may not import config/.
 */

/** A resource that cannot be used as it is. Ends as a NACK or as a refusal at start. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  /** Proto field path inside the resource, as people write it: `filter_chains[0].filters[1].typed_config`. */
  readonly path: string;
  readonly reason: string;

  constructor(path: string, reason: string, options?: ErrorOptions) {
    super(path === '' ? reason : `${path}: ${reason}`, options);
    this.path = path;
    this.reason = reason;
  }

  /** The same complaint seen from one level further out. */
  within(prefix: string): ConfigError {
    const path = this.path === '' ? prefix : this.path.startsWith('[') ? `${prefix}${this.path}` : `${prefix}.${this.path}`;
    return new ConfigError(path, this.reason, { cause: this });
  }
}

/** Runs `compile`; a ConfigError from inside gets `prefix` in front of its path. */
export const inField = <T>(prefix: string, compile: () => T): T => {
  try {
    return compile();
  } catch (error) {
    if (error instanceof ConfigError) throw error.within(prefix);
    throw error;
  }
};

const isSet = (value: unknown): boolean => {
  if (value === undefined || value === null || value === '' || value === 0 || value === false) return false;
  if (Array.isArray(value) || value instanceof Uint8Array) return value.length > 0;
  if (value instanceof Map) return value.size > 0;
  if (typeof value === 'object' && Object.getPrototypeOf(value) === Object.prototype && Object.keys(value).length === 0) return false;
  return true;
};

/** The name that people wrote: of a oneof, the field that is set. */
const writtenName = (name: string, value: unknown): string =>
  snakeCase(typeof value === 'object' && value !== null && '$case' in value ? String(value.$case) : name);

/** Digits stick to the word before them, but for the version of HTTP/1.0. */
const snakeCase = (name: string): string => name.replace(/[A-Z]|(?<=Http)10/g, (part) => `_${part.toLowerCase()}`);

/**
 * Refuses every field of a message that is set and that nobody named: what is not supported is never silently dropped.
 *
 * read: fields whose meaning the caller implements.
 * ignored: fields that carry no behaviour here (names for statistics, metadata), accepted on purpose.
 * Fields that this build's messages do not know at all (`_unknownFields`) are refused too.
 */
export const refuseUnsupported = <T extends object>(
  message: T,
  fields: { readonly read: readonly (keyof T)[]; readonly ignored?: readonly (keyof T)[] },
): void => {
  for (const [name, value] of Object.entries(message)) {
    if (name === '_unknownFields') {
      const numbers = Object.keys(value as object).map((tag) => Number(tag) >>> 3);
      if (numbers.length > 0) throw new ConfigError('', `unknown field number ${numbers[0]}`);
      continue;
    }
    if (!isSet(value) || fields.read.includes(name as keyof T) || fields.ignored?.includes(name as keyof T)) continue;
    throw new ConfigError(writtenName(name, value), 'not supported by this proxy');
  }
};
