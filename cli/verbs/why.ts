/** `dinghy why`: why a request was refused, or let through, by which line of which policy. */
import type { Command } from 'commander';
import type { Leaf, Story, ToldRule } from '#api/story.ts';
import type { RunFile } from '#environment';
import { type OutputOption, outputOption, show, table } from '../output.ts';
import { type MeshOption, readJson, runningMesh } from '../running-mesh.ts';

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
  readonly story: Story;
}

const why = async (requestId: string, options: WhyOptions): Promise<void> => {
  const run = runningMesh(options);
  if (run.site === undefined) throw new Error('this mesh keeps no requests: it was started without its site');
  const told = await readJson<readonly Told[]>(new URL(`/api/why/${encodeURIComponent(requestId)}`, run.site).href);
  await show(options, told, () => verdictTree(told));
};

/** Stories of one request, each as a tree. */
export const verdictTree = (told: readonly Told[]): string => told.map(treeOf).join('\n\n');

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
const treeOf = (told: Told): string => [headline(told), ...(told.story ? storyLines(told.story) : [])].join('\n');

const storyLines = ({ sentence, policies, dryRun }: Story): string[] => [
  sentence,
  ...policies.flatMap(({ policy, action, dryRun: isTried, held, rules }) => [
    `  ${mark(held)} ${action} ${policy}${isTried ? ' (dry run)' : ''}${rules.length === 0 ? ': no rules' : ''}`,
    ...rules.flatMap(ruleLines),
  ]),
  ...(dryRun === undefined ? [] : [`  with the dry-run policies in force it would be: ${dryRun}`]),
];
