// Format, lint, types and dead code. Plain JavaScript; prints what failed and ends non-zero.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

process.chdir(fileURLToPath(new URL('..', import.meta.url)));

const checks = [
  ['format and lint', 'biome', ['ci', '--diagnostic-level=warn']],
  ['types', 'tsc', ['-p', '.']],
  ...(existsSync('site/app/tsconfig.json') ? [['types of the page', 'tsc', ['-p', 'site/app']]] : []),
  ['dead code', 'knip', []],
];

const failed = checks.filter(([name, command, args]) => {
  const startedAt = performance.now();
  const { status } = spawnSync(`node_modules/.bin/${command}`, args, { stdio: 'inherit' });
  console.log(`${status === 0 ? 'ok    ' : 'FAILED'} ${name} (${((performance.now() - startedAt) / 1000).toFixed(1)} s)`);
  return status !== 0;
});
process.exit(failed.length === 0 ? 0 : 1);
