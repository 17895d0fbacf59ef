/** `dinghy bench`: what one proxied request costs. */
import type { Command } from 'commander';
import { print } from '../output.ts';

interface Flags {
  readonly quick?: boolean;
  readonly mtls?: boolean;
  readonly policies?: boolean;
  readonly picks?: boolean;
}

/** Registers the verb. Envoy is measured beside ours when it was fetched. */
export const addBench = (program: Command): void => {
  program
    .command('bench')
    .description('measure what the proxy costs; takes about six minutes')
    .option('--quick', 'about two minutes, fewer blocks')
    .option('--mtls', 'a call through two sidecars with mutual TLS between them, instead of one sidecar in plain text')
    .option('--policies', 'a sidecar whose route has every traffic policy on it')
    .option('--picks', 'no proxy: what choosing a host costs, in each policy of balancing')
    .action(async ({ quick = false, mtls = false, policies = false, picks = false }: Flags) => {
      const [{ runBench, runPicks }, { envoyBinary, envoyMissing }] = await Promise.all([import('#conformance'), import('#environment')]);
      if (picks) return runPicks(print);
      await runBench({
        quick,
        way: mtls ? 'two sidecars' : policies ? 'policies' : 'one sidecar',
        envoy: envoyMissing() === undefined ? envoyBinary() : undefined,
        print,
      });
    });
};
