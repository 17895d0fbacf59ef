/** The matrix: drivers and data planes under our control plane, and what it takes to bring one cell up. */
import { startEnvironment } from '#environment';
import { chosen, type SuiteOptions, verifyLive } from '../conformance.ts';
import { conformanceMesh } from '../mesh.ts';
import type { Cell, Verdict } from '../verify.ts';

/** Why a cell could not be brought up, when that is nobody's fault here. */
export class CellUnavailable extends Error {
  override readonly name = 'CellUnavailable';
}

/** Seed of every simulated run: the same weighted sequence each time. */
const SEED = 20_261_124;

const open = async (cell: Cell) => {
  try {
    return await startEnvironment(conformanceMesh, {
      mode: cell.driver,
      dataPlane: cell.dataPlane,
      name: `conformance-${process.pid}`,
      seed: SEED,
    });
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    if (cell.dataPlane === 'envoy' && /not fetched|npm run envoy|no Envoy/i.test(reason)) throw new CellUnavailable(reason, { cause });
    throw cause;
  }
};

/** The chosen cases in one cell, one environment for all of them. Throws CellUnavailable where the cell cannot be had. */
export async function* runCell(cell: Cell, options: SuiteOptions = {}): AsyncIterable<Verdict> {
  await using environment = await open(cell);
  yield* verifyLive(environment, options);
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
