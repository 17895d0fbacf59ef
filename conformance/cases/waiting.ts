/** Waiting for something to be under way, never for time: a request that has left, not a moment in which it will have. */
import type { MeshUnderTest } from '../define-case.ts';
import { Mismatch } from '../expect.ts';

const PATIENCE_MS = 5_000;

/** Settles when the statistic of that workload's proxy is above `value`. */
export const untilAbove = async (mesh: MeshUnderTest, workload: string, name: string, value: number): Promise<void> => {
  const deadline = performance.now() + PATIENCE_MS;
  for (;;) {
    const now = await mesh.stat(workload, name);
    if (now > value) return;
    if (performance.now() > deadline) throw new Mismatch(`${name} of ${workload}`, `above ${value} within ${PATIENCE_MS} ms`, String(now));
    await new Promise(setImmediate);
  }
};
