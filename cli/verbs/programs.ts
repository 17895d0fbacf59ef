/** Verbs that hand over to a program of this project: `dinghy proxy`, `dinghy controlplane`, `dinghy conformance`. */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Command } from 'commander';

const PROGRAMS = [
  { verb: 'proxy', file: '../../proxy/main.ts', description: "run one proxy; flags are Envoy's: -c FILE, --mode validate …" },
  {
    verb: 'controlplane',
    file: '../../controlplane/main.ts',
    description: 'run one control plane: --config-dir, --http-address, --xds-address',
  },
  {
    verb: 'conformance',
    file: '../../conformance/main.ts',
    description: 'run the conformance suite: --id, --driver, --data-plane, --report',
  },
] as const;

/** Registers the verbs; all arguments go through untouched. */
export const addPrograms = (program: Command): void => {
  for (const { verb, file, description } of PROGRAMS) {
    program
      .command(verb)
      .description(description)
      .argument('[arguments...]')
      .helpOption(false)
      .allowUnknownOption()
      .passThroughOptions()
      .action((given: readonly string[]) => handOver(fileURLToPath(new URL(file, import.meta.url)), given));
  }
};

const handOver = (file: string, given: readonly string[]): Promise<void> =>
  new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [file, ...given], { stdio: 'inherit' });
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => child.kill(signal));
    child.on('error', reject).on('exit', (code) => {
      process.exitCode = code ?? 1;
      resolve();
    });
  });
