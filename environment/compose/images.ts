/** Images out of this machine's own files. Nothing is pulled; nothing is built again while its files are the same. */
import { createHash } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { sidecarProgram } from '../data-planes/sidecar-program.ts';
import { imageName } from './compose-file.ts';
import { docker } from './engine.ts';
import { addProgram, addResolvers, addXtables, packageFolders, programOnPath, sourceFiles } from './image-files.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const dockerfileOf = (image: string): string => fileURLToPath(new URL(`images/${image}.Dockerfile`, import.meta.url));
const LABEL = 'dinghy.inputs';

interface Checkout {
  /** Single files, relative to the root. */
  readonly files?: readonly string[];
  readonly folders: readonly string[];
  readonly packages: readonly string[];
}

const PROXY_SOURCES: Checkout = { folders: ['proxy'], packages: ['@bufbuild/protobuf', 're2js', 'yaml'] };

/** The bundle needs nothing else. */
const proxyCheckout = (program: string): Checkout =>
  program.endsWith('.cjs') ? { files: [program], folders: [], packages: [] } : PROXY_SOURCES;

/** What of this checkout each image holds. */
const checkouts = (): Readonly<Record<string, Checkout>> => ({
  'control-plane': {
    folders: ['controlplane', 'proxy'],
    packages: [
      ...['@bufbuild/protobuf', '@grpc/grpc-js', '@hono/node-server', '@peculiar/x509', 'hono', 'jose'],
      ...['re2js', 'reflect-metadata', 'yaml'],
    ],
  },
  proxy: proxyCheckout(relative(ROOT, sidecarProgram(ROOT))),
  agent: PROXY_SOURCES,
  apps: { folders: ['sample-apps'], packages: ['jaeger-client'] },
});

/** Programs of this machine: image → name in it → where it is here. */
type Programs = Readonly<Record<string, { readonly name: string; readonly file: string }>>;

const programsOf = async (envoy: string | undefined): Promise<Programs> => ({
  pause: { name: 'bin/sleep', file: await programOnPath('sleep') },
  init: { name: 'sbin/iptables-restore', file: await programOnPath('iptables-restore') },
  node: { name: 'bin/node', file: process.execPath },
  ...(envoy !== undefined && { envoy: { name: 'bin/envoy', file: envoy } }),
});

/** Sources, as the image holds them. */
const sourcesOf = ({ files = [], folders }: Checkout): readonly string[] => [
  join(ROOT, 'package.json'),
  ...files.map((file) => join(ROOT, file)),
  ...folders.flatMap((folder) => sourceFiles(ROOT, folder)),
];

/** Packages are told apart by what they say of themselves: name and version. */
const fingerprintsOf = (checkout: Checkout): readonly string[] => [
  ...sourcesOf(checkout),
  ...packageFolders(join(ROOT, 'node_modules'), checkout.packages).map((folder) => join(folder, 'package.json')),
];

const fingerprintOf = (program: string): string => `${program} ${statSync(program).size} ${statSync(program).mtimeMs}\0`;

/** One fingerprint of everything that an image is made of. */
const inputsOf = (image: string, programs: Programs): string => {
  const hash = createHash('sha256').update(readFileSync(dockerfileOf(image)));
  const checkout = checkouts()[image];
  const program = programs[checkout === undefined ? image : 'node'];
  if (program !== undefined) hash.update(fingerprintOf(program.file));
  if (checkout !== undefined)
    for (const file of fingerprintsOf(checkout)) hash.update(`${relative(ROOT, file)}\0`).update(readFileSync(file));
  return hash.digest('hex');
};

const isBuilt = async (image: string, inputs: string): Promise<boolean> => {
  try {
    return (await docker(['image', 'inspect', imageName(image), '--format', `{{index .Config.Labels "${LABEL}"}}`])) === inputs;
  } catch {
    // It is not there yet.
    return false;
  }
};

const addCheckout = async (root: string, checkout: Checkout): Promise<void> => {
  for (const file of sourcesOf(checkout)) {
    const target = join(root, relative(ROOT, file));
    await mkdir(dirname(target), { recursive: true });
    await cp(file, target);
  }
  for (const folder of packageFolders(join(ROOT, 'node_modules'), checkout.packages))
    await cp(folder, join(root, relative(ROOT, folder)), { recursive: true, dereference: true });
};

/** What an image needs beside its program and the libraries that this one names. */
const COMPLETE: Readonly<Record<string, (root: string, program: string) => Promise<void>>> = {
  init: addXtables,
  node: async (root, program) => {
    await addResolvers(root, program);
    await mkdir(join(root, 'etc'), { recursive: true });
    await writeFile(join(root, 'etc/nsswitch.conf'), 'hosts: files dns\n');
  },
};

const gather = async (root: string, image: string, programs: Programs): Promise<void> => {
  const program = programs[image];
  const checkout = checkouts()[image];
  if (program !== undefined) {
    await addProgram(root, program.file, program.name);
    await COMPLETE[image]?.(root, program.file);
  }
  if (checkout !== undefined) await addCheckout(root, checkout);
};

/** True when it was made of other files, or not there. */
const build = async (image: string, programs: Programs): Promise<boolean> => {
  const inputs = inputsOf(image, programs);
  if (await isBuilt(image, inputs)) return false;
  const root = await mkdtemp(join(tmpdir(), 'dinghy-image-'));
  try {
    await gather(root, image, programs);
    const about = ['--label', `${LABEL}=${inputs}`, '--tag', imageName(image)];
    await docker(['build', '--quiet', '--file', dockerfileOf(image), ...about, root]);
    return true;
  } finally {
    await rm(root, { recursive: true, force: true });
  }
};

/** Builds what is missing or made of other files. envoy: its binary, when that image is wanted too. */
export const buildImages = async (envoy?: string): Promise<void> => {
  const programs = await programsOf(envoy);
  // Those with programs come first: the others stand on node.
  let replaced = 0;
  for (const image of [...Object.keys(programs), ...Object.keys(checkouts())]) if (await build(image, programs)) replaced++;
  // What the new ones replaced has no name any more.
  if (replaced > 0) await docker(['image', 'prune', '--force', '--filter', `label=${LABEL}`]);
};
