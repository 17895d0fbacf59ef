/** The `dinghy` command: one file a verb. Errors are one sentence; exit code 1. */
import { readFileSync } from 'node:fs';
import { Command } from 'commander';
import { sentenceOf } from './sentence.ts';
import { addApply } from './verbs/apply.ts';
import { addBench } from './verbs/bench.ts';
import { addCa } from './verbs/ca.ts';
import { addClock } from './verbs/clock.ts';
import { addDelete } from './verbs/delete.ts';
import { addDoctor } from './verbs/doctor.ts';
import { addDown } from './verbs/down.ts';
import { addGet } from './verbs/get.ts';
import { addLab } from './verbs/lab.ts';
import { addPrograms } from './verbs/programs.ts';
import { addProxyConfig } from './verbs/proxy-config.ts';
import { addProxyStatus } from './verbs/proxy-status.ts';
import { addSend } from './verbs/send.ts';
import { addStatus } from './verbs/status.ts';
import { addUp } from './verbs/up.ts';
import { addWhy } from './verbs/why.ts';

const { version }: { readonly version: string } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
const program = new Command('dinghy').description('A service mesh that you can take apart.').version(version).enablePositionalOptions();
const verbs = [
  addUp,
  addDown,
  addStatus,
  addApply,
  addDelete,
  addGet,
  addSend,
  addWhy,
  addProxyStatus,
  addProxyConfig,
  addCa,
  addClock,
  addLab,
  addDoctor,
  addPrograms,
  addBench,
];
for (const add of verbs) add(program);

program.parseAsync().catch((error: unknown) => {
  process.stderr.write(`dinghy: ${sentenceOf(error)}\n`);
  // Whatever a half-started part still waits for: nobody waits for it.
  process.exit(1);
});
