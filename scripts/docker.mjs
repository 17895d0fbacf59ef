// Runs a command where a Docker engine answers: the one that is there, else a private one that ends with the command.
//   node scripts/docker.mjs -- npx dinghy up --mode compose
//   node scripts/docker.mjs --check      tries; says why it cannot be had, and exits with 75
//   node scripts/docker.mjs --install    Debian packages, when root and apt-get are there
// The private engine has its own network namespace, data and socket: nothing of the machine is touched, nothing stays.
import { spawn, spawnSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const UNAVAILABLE = 75;
const START_PATIENCE_MS = 20_000;
const STOP_PATIENCE_MS = 10_000;
const PACKAGES = ['docker.io', 'docker-compose', 'iptables', 'iproute2'];

const succeeds = (command, ...args) => spawnSync(command, args, { stdio: 'ignore', timeout: 10_000 }).status === 0;
const isOnPath = (command) => succeeds('sh', '-c', `command -v ${command}`);

/** True when an engine answers already. */
const engineAnswers = () => isOnPath('docker') && succeeds('docker', 'version', '--format', '{{.Server.Version}}');

/** Why no private engine can be tried; undefined when it can. */
const obstacle = () => {
  if (process.platform !== 'linux') return `no Docker engine answers, and a private one needs Linux (this is ${process.platform})`;
  if (process.getuid?.() !== 0) return `no Docker engine answers, and a private one needs root (uid ${process.getuid?.()})`;
  const absent = ['docker', 'dockerd', 'docker-compose', 'ip', 'iptables', 'nsenter', 'setpriv', 'unshare'].filter(
    (command) => !isOnPath(command),
  );
  if (absent.length > 0)
    return `no Docker engine answers, and ${absent.join(', ')} cannot be found ("apt-get install ${PACKAGES.join(' ')}" brings them)`;
  if (!succeeds('unshare', '-nm', 'true'))
    return 'no Docker engine answers, and namespaces are not permitted here (CAP_SYS_ADMIN is missing)';
  return undefined;
};

/** What compose mode misses beside an engine that answers. */
const lacking = () => {
  if (process.platform !== 'linux') return `images are made of files of this machine, which must be Linux (this is ${process.platform})`;
  if (!succeeds('docker', 'compose', 'version') && !succeeds('docker-compose', 'version')) return 'there is no docker compose';
  return isOnPath('iptables-restore') ? undefined : 'iptables is not installed';
};

const install = () => {
  if (engineAnswers() || obstacle() === undefined) return 0;
  if (process.getuid?.() !== 0 || !isOnPath('apt-get')) return say(obstacle());
  const apt = (...args) =>
    spawnSync('apt-get', ['-qq', '-o', 'DPkg::Lock::Timeout=300', ...args], {
      stdio: ['ignore', 'ignore', 'inherit'],
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
      timeout: 180_000,
    }).status === 0;
  if (!apt('update') || !apt('install', '-y', '--no-install-recommends', ...PACKAGES))
    return say('the Docker packages cannot be installed');
  return 0;
};

const say = (reason) => {
  console.log(reason);
  return UNAVAILABLE;
};

const ping = (socketPath) =>
  new Promise((resolve) => {
    request({ socketPath, path: '/_ping', timeout: 1000 }, (answer) => {
      answer.resume();
      resolve(answer.statusCode === 200);
    })
      .on('error', () => resolve(false))
      .on('timeout', function () {
        this.destroy();
      })
      .end();
  });

/** A network namespace lives as long as a process in it: this one does nothing and ends when our end of its pipe closes, however we end. */
const holdNamespace = () =>
  spawn('unshare', ['-n', 'sh', '-c', 'ip link set lo up && echo ready && exec cat'], {
    stdio: ['pipe', 'pipe', 'inherit'],
    detached: true,
  });

const ready = (child) =>
  new Promise((resolve) => {
    child.stdout.once('data', () => resolve(true));
    child.once('exit', () => resolve(false));
  });

const lastWords = (file) => {
  const lines = readFileSync(file, 'utf8').trim().split('\n');
  return lines.findLast((line) => /failed|error|fatal/i.test(line)) ?? lines.at(-1) ?? '';
};

/** Starts an engine inside the namespace; undefined and a printed reason when it ends instead. */
const startEngine = async (namespace, directory, storage) => {
  const log = join(directory, 'dockerd.log');
  const output = openSync(log, 'w');
  const at = (name) => join(directory, name);
  const engine = spawn(
    // However this process ends, the engine is told to end too, and a Ctrl-C at the terminal reaches the command first.
    'setpriv',
    [
      ...['--pdeathsig', 'TERM', 'nsenter', `--net=/proc/${namespace.pid}/ns/net`, 'dockerd'],
      ...['--data-root', at('data'), '--exec-root', at('exec'), '--pidfile', at('docker.pid'), '-H', `unix://${at('docker.sock')}`],
      ...['--log-level', 'error', ...storage],
    ],
    { stdio: ['ignore', output, output], detached: true },
  );
  closeSync(output);
  const deadline = performance.now() + START_PATIENCE_MS;
  while (engine.exitCode === null && engine.signalCode === null && performance.now() < deadline) {
    if (await ping(at('docker.sock'))) return { engine };
    await sleep(100);
  }
  await stopProcess(engine);
  return { reason: `the Docker engine did not start: ${lastWords(log)}` };
};

const stopProcess = async (child) => {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  const hard = setTimeout(() => child.kill('SIGKILL'), STOP_PATIENCE_MS);
  await gone;
  clearTimeout(hard);
};

const unmountBelow = (directory) => {
  const mounts = readFileSync('/proc/mounts', 'utf8')
    .split('\n')
    .map((line) => line.split(' ')[1] ?? '');
  for (const mount of mounts.filter((path) => path.startsWith(`${directory}/`)).toReversed()) succeeds('umount', '-l', mount);
};

/** The command's exit code; signals are passed on, and what was started here ends after it. */
const run = (command, env) =>
  new Promise((resolve) => {
    const [program, ...args] = command;
    const child = spawn(program, args, { stdio: 'inherit', env });
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
    child.on('error', (error) => {
      console.error(`${program}: ${error.message}`);
      resolve(127);
    });
    child.on('exit', (code) => resolve(code ?? 1));
  });

const runPrivately = async (command) => {
  const directory = mkdtempSync(join(tmpdir(), 'dinghy-docker-'));
  const namespace = holdNamespace();
  let engine;
  try {
    if (!(await ready(namespace))) return say('no network namespace could be made');
    let started = await startEngine(namespace, directory, []);
    // overlay does not stand on every file system; copying whole layers does.
    if (!started.engine) started = await startEngine(namespace, directory, ['--storage-driver', 'vfs']);
    engine = started.engine;
    if (!engine) return say(started.reason);
    const env = {
      ...process.env,
      DOCKER_HOST: `unix://${join(directory, 'docker.sock')}`,
      TESTCONTAINERS_RYUK_DISABLED: 'true',
      TESTCONTAINERS_HOST_OVERRIDE: '127.0.0.1',
    };
    return await run(['nsenter', `--net=/proc/${namespace.pid}/ns/net`, ...command], env);
  } finally {
    if (engine) await stopProcess(engine);
    namespace.stdin.end();
    unmountBelow(directory);
    rmSync(directory, { recursive: true, force: true });
  }
};

const main = async ([first, ...rest]) => {
  if (first === '--install') return install();
  if (first !== '--check' && (first !== '--' || rest.length === 0)) {
    console.error(`usage: node ${fileURLToPath(import.meta.url)} --check | --install | -- COMMAND ...`);
    return 2;
  }
  const answers = engineAnswers();
  const reason = answers ? lacking() : obstacle();
  if (reason !== undefined) return say(reason);
  const command = first === '--check' ? ['true'] : rest;
  return answers ? run(command, process.env) : runPrivately(command);
};

process.exitCode = await main(process.argv.slice(2));
