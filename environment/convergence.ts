/** Waiting for proxies to acknowledge, never for time. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { SyncStatus } from '#api/sync.ts';

const LOOK_AGAIN_MS = 10;
const PATIENCE_MS = 15_000;

/** What is waited for: these workloads' proxies, connected and at that version or later. */
export interface Convergence {
  readonly version: number;
  readonly workloads: readonly string[];
}

/** Settles when all have acknowledged; rejects at once when one refused that version, and after 15 s with who is behind. */
export const converged = async (sync: () => Promise<SyncStatus>, wanted: Convergence): Promise<SyncStatus> => {
  const deadline = performance.now() + PATIENCE_MS;
  for (;;) {
    const status = await sync();
    const behind = whoIsBehind(status, wanted);
    if (behind.length === 0) return status;
    if (performance.now() > deadline) throw new Error(`not every proxy acknowledged version ${wanted.version}: ${behind.join('; ')}`);
    await sleep(LOOK_AGAIN_MS);
  }
};

const whoIsBehind = ({ proxies }: SyncStatus, { version, workloads }: Convergence): string[] =>
  workloads.flatMap((workload) => {
    const proxy = proxies.find((candidate) => candidate.workload === workload);
    if (proxy === undefined) return [`${workload} is not connected`];
    const refused = Object.values(proxy.kinds).find(({ state }) => state === 'ERROR')?.refused;
    return proxy.version >= version
      ? []
      : [`${workload} is at ${proxy.version}${refused === undefined ? '' : ` (refused: ${refused.reason})`}`];
  });
