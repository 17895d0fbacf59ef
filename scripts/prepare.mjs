// Makes the checkout ready to run, whatever was there before: installed, messages generated, sidecar bundled, site built; each when its inputs changed. Any Node >= 20.

import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

process.chdir(fileURLToPath(new URL('..', import.meta.url)));

const major = Number(process.versions.node.split('.')[0]);
if (major < 20) {
  console.error(`Dinghy needs Node 20 or newer to install itself; this is Node ${process.versions.node}.`);
  process.exit(1);
}

const run = (command, args, what) => {
  const { status, error } = spawnSync(command, args, { stdio: ['ignore', 'inherit', 'inherit'] });
  if (status === 0) return;
  console.error(`Could not ${what}${error ? `: ${error.message}` : ''}.`);
  process.exit(status ?? 1);
};

const filesUnder = (path) => {
  if (!existsSync(path)) return [];
  if (!statSync(path).isDirectory()) return [path];
  return readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => `${entry.parentPath ?? entry.path}/${entry.name}`)
    .sort();
};

const stampOf = (inputs) => {
  const hash = createHash('sha256');
  for (const file of inputs.flatMap(filesUnder)) hash.update(file).update('\0').update(readFileSync(file)).update('\0');
  return hash.digest('hex');
};

/** Runs `make` unless the inputs are those of its last success and its output is there. */
const whenChanged = (name, { inputs, output }, make) => {
  const file = `.cache/stamps/${name}`;
  const wanted = stampOf(inputs);
  if (existsSync(output) && existsSync(file) && readFileSync(file, 'utf8') === wanted) return;
  make();
  mkdirSync('.cache/stamps', { recursive: true });
  writeFileSync(file, wanted);
};

run(process.execPath, ['scripts/install.mjs'], 'install the dependencies');

const node = 'node_modules/.bin/node';
whenChanged(
  'messages',
  {
    inputs: [
      'scripts/generate.mjs',
      'scripts/field-table.mjs',
      'proxy/api/envoy/buf.yaml',
      'proxy/api/envoy/buf.gen.yaml',
      'proxy/api/envoy/roots.txt',
      'proxy/api/envoy/protos',
      'proxy/api/envoy/index.ts',
      'proxy/api/envoy/wkt',
      'package-lock.json',
    ],
    output: 'proxy/api/envoy/gen/envoy.mjs',
  },
  () => run(node, ['scripts/generate.mjs'], "generate Envoy's message types"),
);
whenChanged('sidecar', { inputs: ['scripts/bundle-sidecar.mjs', 'proxy', 'package-lock.json'], output: '.cache/sidecar/main.cjs' }, () =>
  run(node, ['scripts/bundle-sidecar.mjs'], 'bundle the sidecar'),
);
whenChanged(
  'site',
  {
    inputs: [
      'scripts/build-site.mjs',
      'site/app',
      'site/content',
      'labs',
      'proxy/api/response-flags.ts',
      'proxy/routing',
      'proxy/filters',
      'conformance/cases',
      'conformance/registry.ts',
      'package-lock.json',
    ],
    output: '.cache/site/index.html',
  },
  () => run(node, ['scripts/build-site.mjs'], 'build the site'),
);
