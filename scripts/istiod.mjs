// Builds a real istiod for the reference cell: pilot-discovery from its Go module, into .cache/istiod (git-ignored). Needs Go; eight minutes and 4 GB on two cores.
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

process.chdir(fileURLToPath(new URL('..', import.meta.url)));

/** Of August 2026, on the way to 1.31. */
const VERSION = 'v0.0.0-20260827124520-eed52ebb66ad';
const target = `.cache/istiod/pilot-discovery-${VERSION}`;

const fail = (reason) => {
  console.error(`No istiod: ${reason}.`);
  process.exit(1);
};

const run = (command, args, cwd) => {
  const { status, error, stdout } = spawnSync(command, args, { cwd, stdio: ['ignore', 'pipe', 'inherit'], encoding: 'utf8' });
  if (status !== 0) fail(error ? `${command} could not be started (${error.message})` : `${command} ${args[0]} failed`);
  return stdout.trim();
};

/** Without Kubernetes this commit follows a nil pointer at its start; an empty list of namespaces is what it would have found. */
const guard = (source) => {
  const call = 'multiclusterController.ConfigCluster().Namespaces()';
  const line = source.split('\n').find((each) => each.trim() === `s.inputs.Namespaces = ${call}`);
  if (line === undefined) return source;
  const empty = 'krt.NewStaticCollection[*v1.Namespace](nil, nil, s.opts.WithName("inputs/Namespaces")...)';
  return source.replace(line, `if multiclusterController == nil {\ns.inputs.Namespaces = ${empty}\n} else {\n${line}\n}`);
};

if (!existsSync(target)) {
  mkdirSync('.cache/istiod', { recursive: true });
  const scratch = mkdtempSync(join(tmpdir(), 'dinghy-istiod-'));
  try {
    const { Dir } = JSON.parse(run('go', ['mod', 'download', '-json', `istio.io/istio@${VERSION}`], scratch));
    cpSync(Dir, join(scratch, 'istio'), { recursive: true });
    run('chmod', ['-R', 'u+w', join(scratch, 'istio')], scratch);
    const controller = join(scratch, 'istio/pilot/pkg/serviceregistry/serviceentry/controller.go');
    writeFileSync(controller, guard(readFileSync(controller, 'utf8')));
    run(
      'go',
      ['build', '-trimpath', '-ldflags', '-s -w', '-o', join(scratch, 'built'), './pilot/cmd/pilot-discovery'],
      join(scratch, 'istio'),
    );
    cpSync(join(scratch, 'built'), `${target}.new`);
    renameSync(`${target}.new`, target);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}
console.log(target);
