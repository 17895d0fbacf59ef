/** `dinghy bench`: what one proxied request costs. */
import type { Command } from 'commander';
import { print } from '../output.ts';

/** Registers the verb. Envoy is measured beside ours when it was fetched. */
export const addBench = (program: Command): void => {
  program
    .command('bench')
    .description('measure what the proxy costs; takes about six minutes')
    .option('--quick', 'about two minutes, fewer blocks')
    .action(async ({ quick = false }: { readonly quick?: boolean }) => {
      const [{ runBench }, { envoyBinary, envoyMissing }] = await Promise.all([import('#conformance'), import('#environment')]);
      await runBench({ quick, envoy: envoyMissing() === undefined ? envoyBinary() : undefined, print });
    });
};
