/** `dinghy status`: which meshes run. */
import type { Command } from 'commander';
import { readRunFiles } from '#environment';
import { type OutputOption, outputOption, show, table } from '../output.ts';

/** Registers the verb. Tokens stay in the run file. */
export const addStatus = (program: Command): void => {
  program.command('status').description('list the running meshes').addOption(outputOption('json', 'yaml')).action(status);
};

const status = (options: OutputOption): Promise<void> => {
  const runs = readRunFiles().map(({ controlPlane, site, ...run }) => ({
    ...run,
    controlPlane: controlPlane.url,
    site: site?.split('#')[0] ?? '',
  }));
  return show(options, runs, () =>
    runs.length === 0
      ? 'No mesh is running.'
      : table(
          ['NAME', 'MODE', 'DATA PLANE', 'WORKLOADS', 'GATEWAY', 'CONTROL PLANE', 'SITE', 'PID'],
          runs.map((run) => [
            run.name,
            run.mode,
            run.dataPlane,
            String(run.workloads.length),
            run.gateways[0]?.url ?? '',
            run.controlPlane,
            run.site,
            String(run.pid),
          ]),
        ),
  );
};
