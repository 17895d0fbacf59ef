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

/** The bundle needs nothing else. */
const proxyCheckout = (program: string): Checkout =>
  program.endsWith('.cjs')
    ? { files: [program], folders: [], packages: [] }
    : { folders: ['proxy'], packages: ['@bufbuild/protobuf', 're2js', 'yaml'] };

/** What of this checkout each image holds. */
const checkouts = (): Readonly<Record<string, Checkout>> => ({
  'control-plane': {
    folders: ['controlplane', 'proxy'],
    packages: ['@bufbuild/protobuf', '@grpc/grpc-js', '@hono/node-server', 'hono', 're2js', 'yaml'],
  },
  proxy: proxyCheckout(relative(ROOT, sidecarProgram(ROOT))),
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

/** One fingerprint of everything that any image is made of. */
const inputsOf = (programs: Programs, images: readonly string[]): string => {
  const hash = createHash('sha256');
  for (const image of images) hash.update(readFileSync(dockerfileOf(image)));
  for (const { file } of Object.values(programs)) hash.update(`${file} ${statSync(file).size} ${statSync(file).mtimeMs}\0`);
  for (const file of new Set(Object.values(checkouts()).flatMap(fingerprintsOf)))
    hash.update(`${relative(ROOT, file)}\0`).update(readFileSync(file));
  return hash.digest('hex');
};

const isBuilt = async (images: readonly string[], inputs: string): Promise<boolean> => {
  try {
    const labels = await docker(['image', 'inspect', ...images.map(imageName), '--format', `{{index .Config.Labels "${LABEL}"}}`]);
    return labels.split('\n').every((label) => label === inputs);
  } catch {
    // One of them is not there yet.
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

const gather = async (directory: string, programs: Programs): Promise<void> => {
  for (const [image, { name, file }] of Object.entries(programs)) await addProgram(join(directory, image), file, name);
  for (const [image, checkout] of Object.entries(checkouts())) await addCheckout(join(directory, image), checkout);
  const init = programs.init?.file;
  const node = programs.node?.file;
  if (init !== undefined) await addXtables(join(directory, 'init'), init);
  if (node !== undefined) await addResolvers(join(directory, 'node'), node);
  await mkdir(join(directory, 'node/etc'), { recursive: true });
  await writeFile(join(directory, 'node/etc/nsswitch.conf'), 'hosts: files dns\n');
};

/** Builds what is missing or made of other files. envoy: its binary, when that image is wanted too. */
export const buildImages = async (envoy?: string): Promise<void> => {
  const programs = await programsOf(envoy);
  // Those with programs come first: the others stand on node.
  const images = [...Object.keys(programs), ...Object.keys(checkouts())];
  const inputs = inputsOf(programs, images);
  if (await isBuilt(images, inputs)) return;
  const directory = await mkdtemp(join(tmpdir(), 'dinghy-images-'));
  try {
    await gather(directory, programs);
    for (const image of images) {
      const about = ['--label', `${LABEL}=${inputs}`, '--tag', imageName(image)];
      await docker(['build', '--quiet', '--file', dockerfileOf(image), ...about, join(directory, image)]);
    }
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
};
