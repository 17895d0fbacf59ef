/** What one build collects on its way, and how it remembers between builds. */
import { ConfigError } from '#api/config-error.ts';
import type { ResourceKey } from './resource-set.ts';

/** A resource that cannot be used, and why. */
export interface ResourceError extends ResourceKey {
  readonly error: ConfigError;
}

/** Collected while building. */
export interface Work {
  readonly wanted: { readonly eds: Set<string>; readonly rds: Set<string> };
  readonly missing: ResourceKey[];
  readonly errors: ResourceError[];
}

/** Nothing collected yet. */
export const newWork = (): Work => ({ wanted: { eds: new Set(), rds: new Set() }, missing: [], errors: [] });

/** Undefined when compiling threw ConfigError, which is then among the errors; anything else is a bug and goes on. */
export const attempt = <V>(work: Work, key: ResourceKey, compile: () => V): V | undefined => {
  try {
    return compile();
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    work.errors.push({ ...key, error });
    return undefined;
  }
};

/** Compiles once per key; failures are not remembered. */
export const remember = <K extends object, V>(memo: WeakMap<K, V>, key: K, compile: (key: K) => V): V => {
  const known = memo.get(key);
  if (known !== undefined) return known;
  const value = compile(key);
  memo.set(key, value);
  return value;
};
