/** `dinghy why`: why a request was refused, or let through, by which line of which policy. */
import type { Command } from 'commander';
import type { Exchange } from '#api/exchange.ts';
import type { Leaf, Story, ToldRule } from '#api/story.ts';
import { type OutputOption, outputOption, show } from '../output.ts';
import { askControlPlane, type MeshOption, readJson, runningMesh } from '../running-mesh.ts';

type WhyOptions = MeshOption & OutputOption;

/** Registers the verb. */
export const addWhy = (program: Command): void => {
  program
    .command('why')
    .description('say why a request was refused: which policy, which rule, which line')
    .argument('<request-id>', 'as "dinghy send" prints it, and as the header x-request-id has it')
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
  const exchanges = await readJson<readonly Exchange[]>(new URL(`/api/requests/${encodeURIComponent(requestId)}`, run.site).href);
  const judged = exchanges.filter(({ side }) => side !== 'outbound');
  if (judged.length === 0) throw new Error(`no workload of ${run.name} was asked with the request id ${requestId}`);
  const told: Told[] = [];
  for (const exchange of judged) {
    const story = await askControlPlane<Story>(run, '/explain', { workload: exchange.reporter, facts: factsOf(exchange) });
    told.push({ workload: exchange.reporter, status: exchange.status, details: exchange.details, story });
  }
  await show(options, told, () => told.map(treeOf).join('\n\n'));
};

const hostOf = (address: string): string | undefined => address.replace(/:\d+$/, '').replace(/^\[|\]$/g, '') || undefined;

/** What our proxy recorded of a refusal; else what its log line says, of Envoy's too: headers and claims are not in it. */
const factsOf = ({ authz, method, path, authority, downstreamPeer, downstreamRemote, downstreamLocal }: Exchange): object =>
  authz
    ? { principal: '', serverName: '', ...authz }
    : {
        method,
        path: path.replace(/[?#].*/s, ''),
        host: authority,
        principal: downstreamPeer,
        remoteIp: hostOf(downstreamRemote),
        destinationIp: hostOf(downstreamLocal),
        port: Number(/\d+$/.exec(downstreamLocal)?.[0]),
      };

const mark = (held: boolean | null): string => (held === null ? '?' : held ? '✓' : '✗');

const leafLine = ({ path, wanted, excludes, actual, held, place }: Leaf): string => {
  const where = place ? `  ${place.file}:${place.line}` : '';
  return `      ${mark(held)} ${path}: wanted ${excludes ? 'none of ' : ''}${wanted.join(' | ')}, was ${actual}${where}`;
};

const ruleLines = ({ path, held, leaves }: ToldRule): string[] => [`    ${mark(held)} ${path}`, ...leaves.map(leafLine)];

/** One workload's story as a tree. */
const treeOf = ({ workload, status, details, story }: Told): string =>
  [
    `${workload} answered ${status}${details.startsWith('rbac_') ? `: RBAC: access denied (${details})` : ''}`,
    story.sentence,
    ...story.policies.flatMap(({ policy, action, dryRun, held, rules }) => [
      `  ${mark(held)} ${action} ${policy}${dryRun ? ' (dry run)' : ''}${rules.length === 0 ? ': no rules' : ''}`,
      ...rules.flatMap(ruleLines),
    ]),
    ...(story.dryRun === undefined ? [] : [`  with the dry-run policies in force it would be: ${story.dryRun}`]),
  ].join('\n');
