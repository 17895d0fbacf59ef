/** Which files an image needs: programs with the libraries they name, packages with those they depend on. */
import { execFile } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, realpathSync } from 'node:fs';
import { copyFile, cp, mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';

const exec = promisify(execFile);

/** Libraries that this program is linked with, by their names on this machine; none for a static one. */
const librariesOf = async (program: string): Promise<readonly string[]> => {
  try {
    const { stdout } = await exec('ldd', [program]);
    return [...new Set(stdout.match(/\/[^\s)]+/g) ?? [])];
  } catch {
    // ldd ends with 1 for a static program.
    return [];
  }
};

const copyTo = async (source: string, target: string): Promise<void> => {
  await mkdir(dirname(target), { recursive: true });
  await copyFile(realpathSync(source), target);
};

/** Where the shell finds a program. Rejects when it does not. */
export const programOnPath = async (name: string): Promise<string> =>
  realpathSync((await exec('sh', ['-c', `command -v ${name}`])).stdout.trim());

/** Copies a program under a name into a root directory, with its libraries where it looks for them. */
export const addProgram = async (root: string, program: string, name: string): Promise<void> => {
  await copyTo(program, join(root, name));
  for (const library of await librariesOf(program)) await copyTo(library, join(root, library));
};

/** Libraries that glibc loads by name when it looks a host up; newer ones have them built in. */
const RESOLVERS = ['libnss_files.so.2', 'libnss_dns.so.2', 'libresolv.so.2'];

/** What `getaddrinfo` needs beside the program. */
export const addResolvers = async (root: string, program: string): Promise<void> => {
  const libc = (await librariesOf(program)).find((library) => /\/libc\.so/.test(library));
  for (const name of libc === undefined ? [] : RESOLVERS) {
    const library = join(dirname(libc ?? ''), name);
    if (existsSync(library)) await copyTo(library, join(root, library));
  }
};

/** The extensions that iptables loads by name: one for every match and target of a rule. */
export const addXtables = async (root: string, iptables: string): Promise<void> => {
  const library = (await librariesOf(iptables)).find((name) => name.includes('/libxtables.so'));
  const folder = library === undefined ? '' : join(dirname(realpathSync(library)), 'xtables');
  if (!existsSync(folder)) throw new Error(`the extensions of ${iptables} cannot be found beside libxtables`);
  await cp(folder, join(root, 'lib/xtables'), { recursive: true, dereference: true });
};

/** These packages and all that they depend on, as folders of node_modules. */
export const packageFolders = (modules: string, names: readonly string[]): readonly string[] => {
  const found = new Set<string>();
  const visit = (name: string): void => {
    const folder = join(modules, name);
    if (found.has(folder) || !existsSync(folder)) return;
    found.add(folder);
    const { dependencies = {} } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as {
      readonly dependencies?: Readonly<Record<string, string>>;
    };
    Object.keys(dependencies).forEach(visit);
  };
  names.forEach(visit);
  return [...found];
};

/** Of the generated messages programs read one file; types and tests are for people who change them. */
const isRead = (path: string): boolean =>
  /\/gen\//.test(path) ? /\/gen\/envoy\.mjs$/.test(path) : /\.(ts|json|cjs)$/.test(path) && !/\.(test|fixture)\.ts$/.test(path);

/** Files of a folder that running programs read; none when it is not there. */
export const sourceFiles = (root: string, folder: string): readonly string[] =>
  (existsSync(join(root, folder)) ? readdirSync(join(root, folder), { recursive: true, withFileTypes: true }) : [])
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter(isRead)
    .sort();
