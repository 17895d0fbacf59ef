// Format, lint, types and dead code. Prints what failed and ends non-zero.
import { fileURLToPath } from 'node:url';
import { $ } from 'zx';

const checks = [
  ['format and lint', ['biome', 'ci', '--diagnostic-level=warn']],
  ['types', ['tsc', '-p', '.']],
  ['types of the page', ['tsc', '-p', 'site/app']],
  ['dead code', ['knip']],
];

const run = $({ cwd: fileURLToPath(new URL('..', import.meta.url)), stdio: 'inherit', nothrow: true, preferLocal: true });

let failed = 0;
for (const [name, command] of checks) {
  const { exitCode, duration } = await run`${command}`;
  console.log(`${exitCode === 0 ? 'ok    ' : 'FAILED'} ${name} (${(duration / 1000).toFixed(1)} s)`);
  if (exitCode !== 0) failed++;
}
process.exit(failed === 0 ? 0 : 1);
