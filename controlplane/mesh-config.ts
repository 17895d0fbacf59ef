/** Reads the settings of the whole mesh from a file in Istio's MeshConfig shape. Pure. */
import { parse } from 'yaml';
import { ConfigError } from '#api/config-error.ts';
import type { MeshConfig } from './mesh/mesh.ts';
import { toMeshConfig } from './mesh/mesh-settings.ts';
import { meshSettingsShape, UNUSED_SETTINGS } from './resources/mesh/settings.ts';
import { validateMeshSettings } from './resources/validation/mesh-settings.ts';

/** The settings that the text names. Throws ConfigError for what this mesh does not know. */
export const readMeshConfig = (yaml: string): Partial<MeshConfig> => {
  const settings = meshSettingsShape.read(parse(yaml) ?? {}, '', (path, message) => {
    throw new ConfigError(path.replace(/^\./, ''), message);
  });
  const unused = UNUSED_SETTINGS.find((field) => settings?.[field] !== undefined);
  if (unused !== undefined) throw new ConfigError(unused, 'not supported by this mesh');
  const [wrong] = validateMeshSettings(settings ?? {});
  if (wrong) throw new ConfigError(wrong.path.replace(/^spec\.?/, ''), wrong.message);
  return toMeshConfig(settings ?? {});
};
