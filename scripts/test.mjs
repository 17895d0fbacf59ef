// Everything that `npm test` proves, one stage after another; the last line is the sum. Arguments name stages: `npm test -- unit simulation`.
import { spawn, spawnSync } from 'node:child_process';
import { globSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

process.chdir(fileURLToPath(new URL('..', import.meta.url)));
process.env.NODE_COMPILE_CACHE ??= '.cache/compile';
mkdirSync('.cache/reports', { recursive: true });

// In CI nothing that CI can have may be skipped.
const strict = process.env.CI === 'true';
const node = process.execPath;

const vitest = (project) => ({
  name: project,
  command: [
    node,
    'node_modules/vitest/vitest.mjs',
    'run',
    '--project',
    project,
    '--reporter=default',
    '--reporter=json',
    `--outputFile.json=.cache/reports/${project}.json`,
    '--reporter=junit',
    `--outputFile.junit=.cache/reports/${project}.xml`,
  ],
  report: `.cache/reports/${project}.json`,
});
const suite = (name, ...args) => ({
  name,
  command: [node, 'conformance/main.ts', ...args, '--report', `.cache/reports/${name}`],
  report: `.cache/reports/${name}.totals.json`,
});

/** Runs where a Docker engine answers: one that is there, or a private one. */
const containers = vitest('docker');
const docker = {
  ...containers,
  command: [node, 'scripts/docker.mjs', '--', ...containers.command],
  absent: () =>
    spawnSync(node, ['scripts/docker.mjs', '--check'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] }).stdout.trim(),
};

const stages = [
  vitest('unit'),
  suite('simulation', '--driver', 'simulation'),
  suite('process', '--driver', 'process'),
  suite('envoy', '--driver', 'process', '--data-plane', 'envoy', ...(strict ? ['--required'] : [])),
  suite('mutants', '--mutants'),
  docker,
  { ...vitest('browser'), absent: () => globSync('{labs,site}/**/*.browser.test.ts').length === 0 && 'there are no browser tests yet' },
];

/** Runs one stage with its output on ours; false when it ended badly. */
const run = ({ command: [program, ...args] }) =>
  new Promise((resolve) => {
    const child = spawn(program, args, { stdio: 'inherit' });
    child.on('error', () => resolve(false));
    child.on('exit', (code) => resolve(code === 0));
  });

/** A stage that left no report has failed as a whole. */
const totalsOf = (path) => {
  try {
    const report = JSON.parse(readFileSync(path, 'utf8'));
    if ('passed' in report) return report;
    const skips = report.testResults.flatMap((file) =>
      file.assertionResults
        .filter((one) => one.status !== 'passed' && one.status !== 'failed')
        .map((one) => `${one.fullName}: ${one.status}`),
    );
    return { passed: report.numPassedTests, failed: report.numFailedTests, skipped: skips.length, skips };
  } catch {
    return { passed: 0, failed: 0, skipped: 0, skips: [] };
  }
};

const wanted = process.argv.slice(2);
const sum = { passed: 0, failed: 0, skipped: 0 };
const skips = [];
for (const stage of stages.filter(({ name }) => wanted.length === 0 || wanted.includes(name))) {
  const startedAt = performance.now();
  console.log(`\n== ${stage.name}`);
  const reason = stage.absent?.();
  if (reason) {
    sum.skipped++;
    skips.push(`${stage.name}: ${reason}`);
    console.log(`== ${stage.name}: skipped, ${reason}`);
    continue;
  }
  rmSync(stage.report, { force: true });
  const good = await run(stage);
  const totals = totalsOf(stage.report);
  sum.passed += totals.passed;
  // A stage that broke without a failed test (a crash, a missing report) still counts as one failure.
  sum.failed += good ? totals.failed : Math.max(1, totals.failed);
  sum.skipped += totals.skipped;
  skips.push(...(totals.skips ?? []).map((line) => `${stage.name}: ${line}`));
  console.log(`== ${stage.name}: ${good ? 'ok' : 'FAILED'} in ${((performance.now() - startedAt) / 1000).toFixed(1)} s`);
}
for (const line of skips) console.log(`skipped ${line}`);
console.log(`${sum.passed} passed, ${sum.failed} failed, ${sum.skipped} skipped`);
process.exit(sum.failed === 0 ? 0 : 1);
