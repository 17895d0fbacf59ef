/** Waiting for something to be under way, never for time: a request that has left, not a moment in which it will have. */
import type { MeshUnderTest } from '../define-case.ts';
import { Mismatch } from '../expect.ts';

const PATIENCE_MS = 10_000;

/** Looks until it is as wanted; gives what was seen last. wanted: in words. */
export const until = async <T>(what: string, look: () => Promise<T>, isGood: (seen: T) => boolean, wanted: string): Promise<T> => {
  const deadline = performance.now() + PATIENCE_MS;
  for (;;) {
    const seen = await look();
    if (isGood(seen)) return seen;
    if (performance.now() > deadline) throw new Mismatch(what, `${wanted} within ${PATIENCE_MS} ms`, String(seen));
    await new Promise(setImmediate);
  }
};

/** Settles when the statistic of that workload's proxy is above `value`. */
export const untilAbove = async (mesh: MeshUnderTest, workload: string, name: string, value: number): Promise<void> => {
  await until(
    `${name} of ${workload}`,
    () => mesh.stat(workload, name),
    (now) => now > value,
    `above ${value}`,
  );
};

/** Settles when the statistic of the caller's proxy is that. */
export const untilStat = async (mesh: MeshUnderTest, name: string, value: number): Promise<void> => {
  await until(
    `${name} of productpage-v1`,
    () => mesh.stat('productpage-v1', name),
    (now) => now === value,
    String(value),
  );
};

const STEP_MS = 50;

/** The same where time must go by first: a virtual clock is put forward at each look, a real one goes by itself. */
export const untilStatLater = async (mesh: MeshUnderTest, name: string, value: number): Promise<void> => {
  const look = async (): Promise<number> => {
    await mesh.pass?.(STEP_MS);
    return await mesh.stat('productpage-v1', name);
  };
  await until(`${name} of productpage-v1`, look, (now) => now === value, String(value));
};
