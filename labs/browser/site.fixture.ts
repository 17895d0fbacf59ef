/** The site as its sources are now: a test of an older page would prove nothing, and a test that skips proves less. */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = new URL('../..', import.meta.url).pathname;
const SOURCES = ['site/app', 'site/content', 'labs', 'proxy/api', 'scripts/build-site.mjs'];

const newestUnder = (path: string): number => {
  if (!statSync(path).isDirectory()) return statSync(path).mtimeMs;
  const files = readdirSync(path, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return Math.max(0, ...files.map((entry) => statSync(join(entry.parentPath, entry.name)).mtimeMs));
};

/** Builds the site when it is missing or older than its sources. Throws with the builder's words when it cannot be built. */
export const buildSite = (): void => {
  const built = join(ROOT, '.cache/site/index.html');
  if (existsSync(built) && statSync(built).mtimeMs > Math.max(...SOURCES.map((source) => newestUnder(join(ROOT, source))))) return;
  const { status, stderr } = spawnSync(process.execPath, ['scripts/build-site.mjs'], { cwd: ROOT, encoding: 'utf8' });
  if (status !== 0) throw new Error(`The site could not be built, so its pages cannot be tested: ${stderr}`);
};
