/** `dinghy why`: why a request was refused, or let through, by which line of which policy. */
import type { Command } from 'commander';
import type { Exchange } from '#api/exchange.ts';
import type { Leaf, Story, ToldRule } from '#api/story.ts';
import type { RunFile } from '#environment';
import { callFacts } from '#observability';
import { type OutputOption, outputOption, show, table } from '../output.ts';
import { askControlPlane, type MeshOption, readJson, runningMesh } from '../running-mesh.ts';

type WhyOptions = MeshOption & OutputOption;

/** Registers the verb. */
export const addWhy = (program: Command): void => {
  program
    .command('why')
    .description(
      'say why a request or connection was refused, or let through: which policy, which rule, which line; exit code 1 when it is not known',
    )
    .argument('[request-id]', 'as "dinghy send" prints it, and as the header x-request-id has it; absent: lists what was refused lately')
    .option('--mesh <name>', 'which mesh')
    .addOption(outputOption('json', 'yaml'))
    .action(why);
};

interface Told {
  readonly workload: string;
  readonly status: number;
  readonly details: string;
  /** Of a connection that was refused. */
  readonly refused?: string;
  readonly story: Story;
}

const why = async (requestId: string | undefined, options: WhyOptions): Promise<void> => {
  const run = runningMesh(options);
  const records = run.site ?? run.records;
  if (records === undefined) throw new Error('this mesh keeps no records of requests');
  if (requestId === undefined) {
    const refusals = await readJson<readonly Exchange[]>(new URL('/api/refusals', records).href);
    await show(options, refusals, () => listOf(refusals));
    return;
  }
  const exchanges = await readJson<readonly Exchange[]>(new URL(`/api/requests/${encodeURIComponent(requestId)}`, records).href);
  const judged = exchanges.filter(({ side }) => side !== 'outbound');
  if (judged.length === 0)
    throw new Error(
      `no workload of ${run.name} was asked with the request id ${requestId}; "dinghy why" alone lists what was refused lately`,
    );
  const told: Told[] = [];
  for (const exchange of judged) told.push(await toldOf(run, exchange));
  await show(options, told, () => told.map(treeOf).join('\n\n'));
};

const toldOf = async (run: RunFile, exchange: Exchange): Promise<Told> => {
  const { reporter: workload, status, details, refused } = exchange;
  const story = await askControlPlane<Story>(run, '/explain', { workload, facts: callFacts(exchange) });
  return { workload, status, details, ...(refused !== undefined && { refused }), story };
};

const listOf = (refusals: readonly Exchange[]): string =>
  refusals.length === 0
    ? 'Nothing was refused lately.'
    : table(
        ['TIME', 'WORKLOAD', 'REQUEST ID', 'WHAT'],
        refusals.map(({ startedAt, reporter, requestId, method, path, status, details, refused }) => [
          ...[startedAt.slice(11, 23), reporter, requestId],
          refused ?? `${method} ${path}: ${status} ${details}`,
        ]),
      );

const mark = (held: boolean | null): string => (held === null ? '?' : held ? '✓' : '✗');

const leafLine = ({ path, wanted, excludes, actual, held, place }: Leaf): string => {
  const where = place ? `  ${place.file}:${place.line}` : '';
  return `      ${mark(held)} ${path}: wanted ${excludes ? 'none of ' : ''}${wanted.join(' | ')}, was ${actual}${where}`;
};

const ruleLines = ({ path, held, leaves }: ToldRule): string[] => [`    ${mark(held)} ${path}`, ...leaves.map(leafLine)];

const headline = ({ workload, status, details, refused }: Told): string => {
  if (refused !== undefined) return refused;
  if (details === 'via_upstream') return `${workload} let it through; the answer was ${status}`;
  return `${workload} answered ${status}${details.startsWith('rbac_') ? ': RBAC: access denied' : ''}${details === '' ? '' : ` (${details})`}`;
};

/** One workload's story as a tree. */
export const treeOf = (told: Told): string => [headline(told), ...storyLines(told.story)].join('\n');

const storyLines = ({ sentence, policies, dryRun }: Story): string[] => [
  sentence,
  ...policies.flatMap(({ policy, action, dryRun: isTried, held, rules }) => [
    `  ${mark(held)} ${action} ${policy}${isTried ? ' (dry run)' : ''}${rules.length === 0 ? ': no rules' : ''}`,
    ...rules.flatMap(ruleLines),
  ]),
  ...(dryRun === undefined ? [] : [`  with the dry-run policies in force it would be: ${dryRun}`]),
];
