/** `dinghy ca`: who certifies the workloads, what it issued, and how its root is changed. */
import type { Command } from 'commander';
import type { AuthorityReport, RotationStep } from '#controlplane';
import { controlPlaneClient } from '#environment';
import { type OutputOption, outputOption, print, show, table } from '../output.ts';
import { type MeshOption, readJson, runningMesh } from '../running-mesh.ts';

type Leaf = AuthorityReport['leaves'][number];

/** Registers the verb. */
export const addCa = (program: Command): void => {
  const ca = program.command('ca').description('the certificate authority of the mesh');
  ca.command('status', { isDefault: true })
    .description('show roots, phase and every certificate in force')
    .option('--mesh <name>', 'which mesh')
    .addOption(outputOption('json', 'yaml'))
    .action(status);
  ca.command('show')
    .description("show a workload's certificate")
    .argument('<workload>', 'workload or gateway')
    .option('--mesh <name>', 'which mesh')
    .addOption(outputOption('json', 'yaml'))
    .action(showLeaf);
  const rotate = ca.command('rotate').description('change the root: begin, then switch, then finish; each refuses when it is too early');
  for (const [step, what] of Object.entries(STEPS))
    rotate
      .command(step)
      .description(what)
      .option('--mesh <name>', 'which mesh')
      .action((options: MeshOption) => take(step as RotationStep, options));
};

const STEPS: Readonly<Record<RotationStep, string>> = {
  begin: 'make a second root, which everybody is told to trust too',
  switch: 'sign with the new root, once every proxy trusts it',
  finish: 'trust the new root only, once no certificate under the old one is in force',
};

const MEANING: Readonly<Record<AuthorityReport['phase'], string>> = {
  steady: 'one root',
  begun: 'two roots are trusted, the old one signs; next: switch',
  switched: 'two roots are trusted, the new one signs; next: finish',
};

const reportOf = (options: MeshOption): Promise<AuthorityReport> =>
  readJson<AuthorityReport>(`${runningMesh(options).controlPlane.url}/identity/authority`);

const time = (ms: number): string => new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z');

const status = async (options: MeshOption & OutputOption): Promise<void> => {
  const report = await reportOf(options);
  await show(options, report, () => asText(report));
};

const asText = ({ phase, roots, leaves }: AuthorityReport): string =>
  [
    `Phase: ${phase} (${MEANING[phase]})`,
    '',
    table(
      ['ROOT', 'SIGNS', 'EXPIRES'],
      roots.map(({ id, isSigning, notAfterMs }) => [id, isSigning ? 'yes' : 'no', time(notAfterMs)]),
    ),
    '',
    leaves.length === 0
      ? 'No certificate was issued yet.'
      : table(['WORKLOAD', 'IDENTITY', 'SERIAL', 'ISSUED', 'EXPIRES', 'ROTATIONS', 'ROOT'], leaves.map(row)),
  ].join('\n');

const row = ({ holder, identity, serial, issuedAtMs, notAfterMs, rotations, authority }: Leaf): string[] => [
  holder,
  identity,
  serial,
  time(issuedAtMs),
  time(notAfterMs),
  String(rotations),
  authority,
];

const showLeaf = async (workload: string, options: MeshOption & OutputOption): Promise<void> => {
  const { leaves } = await reportOf(options);
  const leaf = leaves.find(({ holder }) => holder === workload);
  if (leaf === undefined)
    throw new Error(`${workload} has no certificate; those who have are ${leaves.map(({ holder }) => holder).join(', ') || 'nobody'}`);
  await show(options, leaf, () =>
    [
      `Identity   ${leaf.identity}`,
      `Serial     ${leaf.serial}`,
      `Issued     ${time(leaf.issuedAtMs)}`,
      `Expires    ${time(leaf.notAfterMs)}`,
      `Rotations  ${leaf.rotations}`,
      `Root       ${leaf.authority}`,
    ].join('\n'),
  );
};

const take = async (step: RotationStep, options: MeshOption): Promise<void> => {
  const { url, token } = runningMesh(options).controlPlane;
  const client = controlPlaneClient(url, token);
  await client.rotate(step);
  const { phase } = await client.authority();
  print(`${step} is done: ${MEANING[phase]}`);
};
