/** `dinghy bench`: what one proxied request costs. */
import type { Command } from 'commander';
import { print } from '../output.ts';

/** Registers the verb. Envoy is measured beside ours when it was fetched. */
export const addBench = (program: Command): void => {
  program
    .command('bench')
    .description('measure what the proxy costs; takes about six minutes')
    .option('--quick', 'about two minutes, fewer blocks')
    .option('--mtls', 'a call through two sidecars with mutual TLS between them, instead of one sidecar in plain text')
    .action(async ({ quick = false, mtls = false }: { readonly quick?: boolean; readonly mtls?: boolean }) => {
      const [{ runBench }, { envoyBinary, envoyMissing }] = await Promise.all([import('#conformance'), import('#environment')]);
      await runBench({
        quick,
        way: mtls ? 'two sidecars' : 'one sidecar',
        envoy: envoyMissing() === undefined ? envoyBinary() : undefined,
        print,
      });
    });
};
