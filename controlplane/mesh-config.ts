/** Reads the settings of the whole mesh from YAML in Istio's MeshConfig shape. Pure. */
import { parse } from 'yaml';
import { ConfigError } from '#api/config-error.ts';
import type { MeshConfig } from './mesh/mesh.ts';

const POLICIES = ['ALLOW_ANY', 'REGISTRY_ONLY'] as const;

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value);

const text = (value: unknown, path: string): string => {
  if (typeof value === 'string') return value;
  throw new ConfigError(path, 'a text is expected');
};

const FIELDS: { readonly [Field in keyof MeshConfig]: (value: unknown, path: string) => MeshConfig[Field] } = {
  rootNamespace: text,
  accessLogFile: text,
  outboundTrafficPolicy: (value, path) => {
    const mode = POLICIES.find((policy) => isRecord(value) && policy === value.mode);
    if (mode === undefined) throw new ConfigError(`${path}.mode`, `one of ${POLICIES.join(', ')} is expected`);
    return mode;
  },
};

/** The settings that the text names. Throws ConfigError for what this mesh does not know. */
export const readMeshConfig = (yaml: string): Partial<MeshConfig> => {
  const document: unknown = parse(yaml) ?? {};
  if (!isRecord(document)) throw new ConfigError('', 'a mapping is expected');
  return Object.fromEntries(
    Object.entries(document).map(([field, value]) => {
      if (!Object.hasOwn(FIELDS, field)) throw new ConfigError(field, 'not supported by this mesh');
      return [field, FIELDS[field as keyof MeshConfig](value, field)];
    }),
  );
};
