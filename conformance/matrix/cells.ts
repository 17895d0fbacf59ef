/** The matrix: drivers, data planes and control planes, and what it takes to bring one cell up. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startEnvironment } from '#environment';
import { type TestAuthority, testAuthority } from '../certificates/test-authority.ts';
import { chosen, type SuiteOptions, verifyLive } from '../conformance.ts';
import { conformanceMesh } from '../mesh.ts';
import type { Cell, Verdict } from '../verify.ts';

/** Why a cell could not be brought up, when that is nobody's fault here. */
export class CellUnavailable extends Error {
  override readonly name = 'CellUnavailable';
}

/** Seed of every simulated run: the same weighted sequence each time. */
const SEED = 20_261_124;

/** A folder like istiod's `cacerts`, so that the suite can sign as the mesh does. */
const authorityFolder = ({ roots, privateKey }: TestAuthority): string => {
  const folder = mkdtempSync(join(tmpdir(), 'dinghy-conformance-'));
  const write = (name: string, text: string): void => writeFileSync(join(folder, name), text, { mode: 0o600 });
  for (const name of ['ca-cert.pem', 'cert-chain.pem', 'root-cert.pem']) write(name, roots);
  write('ca-key.pem', privateKey);
  return folder;
};

const open = async (cell: Cell, importAuthority: string) => {
  try {
    return await startEnvironment(conformanceMesh, {
      mode: cell.driver,
      dataPlane: cell.dataPlane,
      controlPlane: cell.controlPlane,
      name: `conformance-${process.pid}`,
      seed: SEED,
      importAuthority,
    });
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    if (cell.controlPlane === 'istiod' && /npm run istiod/.test(reason)) throw new CellUnavailable(reason, { cause });
    if (cell.dataPlane === 'envoy' && /not fetched|npm run envoy|no Envoy/i.test(reason)) throw new CellUnavailable(reason, { cause });
    throw cause;
  }
};

/** The chosen cases in one cell, one environment for all of them. Throws CellUnavailable where the cell cannot be had. */
export async function* runCell(cell: Cell, options: SuiteOptions = {}): AsyncIterable<Verdict> {
  const [mesh, foreign] = await Promise.all([testAuthority('O=conformance'), testAuthority()]);
  const folder = authorityFolder(mesh);
  try {
    await using environment = await open(cell, folder);
    yield* verifyLive(environment, { ...options, authorities: { mesh, foreign } });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The chosen cases as skipped, with one reason. */
export const skippedCell = (cell: Cell, ids: readonly string[] | undefined, reason: string): Verdict[] =>
  chosen(ids).map(({ id, claim, source, profile }) => ({
    id,
    claim,
    source,
    profile,
    cell,
    outcome: 'skipped',
    text: reason,
    durationMs: 0,
  }));
