// Plain JavaScript for any Node >= 20: `npm ci` when what is installed is not what the lock file says.

import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

process.chdir(fileURLToPath(new URL('..', import.meta.url)));
const stamp = 'node_modules/.installed';
const wanted = createHash('sha256').update(readFileSync('package-lock.json')).digest('hex');
if (!existsSync(stamp) || readFileSync(stamp, 'utf8') !== wanted) {
  console.log('Installing dependencies, once (about a minute) ...');
  const { status } = spawnSync('npm ci --ignore-scripts --include=dev --include=optional --no-audit --no-fund --loglevel=error', {
    stdio: 'inherit',
    shell: true,
  });
  if (status !== 0) process.exit(status ?? 1);
  // npm 10 drops the link when several platform packages offer the same command.
  const platform = `${process.platform === 'darwin' && process.arch === 'arm64' ? 'node-bin' : 'node'}-${process.platform}-${process.arch}`;
  if (!existsSync(`node_modules/${platform}/bin/node`)) {
    console.error(`No pinned Node for ${process.platform} ${process.arch} (wanted the npm package ${platform}).`);
    process.exit(1);
  }
  mkdirSync('node_modules/.bin', { recursive: true });
  rmSync('node_modules/.bin/node', { force: true });
  symlinkSync(`../${platform}/bin/node`, 'node_modules/.bin/node');
  writeFileSync(stamp, wanted);
}
