/** The Docker engine and its compose, through their own programs. */
import { execFile } from 'node:child_process';
import { chown } from 'node:fs/promises';
import { networkInterfaces } from 'node:os';
import { basename, dirname } from 'node:path';
import { promisify } from 'node:util';
import type { IDockerComposeOptions } from 'docker-compose';

const exec = promisify(execFile);
/** An engine that does not answer by then is none. */
const ANSWER_MS = 10_000;
const BUILD_MS = 180_000;

/** Which compose there is: the plugin, or the older program of its own. */
type Compose = 'plugin' | 'standalone';

/** Runs one command of the docker client; its standard output. Rejects with the client's own last words. */
export const docker = async (args: readonly string[], timeout = BUILD_MS): Promise<string> => {
  try {
    return (await exec('docker', args, { timeout, maxBuffer: 64 * 1024 * 1024 })).stdout.trim();
  } catch (error) {
    const { code, stderr = '' } = error as { readonly code?: unknown; readonly stderr?: string };
    const words = code === 'ENOENT' ? 'the program docker is not installed' : (stderr.trim().split('\n').at(-1) ?? String(error));
    throw new Error(words, { cause: error });
  }
};

const works = (command: string, args: readonly string[]): Promise<boolean> =>
  exec(command, args, { timeout: ANSWER_MS }).then(
    () => true,
    () => false,
  );

const findCompose = async (): Promise<Compose | undefined> => {
  if (await works('docker', ['compose', 'version'])) return 'plugin';
  return (await works('docker-compose', ['version'])) ? 'standalone' : undefined;
};

/** Why compose mode cannot run here, with what to do; undefined when it can. */
export const composeMissing = async (): Promise<string | undefined> => {
  if (process.platform !== 'linux') return `needs Linux: its images are made of this machine's own files (this is ${process.platform})`;
  try {
    await docker(['version', '--format', '{{.Server.Version}}'], ANSWER_MS);
  } catch (error) {
    const words = error instanceof Error ? error.message : String(error);
    return `no Docker engine answers (${words}): start one, or as root run "node scripts/docker.mjs -- npx dinghy up --mode compose"`;
  }
  if ((await findCompose()) === undefined)
    return 'neither "docker compose" nor "docker-compose" is installed (Debian: apt-get install docker-compose)';
  return (await works('iptables-restore', ['--version'])) ? undefined : 'iptables is not installed (Debian: apt-get install iptables)';
};

/** Programs of compose, for one project. Every call rejects with what compose said. */
export interface ComposeProject {
  /** These services, or all of them. */
  up(services?: readonly string[]): Promise<void>;
  down(): Promise<void>;
  /** Lines of these services' standard output, each with its service, until their containers are gone. */
  follow(services: readonly string[], onLine: (service: string, line: string) => void): Promise<void>;
  /** A command that does what `down` does. */
  readonly downCommand: readonly string[];
}

/** directory: of its docker-compose.yml. Rejects where there is no compose. */
export const composeProject = async (project: string, directory: string): Promise<ComposeProject> => {
  const { execCompose } = await import('docker-compose');
  const compose = await findCompose();
  if (compose === undefined) throw new Error('there is no docker compose here');
  const projectOptions: IDockerComposeOptions = {
    cwd: directory,
    composeOptions: [['--project-name', project]],
    ...(compose === 'standalone' && { executable: { standalone: true as const } }),
  };
  const run = async (command: string, args: readonly string[], more: IDockerComposeOptions = {}): Promise<void> => {
    try {
      await execCompose(command, args, { ...projectOptions, ...more });
    } catch (result) {
      const { err } = result as { readonly err?: string };
      throw new Error(`docker compose ${command}: ${err?.trim().split('\n').slice(-3).join(' | ') ?? String(result)}`);
    }
  };
  return {
    up: (services = []) => run('up', ['-d', '--no-build', '--remove-orphans', ...services]),
    down: () => run('down', ['--volumes', '--remove-orphans', '--timeout', '3']),
    follow: (services, onLine) =>
      run('logs', ['--follow', '--no-color', ...services], { maxOutputLength: 0, callback: linesOf(services, onLine) }),
    downCommand: [
      ...(compose === 'plugin' ? ['docker', 'compose'] : ['docker-compose']),
      ...['--project-name', project, '--project-directory', directory, '--file', `${directory}/docker-compose.yml`],
      ...['down', '--volumes', '--remove-orphans', '--timeout', '3'],
    ],
  };
};

/** The old program writes `project_service_1 | line` or `service_1 | line`, the plugin `service-1 | line`. */
const linesOf = (services: readonly string[], onLine: (service: string, line: string) => void) => {
  const longestFirst = services.toSorted((a, b) => b.length - a.length);
  let rest = '';
  return (chunk: Buffer, stream?: 'stdout' | 'stderr'): void => {
    if (stream === 'stderr') return;
    const lines = (rest + chunk.toString()).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      const [, container, text] = /^(\S+)\s+\| (.*)$/.exec(line) ?? [];
      const service = longestFirst.find((name) => container?.replace(/[-_]\d+$/, '').endsWith(name));
      if (service !== undefined && text !== undefined) onLine(service, text);
    }
  };
};

/** How the engine is asked to tell, a line each, which service's container of a project has ended. */
export const endedCommand = (project: string): { readonly command: string; readonly args: readonly string[] } => ({
  command: 'docker',
  args: [
    ...['events', '--filter', 'event=die', '--filter', `label=com.docker.compose.project=${project}`],
    ...['--format', '{{index .Actor.Attributes "com.docker.compose.service"}}'],
  ],
});

/** Makes a file the property of that user of the containers: by ourselves as root, else by a container that is. */
export const giveFile = async (file: string, uid: number): Promise<void> => {
  if (process.getuid?.() === 0) return chown(file, uid, uid);
  const mount = ['--volume', `${dirname(file)}:/given`];
  const program = `require('node:fs').chownSync('/given/${basename(file)}', ${uid}, ${uid})`;
  await docker(['run', '--rm', '--network', 'none', '--user', '0:0', ...mount, 'dinghy/node', '-e', program]);
};

/** Networks that the engine has, by name. */
export const networkNames = async (): Promise<readonly string[]> =>
  (await docker(['network', 'ls', '--format', '{{.Name}}'])).split('\n').filter((name) => name !== '');

/** The first 10.89.x that neither the engine nor this machine uses. Rejects when all are taken. */
export const freeSubnet = async (): Promise<string> => {
  const networks = await networkNames();
  const format = '{{range .IPAM.Config}}{{.Subnet}} {{end}}';
  const subnets = await docker(['network', 'inspect', ...networks, '--format', format]);
  const own = Object.values(networkInterfaces()).flatMap((list) => (list ?? []).map(({ address }) => address));
  const taken = `${subnets} ${own.join(' ')}`;
  for (let block = 1; block < 255; block++) if (!new RegExp(`\\b10\\.89\\.${block}\\.`).test(taken)) return `10.89.${block}`;
  throw new Error('no free network 10.89.x.0/24 is left: 254 meshes run already');
};
