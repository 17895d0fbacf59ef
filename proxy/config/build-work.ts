/** What one build collects on its way, and how it remembers between builds. */
import { ConfigError } from '#api/config-error.ts';
import { type SecretRef, secretKey } from '../tls/secret-store.ts';
import type { ResourceKey } from './resource-set.ts';

/** A resource that cannot be used, and why. */
export interface ResourceError extends ResourceKey {
  readonly error: ConfigError;
}

/** Collected while building. */
export interface Work {
  readonly wanted: { readonly eds: Set<string>; readonly sds: Set<string>; readonly rds: Set<string> };
  /** Secrets that are used, wherever they come from, each once. `wanted.sds` has those of the ADS stream. */
  readonly secrets: Map<string, SecretRef>;
  readonly missing: ResourceKey[];
  readonly errors: ResourceError[];
}

/** Nothing collected yet. */
export const newWork = (): Work => ({
  wanted: { eds: new Set(), sds: new Set(), rds: new Set() },
  secrets: new Map(),
  missing: [],
  errors: [],
});

/** Notes that these secrets are used; false while one of them has not arrived. */
export const needSecrets = (work: Work, refs: readonly SecretRef[], hasArrived: (ref: SecretRef) => boolean): boolean => {
  let complete = true;
  for (const ref of refs) {
    const key = secretKey(ref);
    const isKnown = work.secrets.has(key);
    work.secrets.set(key, ref);
    if (ref.source.kind === 'ads') work.wanted.sds.add(ref.name);
    if (hasArrived(ref)) continue;
    complete = false;
    if (!isKnown) work.missing.push({ kind: 'sds', name: ref.name });
  }
  return complete;
};

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
