/** `dinghy doctor`: what works on this machine, and why the rest does not. */
import { existsSync } from 'node:fs';
import { createServer } from 'node:net';
import { fileURLToPath } from 'node:url';
import type { Command } from 'commander';
import { composeMissing, envoyMissing } from '#environment';
import { type OutputOption, outputOption, show, table } from '../output.ts';

interface Finding {
  readonly what: string;
  readonly works: boolean;
  readonly words: string;
}

/** Registers the verb. Exit code 1 when the default mode cannot work. */
export const addDoctor = (program: Command): void => {
  program
    .command('doctor')
    .description('say what works on this machine, and why the rest does not')
    .addOption(outputOption('json', 'yaml'))
    .action(doctor);
};

const doctor = async (options: OutputOption): Promise<void> => {
  const findings = [
    nodeFinding(),
    built('Envoy messages', 'proxy/api/envoy/gen/envoy.mjs'),
    built('site', '.cache/site/index.html'),
    await loopbackFinding(),
    envoyFinding(),
    await composeFinding(),
  ];
  await show(options, findings, () =>
    table(
      ['', 'WHAT', ''],
      findings.map(({ what, works, words }) => [works ? 'ok' : 'no', what, words]),
    ),
  );
  if (findings.some(({ what, works }) => !works && !OPTIONAL.includes(what))) process.exitCode = 1;
};

const ENVOY = 'data plane envoy';
const COMPOSE = 'mode compose';
/** What the default mode does not need. */
const OPTIONAL: readonly string[] = [ENVOY, COMPOSE];

const nodeFinding = (): Finding => {
  const works = Number(process.versions.node.split('.')[0]) >= 26;
  return { what: 'Node', works, words: works ? process.version : `${process.version} runs; the pinned one is started by "npx dinghy"` };
};

const built = (what: string, path: string): Finding => {
  const works = existsSync(fileURLToPath(new URL(`../../${path}`, import.meta.url)));
  return { what, works, words: works ? 'built' : 'not built; run "node scripts/prepare.mjs"' };
};

const loopbackFinding = (): Promise<Finding> =>
  new Promise((resolve) => {
    const what = 'mode process';
    const server = createServer();
    server.once('error', (error) => resolve({ what, works: false, words: `needs loopback addresses 127.96.x.y: ${error.message}` }));
    server.listen(0, '127.96.0.1', () =>
      server.close(() => resolve({ what, works: true, words: 'loopback addresses 127.96.x.y can be used' })),
    );
  });

const envoyFinding = (): Finding => {
  const missing = envoyMissing();
  return { what: ENVOY, works: missing === undefined, words: missing ?? 'fetched' };
};

const composeFinding = async (): Promise<Finding> => {
  const missing = await composeMissing();
  return { what: COMPOSE, works: missing === undefined, words: missing ?? 'a Docker engine answers' };
};
