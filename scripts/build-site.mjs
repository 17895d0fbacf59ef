/** Builds the browser app and the labs' content into .cache/site, which only changes when everything has been built. */
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import preact from '@preact/preset-vite';
import { build } from 'vite';
import { buildContent } from '../site/content/build-content.ts';
import { knownClaims } from '../site/content/known-claims.ts';

const root = new URL('..', import.meta.url).pathname.replace(/\/$/, '');
const fresh = join(root, `.cache/site-${process.pid}`);
const wanted = join(root, '.cache/site');

const content = await buildContent(root, await knownClaims(root));
await build({
  root: join(root, 'site/app'),
  configFile: false,
  logLevel: 'warn',
  plugins: [preact()],
  build: { outDir: fresh, emptyOutDir: true, target: 'es2023', modulePreload: { polyfill: false }, assetsInlineLimit: 0 },
});
await mkdir(join(fresh, 'content'), { recursive: true });
for (const [name, text] of Object.entries(content)) await writeFile(join(fresh, 'content', name), text);
await rm(wanted, { recursive: true, force: true });
await rename(fresh, wanted);
