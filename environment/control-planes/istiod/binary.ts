/** Where a real istiod is: `npm run istiod` builds one. */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const FOLDER = fileURLToPath(new URL('../../../.cache/istiod', import.meta.url));
const NAME = 'pilot-discovery-';

/** Path of the program; DINGHY_ISTIOD names another. Undefined when there is none. */
export const istiodBinary = (): string | undefined => {
  const named = process.env.DINGHY_ISTIOD;
  if (named !== undefined) return existsSync(named) ? named : undefined;
  const [built] = existsSync(FOLDER) ? readdirSync(FOLDER).filter((name) => name.startsWith(NAME) && !name.endsWith('.new')) : [];
  return built === undefined ? undefined : join(FOLDER, built);
};

/** Why there is no istiod here; undefined when there is. */
export const istiodMissing = (): string | undefined =>
  istiodBinary() === undefined ? 'istiod is not built yet: run "npm run istiod" (needs Go)' : undefined;
